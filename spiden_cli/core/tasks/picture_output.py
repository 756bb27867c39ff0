"""What is written of a picture, tile by tile."""

import dataclasses
import math

import numpy as np

from spiden_cli.core.engine.tiling import Window
from spiden_cli.core.image.picture import Picture, Pixels
from spiden_cli.core.image.pixels import Planes, to_pixels
from spiden_cli.core.image.region import Region, cropped
from spiden_cli.core.tasks.masks import Shares, blended


class PictureOutput:
    """What is written of a picture, tile by tile: all of it or a region, everywhere or masked.

    Attributes:
        window: the part of the picture that is written.
    """

    def __init__(self, picture: Picture, region: Region | None, shares: Shares | None) -> None:
        whole = Region(0, 0, picture.width, picture.height)
        self._picture = cropped(picture, region) if region else picture
        self.window = Window(*(region or whole).window)
        self._shares = None if shares is None else shares[self.window]
        self._pixels: Pixels = picture.pixels[self.window].copy()  # what isn't touched stays
        self._squares = 0.0

    def wants(self, part: Window) -> bool:
        """Return whether any of a tile is let through by the mask."""
        if self._shares is None:
            return True
        return bool(self._shares[part.overlap(self.window).seen_from(self.window)].any())

    def write(self, part: Window, noisy: Planes, denoised: Planes) -> None:
        """Take over what a tile has of the window.

        Args:
            part: the tile, in the whole picture.
            noisy: (C, h, w).
            denoised: likewise.
        """
        common = part.overlap(self.window)
        inside, place = common.seen_from(part), common.seen_from(self.window)
        noisy, denoised = noisy[:, *inside], denoised[:, *inside]
        shares = None if self._shares is None else self._shares[place]
        if shares is not None:
            denoised = blended(noisy, denoised, shares)
        written = to_pixels(denoised, self._pixels.dtype, self._picture.levels)
        if shares is None:
            self._pixels[place] = written
        else:
            self._pixels[place][shares > 0] = written[shares > 0]
        if self._pixels.dtype.kind == "f":
            removed = noisy - denoised
        else:  # beyond black and white nothing is seen, and nothing written
            removed = noisy.clip(0, 1)
            removed -= denoised.clip(0, 1)
        self._squares += float(np.vdot(removed, removed))

    @property
    def removed(self) -> float:
        """Root mean square of what was removed where the mask lets through, in 8-bit units."""
        count = self._pixels.size
        if self._shares is not None:
            count = int(np.count_nonzero(self._shares)) * self._picture.channels
        return 255 * math.sqrt(self._squares / max(1, count))

    def result(self) -> Picture:
        """Return the picture that was written."""
        return dataclasses.replace(self._picture, pixels=self._pixels)
