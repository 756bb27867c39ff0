"""Where the pixels of a turned picture are in the scene, by the table of the standard."""

import numpy as np


def scene_of(stored: np.ndarray, orientation: int) -> np.ndarray:
    """Put every stored pixel where EXIF 2.32, table 6 says that row 0 and column 0 are."""
    rows, columns = stored.shape[:2]
    size = (columns, rows) if orientation >= 5 else (rows, columns)
    scene = np.zeros((*size, *stored.shape[2:]), stored.dtype)
    for r in range(rows):
        for c in range(columns):
            back_r, back_c = rows - 1 - r, columns - 1 - c
            place = {
                1: (r, c), 2: (r, back_c), 3: (back_r, back_c), 4: (back_r, c),
                5: (c, r), 6: (c, back_r), 7: (back_c, back_r), 8: (back_c, r),
            }[orientation]  # fmt: skip
            scene[place] = stored[r, c]
    return scene
