"""Make pictures as a fluorescence microscope takes them, to follow docs/microscopy.md.

    python microscope.py

Filaments and spots, seen by a camera of 16 bits with a gain of 2, an offset of 100 and read noise
of 2, at 20 photons where they are brightest. Into the working folder go

    cells.tif          one noisy picture, and cells_clean.tif, what it shows
    movie.tif          an ImageJ hyperstack: 6 frames of two dyes
    frames.tif         12 noisy frames of another such field, to learn from
"""

import numpy as np
import tifffile
from scipy.ndimage import gaussian_filter

GAIN, OFFSET, READ_NOISE, PHOTONS, BACKGROUND = 2.0, 100.0, 2.0, 20.0, 0.6
SIDE = 256


def filaments(generator: np.random.Generator, count: int = 45) -> np.ndarray:
    """Return winding threads of one light, (SIDE, SIDE), at most 1."""
    field = np.zeros((SIDE, SIDE))
    for _ in range(count):
        row, column = generator.uniform(0, SIDE, 2)
        turns = np.cumsum(generator.normal(0, 0.1, 220)) + generator.uniform(0, 2 * np.pi)
        rows = (row + np.cumsum(np.sin(turns))).astype(int)
        columns = (column + np.cumsum(np.cos(turns))).astype(int)
        inside = (rows >= 0) & (rows < SIDE) & (columns >= 0) & (columns < SIDE)
        field[rows[inside], columns[inside]] += 1
    field = gaussian_filter(field, 1.2)
    return field / field.max()


def spots(generator: np.random.Generator, count: int = 14) -> np.ndarray:
    """Return round bodies, (SIDE, SIDE), at most 1."""
    field = np.zeros((SIDE, SIDE))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for _ in range(count):
        row, column = generator.uniform(0, SIDE, 2)
        radius = generator.uniform(7, 14)
        field += np.hypot(rows - row, columns - column) < radius
    texture = 1 + 0.4 * gaussian_filter(generator.normal(size=field.shape), 2) * 7
    field = gaussian_filter(field * texture, 1.5)
    return field.clip(0) / field.max()


def taken(light: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return what the camera makes of an expected number of photons, uint16."""
    counts = generator.poisson(light)
    values = GAIN * counts + OFFSET + generator.normal(0, READ_NOISE, light.shape)
    return np.rint(values).clip(0, 65535).astype(np.uint16)


def photons(field: np.ndarray) -> np.ndarray:
    """Return the expected number of photons of a field."""
    return PHOTONS * field + BACKGROUND


if __name__ == "__main__":
    generator = np.random.default_rng(2023)
    light = photons(filaments(generator))
    tifffile.imwrite("cells.tif", taken(light, generator))
    tifffile.imwrite("cells_clean.tif", np.rint(GAIN * light + OFFSET).astype(np.uint16))

    fields = np.stack([photons(filaments(generator)), 0.5 * photons(spots(generator))])
    moving = np.stack([np.roll(fields, 3 * frame, axis=2) for frame in range(6)])
    movie = np.stack([taken(frame, generator) for frame in moving])
    words = {"axes": "TCYX", "unit": "um", "finterval": 0.5, "Labels": ["actin", "nuclei"] * 6}
    tifffile.imwrite("movie.tif", movie, imagej=True, resolution=(10, 10), metadata=words)

    other = photons(filaments(generator))
    frames = np.stack([taken(other, generator) for _ in range(12)])
    tifffile.imwrite("frames.tif", frames, imagej=True, metadata={"axes": "TYX"})
