"""A Bayer mosaic and its interpolation, by two linear rules that stand for what cameras do.

Bilinear interpolation smooths most. Malvar, He, Cutler, "High-quality linear interpolation for
demosaicing of Bayer-patterned color images", ICASSP 2004, adds the Laplacian of the channel that is
known at a pixel; its eight 5 x 5 filters are those of the paper's figure 2.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["demosaic", "mosaic"]

# Each rule in one form: (known channel at the pixel -> wanted channel), 5 x 5.
_BILINEAR = {
    "cross": [[0, 0, 0, 0, 0], [0, 0, 2, 0, 0], [0, 2, 0, 2, 0], [0, 0, 2, 0, 0], [0, 0, 0, 0, 0]],
    "row": [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 4, 0, 4, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
    "diagonal": [
        [0, 0, 0, 0, 0], [0, 2, 0, 2, 0], [0, 0, 0, 0, 0], [0, 2, 0, 2, 0], [0, 0, 0, 0, 0]
    ],
}  # fmt: skip
_MALVAR = {
    "cross": [
        [0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]
    ],
    "row": [
        [0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0],
        [0, 0, 0.5, 0, 0],
    ],
    "diagonal": [
        [0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0],
        [0, 0, -1.5, 0, 0],
    ],
}  # fmt: skip


def mosaic(colour: Tensor) -> Tensor:
    """Keep one colour at each pixel, in the pattern RGGB.

    Args:
        colour: (B, 3, H, W).

    Returns:
        (B, 1, H, W).
    """
    red, green, blue = colour.unbind(1)
    raw = green.clone()
    raw[:, ::2, ::2] = red[:, ::2, ::2]
    raw[:, 1::2, 1::2] = blue[:, 1::2, 1::2]
    return raw[:, None]


def demosaic(raw: Tensor, malvar: Tensor) -> Tensor:
    """Fill in the two colours that each pixel of an RGGB mosaic lacks.

    Args:
        raw: (B, 1, H, W), red at its first pixel.
        malvar: (B,) bool: interpolate as Malvar et al. do, or bilinearly.

    Returns:
        (B, 3, H, W), not clipped.
    """
    padded = F.pad(raw, (2, 2, 2, 2), mode="reflect")
    filtered = F.conv2d(padded, _kernels(raw))  # (B, 8, H, W): four of each rule
    chosen = malvar[:, None, None, None]
    cross, row, column, diagonal = torch.where(chosen, filtered[:, 4:], filtered[:, :4]).unbind(1)
    known = raw[:, 0]
    green = known.clone()
    green[:, ::2, ::2] = cross[:, ::2, ::2]
    green[:, 1::2, 1::2] = cross[:, 1::2, 1::2]
    red = _colour(known, row, column, diagonal, first=0)
    blue = _colour(known, row, column, diagonal, first=1)
    return torch.stack([red, green, blue], 1)


def _kernels(raw: Tensor) -> Tensor:
    """Bilinear and Malvar's filters, (8, 1, 5, 5), each cross, row, column, diagonal."""
    kernels = []
    for rule in (_BILINEAR, _MALVAR):
        cross, row, diagonal = (raw.new_tensor(rule[name]) / 8 for name in rule)
        kernels += [cross, row, row.T, diagonal]
    return torch.stack(kernels)[:, None]


def _colour(raw: Tensor, along: Tensor, across: Tensor, diagonal: Tensor, first: int) -> Tensor:
    """Fill in red (`first` 0) or blue (1), known at every second pixel of every second row."""
    other = 1 - first
    colour = raw.clone()
    colour[:, first::2, other::2] = along[:, first::2, other::2]  # in the rows that have it
    colour[:, other::2, first::2] = across[:, other::2, first::2]
    colour[:, other::2, other::2] = diagonal[:, other::2, other::2]
    return colour
