"""How the variance of noise depends on brightness, measured from one picture or repeated frames.

Each 8 x 8 block of a picture gives four numbers from its 2 x 2 squares (a b / c d), by Haar's
orthonormal wavelets: white noise has its variance in each, and independently so in each.

    fine      (a - b - c + d) / 2     almost all of it noise
    edges     the other two details   where fine lines and edges show as well
    coarse    a + b + c + d, halved   where everything that is larger shows
    mean      of the block

Blocks whose edges and coarse part hold more than noise would are left out; since `fine` is
independent of both, that does not bias it. Blocks are then grouped by the mean of the pixels
*around* them: grouping by their own mean would put noise into the axis of brightness, which
flattens a line (errors in variables), and counts that come out high would vary more.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Pixels
from spiden_cli.core.noise.squares import joined_in, means_around
from spiden_cli.errors import InputError

__all__ = [
    "LEAST_BLOCKS", "Blocks", "Grids", "Points", "blocks_of_frames", "grouped", "in_groups",
    "lowest",
]  # fmt: skip

Values = NDArray[np.float64]

_SIDE = 8  # of a block, in pixels
_HALF = _SIDE // 2
_PHASES = ((0, 0), (1, 1), (0, 1), (1, 0))
_SHIFT_REDUNDANCY = 2.25
"""Four shifts by a pixel tell 4 / 2.25 as much as one: sum of squared correlations of `fine`."""
_WINDOW, _MOST_PIXELS = 512, 2_097_152
LEAST_BLOCKS = 100
_FLAT_COARSE, _FLAT_EDGES, _FLAT_FINE = 1.8, 1.6, 4.0
"""Ratios to the noise's variance below which a block is flat, and a block has no stray pixel."""
_FLAT_SHARE, _CALMEST = 0.02, 0.1
"""Share of the blocks of like brightness that are flat, below which the calmest tenth is taken."""
_GROUPS = 24
"""Of blocks of like brightness."""
_FRAME_SIDE = 4


class Blocks(NamedTuple):
    """What was measured of blocks, (N,) each, in pixel units or their square; by `around`, rising.

    Attributes:
        mean: of the block.
        darkest: least mean of its 2 x 2 squares.
        around: mean of the pixels around it.
        fine: variance of its fine detail.
        edges: of its horizontal and vertical detail.
        coarse: of what is larger.
        samples: independent samples of the variance in each block.
    """

    mean: Values
    darkest: Values
    around: Values
    fine: Values
    edges: Values
    coarse: Values
    samples: float

    def chosen(self, which: NDArray[np.bool_]) -> "Blocks":
        """Return some of the blocks."""
        return self.each(lambda values: values[which])

    def in_order(self) -> "Blocks":
        """Return the blocks by the brightness around them: groups of them are then slices."""
        order = np.argsort(self.around, kind="stable")
        return self.each(lambda values: values[order])

    def each(self, change: Callable[[Values], Values]) -> "Blocks":
        """Return what becomes of the blocks when each of their numbers is changed alike."""
        return Blocks(
            change(self.mean), change(self.darkest), change(self.around), change(self.fine),
            change(self.edges), change(self.coarse), self.samples,
        )  # fmt: skip

    def are_flat(self, variance: Values) -> NDArray[np.bool_]:
        """Return which blocks hold noise of a variance alone.

        Args:
            variance: of the noise at each block, (N,), > 0.
        """
        calm = (self.coarse < _FLAT_COARSE * variance) & (self.edges < _FLAT_EDGES * variance)
        return calm & (self.fine < _FLAT_FINE * variance)

    def flat(self, variance: Values) -> "Blocks":
        """Return the blocks that hold noise of a variance alone.

        Where there are hardly any of a brightness, the calmest of that brightness are taken.

        Args:
            variance: of the noise at each block, (N,), > 0.
        """
        flat, edges = self.are_flat(variance), self.edges / variance
        for alike, calm in zip(in_groups(flat), in_groups(edges), strict=True):
            if len(few := np.flatnonzero(alike.sum(1) < _FLAT_SHARE * alike.shape[1])):
                alike[few] |= lowest(calm[few], _CALMEST)
        return self.chosen(flat)


class Points(NamedTuple):
    """Variance over mean, in groups of blocks of like brightness, (G,) each.

    Attributes:
        mean: in pixel units.
        variance: in squared pixel units.
        samples: independent samples of the variance in each group.
    """

    mean: Values
    variance: Values
    samples: Values


class Grids:
    """The blocks of one picture, measured grid by grid, each once.

    At most 2 megapixels are looked at, spread evenly.
    """

    def __init__(self, pixels: Pixels) -> None:
        """Take a picture.

        Args:
            pixels: (H, W) or (H, W, 3), whose channels count as pictures of their own.
        """
        self._pixels = pixels
        self._by_window: list[list[Blocks]] = []
        self._measured = 0

    def blocks(self, grids: int = len(_PHASES)) -> Blocks:
        """Measure the blocks; what was measured before isn't measured again.

        Blocks of one value are left out: nothing that was measured is so.

        Args:
            grids: shifted ones that blocks lie on, 1 to 4, no fewer than before: all tell the most,
                one takes a quarter of the time.

        Raises:
            InputError: there are too few blocks to tell.
        """
        self._measure(grids)
        parts = [part for window in self._by_window for part in window]
        if not parts:
            raise _too_small(self._pixels)
        blocks = _joined(parts)
        varied = (blocks.fine > 0) & (blocks.coarse > 0)
        least = LEAST_BLOCKS * grids // len(_PHASES)
        if len(varied) < least:
            raise _too_small(self._pixels)
        if varied.sum() < least:
            raise InputError(
                "the picture is of few values, alike over large areas: there is no noise to "
                "estimate"
            )
        return blocks.chosen(varied).in_order()

    def _measure(self, grids: int) -> None:
        phases = _PHASES[self._measured : grids]
        if not phases:
            return
        pixels = self._pixels
        planes = [pixels] if pixels.ndim == 2 else [pixels[..., k] for k in range(pixels.shape[2])]
        windows = (window for plane in planes for window in _windows(plane))
        for i, window in enumerate(windows):
            if i == len(self._by_window):
                self._by_window.append([])
            self._by_window[i] += _phases(window, phases)
        self._measured = grids


def blocks_of_frames(frames: NDArray[np.number]) -> Blocks:
    """Measure blocks of frames that show the same, by how pixels differ from frame to frame.

    Args:
        frames: (N, H, W), N >= 2; any type of number.

    Returns:
        Blocks of 4 x 4 pixels, all of them flat: texture does not change from frame to frame, so
        that edges and coarse are 0.

    Raises:
        InputError: there are no two frames, or they are too small.
    """
    if frames.ndim != 3 or len(frames) < 2:
        raise InputError(f"repeated frames are an array (N, H, W) of 2 at least, not "
                         f"{frames.shape}")  # fmt: skip
    rows, columns = (side // _FRAME_SIDE for side in frames.shape[1:])
    if rows * columns < LEAST_BLOCKS:
        raise _too_small(frames[0])
    total = np.zeros(frames.shape[1:])
    squares = np.zeros(frames.shape[1:])
    first = frames[0].astype(np.float64)
    for frame in frames:  # one at a time, and against the first, so that no precision is lost
        difference = frame - first
        total += difference
        squares += difference**2
    number = len(frames)
    variance = (squares - total**2 / number) / (number - 1)
    mean = first + total / number

    def blockwise(values: Values) -> Values:
        whole = values[: rows * _FRAME_SIDE, : columns * _FRAME_SIDE]
        means: Values = whole.reshape(rows, _FRAME_SIDE, columns, _FRAME_SIDE).mean((1, 3))
        return means

    means, fine = blockwise(mean), blockwise(variance).ravel()
    around = means_around(means, means, 1).ravel()
    samples, calm = float(_FRAME_SIDE**2 * (number - 1)), np.zeros_like(fine)
    blocks = Blocks(means.ravel(), means.ravel(), around, fine, calm, calm, samples)
    return blocks.in_order()


def grouped(blocks: Blocks) -> Points:
    """Gather blocks in groups of about as many, by the brightness around them."""
    size, larger = divmod(len(blocks.mean), _GROUPS)
    sizes = np.full(_GROUPS if size else larger, size)
    sizes[:larger] += 1
    starts = sizes.cumsum() - sizes
    means, variances = np.add.reduceat((blocks.mean, blocks.fine), starts, axis=1) / sizes
    return Points(means, variances, sizes * blocks.samples)


def in_groups(values: NDArray[Any]) -> list[NDArray[Any]]:
    """Return views (G, N) of values in their order: `_GROUPS` of them in all, of one or two sizes.

    Groups of one size can be looked at together. There are fewer where there are fewer values.
    """
    size, larger = divmod(len(values), _GROUPS)
    end = larger * (size + 1)
    parts = [(values[:end], size + 1), (values[end:], size)]
    return [part.reshape(-1, size) for part, size in parts if len(part)]


def lowest(groups: Values, share: float) -> NDArray[np.bool_]:
    """Return which values are up to a quantile of their group.

    Args:
        groups: (G, N), N >= 1.
        share: of the values, 0 to 1.
    """
    last = int(share * (groups.shape[1] - 1))
    which: NDArray[np.bool_] = groups <= np.partition(groups, last, axis=1)[:, [last]]
    return which


def _windows(plane: NDArray[np.number]) -> Iterator[Values]:
    """Return the plane, or of a large one windows that are spread over it evenly."""
    height, width = plane.shape
    share = min(1.0, _MOST_PIXELS / (height * width))
    if share == 1.0:
        yield plane[:, :].astype(np.float64)
        return
    step = int(_WINDOW / np.sqrt(share))
    for top in range(0, max(1, height - _WINDOW + 1), step):
        for left in range(0, max(1, width - _WINDOW + 1), step):
            yield plane[top : top + _WINDOW, left : left + _WINDOW].astype(np.float64)


def _phases(window: Values, phases: Sequence[tuple[int, int]]) -> Iterator[Blocks]:
    """Return blocks on grids that are shifted so."""
    for down, across in phases:
        shifted = window[down:, across:]
        rows, columns = (side // _SIDE for side in shifted.shape)
        if min(rows, columns) >= 2:
            yield _measured(shifted[: rows * _SIDE, : columns * _SIDE], rows, columns)


def _measured(whole: Values, rows: int, columns: int) -> Blocks:
    a, b, c, d = whole[::2, ::2], whole[::2, 1::2], whole[1::2, ::2], whole[1::2, 1::2]
    upper, lower, left, right = a + b, c + d, a - b, c - d
    means = (upper + lower) / 4
    mean = joined_in(np.add, means, _HALF) / _HALF**2
    darkest = joined_in(np.minimum, means, _HALF)
    away = means.reshape(rows, _HALF, columns, _HALF) - mean[:, None, :, None]
    details = np.stack((upper - lower, left + right, left - right, away.reshape(means.shape)))
    details *= details
    vertical, horizontal, diagonal, larger = joined_in(np.add, details, _HALF)
    edges, fine = (vertical + horizontal) / (8 * _HALF**2), diagonal / (4 * _HALF**2)
    coarse = 4 * larger / (_HALF**2 - 1)
    around = means_around(means, mean, _HALF // 2)
    samples = _HALF**2 / _SHIFT_REDUNDANCY
    blocks = Blocks(mean, darkest, around, fine, edges, coarse, samples)
    return blocks.each(np.ravel)


def _joined(parts: list[Blocks]) -> Blocks:
    mean, darkest, around, fine, edges, coarse = (
        np.concatenate([part[column] for part in parts]) for column in range(6)
    )
    return Blocks(mean, darkest, around, fine, edges, coarse, parts[0].samples)


def _too_small(pixels: NDArray[np.number]) -> InputError:
    return InputError(
        f"{pixels.shape[1]} x {pixels.shape[0]} pixels are too few to estimate how noise grows "
        "with brightness; give the gain, offset and read noise"
    )
