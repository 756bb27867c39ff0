"""One picture of a data set to try a network on: noisy, and as it should become.

Noise is added to a clean image, or a camera has made it and there is a clean shot of the scene.
Either kind says what it needs to be tried: which files, grey or colour, and both its pictures.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from spiden_cli.core.files.picture_files import read_header, read_picture
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.pixels import to_pixels, to_unit
from spiden_cli.core.image.showing import on_range_of
from spiden_cli.core.noise.blind import is_coarse
from spiden_cli.core.noise.synthesis import gaussian_noise
from spiden_cli.errors import InputError

__all__ = ["SEEDS", "CleanImage", "Pair", "Pictures", "Sample", "clean_images"]

SEEDS = 2**16
"""So many draws of the noise of a set there are: torch's generator takes 32 bits of a seed, half
of which tell the images of the set apart."""


class Pictures(NamedTuple):
    """A noisy picture, and the clean one that it should become."""

    noisy: Picture
    clean: Picture


class Sample(Protocol):
    """One picture of a data set."""

    @property
    def clean(self) -> Path:
        """The clean file, by which the sample is called."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are read."""

    def is_colour(self) -> bool:
        """Return whether it is in colour, from the header.

        Raises:
            InputError: a file can't be read, or noisy and clean are of different kind or size.
        """

    def is_coarse(self) -> bool:
        """Return whether its noise is a camera's and not white, from the pixels.

        Raises:
            InputError: a file can't be read.
        """

    def read(self, level: float | None, seed: int = 0) -> Pictures:
        """Read or make both pictures.

        Args:
            level: noise level that is tried, in 8-bit units; None where it is to be estimated.
            seed: 0 to SEEDS - 1, each another draw of the noise; unused where none is added.

        Raises:
            InputError: a file can't be read, or noise is to be added and there is no level.
        """


@dataclass(frozen=True)
class CleanImage:
    """A clean image, to which white Gaussian noise is added: neither clipped nor rounded.

    Attributes:
        clean: the file.
        seed: of the noise, in the first draw: its position in the set.
    """

    clean: Path
    seed: int

    @property
    def files(self) -> tuple[Path, ...]:
        """The file."""
        return (self.clean,)

    def is_colour(self) -> bool:
        """See `Sample.is_colour`."""
        return read_header(self.clean).is_colour

    def is_coarse(self) -> bool:
        """See `Sample.is_coarse`."""
        return False

    def read(self, level: float | None, seed: int = 0) -> Pictures:
        """See `Sample.read`; the noisy picture is of float32."""
        if level is None:
            raise InputError(f"noise of a known level is added to {self.clean}: give the level")
        clean = read_picture(self.clean)
        planes = to_unit(clean.pixels, clean.levels)
        planes += gaussian_noise(planes.shape, level, self.seed + seed * SEEDS)
        return Pictures(Picture(to_pixels(planes, np.float32)), clean)


def clean_images(paths: Iterable[Path]) -> tuple[CleanImage, ...]:
    """Return clean images as samples, each with its position as the seed of its noise."""
    return tuple(CleanImage(path, seed) for seed, path in enumerate(paths))


@dataclass(frozen=True)
class Pair:
    """A picture with the noise of its camera, and the clean one of the same scene.

    Attributes:
        clean: the clean file.
        noisy: the noisy file.
    """

    clean: Path
    noisy: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """Both files."""
        return (self.clean, self.noisy)

    def is_colour(self) -> bool:
        """See `Sample.is_colour`."""
        noisy, clean = read_header(self.noisy), read_header(self.clean)
        if noisy != clean:  # perhaps one is stored turned: then the pixels tell
            self.read(None)
        return noisy.is_colour

    def is_coarse(self) -> bool:
        """See `Sample.is_coarse`; of a picture too small to tell, False."""
        noisy = read_picture(self.noisy)
        return is_coarse(noisy.pixels, noisy.levels)

    def read(self, level: float | None, seed: int = 0) -> Pictures:
        """See `Sample.read`; whatever is tried, the noise is that of the noisy file."""
        noisy, clean = read_picture(self.noisy), read_picture(self.clean)
        if noisy.pixels.shape != clean.pixels.shape:
            raise InputError(
                f"{self.noisy} is {_kind(noisy)} and {self.clean} is {_kind(clean)}: "
                "the pictures of a pair need the same size, and both grey or both colour"
            )
        if noisy.is_measured and clean.is_measured:
            clean = on_range_of(clean, noisy)
        return Pictures(noisy, clean)


def _kind(picture: Picture) -> str:
    return f"{picture.width} x {picture.height} {'colour' if picture.is_colour else 'grey'}"
