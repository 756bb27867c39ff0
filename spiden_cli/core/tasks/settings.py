"""What a user asks for: the files of a picture, and how pictures are denoised."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from spiden_cli.core.files.lenience import lenient
from spiden_cli.core.image.picture import MINIMUM_SIDE, Picture
from spiden_cli.core.image.region import Region
from spiden_cli.core.memory import memory_limited, pixels_limited
from spiden_cli.core.noise.model import Noise
from spiden_cli.core.tasks.adjustment import UNADJUSTED, Adjustment
from spiden_cli.errors import InputError


@dataclass(frozen=True)
class Files:
    """What belongs to one picture: what is read, and what is written.

    Attributes:
        source: the noisy picture.
        target: where the result goes; its folder is made if need be.
        reference: the clean picture, if there is one.
        drawing: where a comparison is to be drawn, if one is wanted.
        mask: says where to denoise; None: everywhere.
        shown: what the user calls the picture, where that isn't the file.
    """

    source: Path
    target: Path
    reference: Path | None = None
    drawing: Path | None = None
    mask: Path | None = None
    shown: Path | None = None

    @property
    def name(self) -> Path:
        """What the user calls the picture."""
        return self.shown or self.source


@dataclass(frozen=True)
class Settings:
    """What is the same for every picture.

    Attributes:
        noise: what is known of it, a number being a level in 8-bit units; None to estimate it.
        timesteps: T; None: what the model was trained for.
        white: the value of white; None: what the file says.
        adjustment: how strongly to denoise.
        quality: of the compression, 1 to 100; None: the file's own.
        strip: leave out what is said of the picture.
        region: the part to denoise and write; None: all of it.
        overwrite: replace files that are there.
        lenient: read a damaged picture as far as it goes.
        max_memory: bytes that pictures may take; None: a share of what is free.
        processes: how many work at once, of which each may take its part of that.
        floats: write 32-bit floats.
        repair: in photon counts, replace stuck pixels, and take off offsets of rows and columns.
        alone: it is the only one, so that what doesn't suit it is refused and not passed over.
        strict: refuse where the output can't hold all that the input says.
        axes: of a stack, a letter for each dimension; None: what the file says.
        independent: take the colours for channels that say nothing about each other; None: where
            each is found to hold photon counts of its own.
        per_plane: estimate the noise of each plane of a stack on its own.
        average: take the mean over the frames of a stack first.
        map_firing: gather where the neurons fire also where no comparison is drawn.
        most_pixels: more than these, in all frames, are refused before they are decoded.
    """

    noise: Noise | float | None = None
    timesteps: int | None = None
    white: float | None = None
    adjustment: Adjustment = UNADJUSTED
    quality: int | None = None
    strip: bool = False
    region: Region | None = None
    overwrite: bool = False
    max_memory: int | None = None
    processes: int = 1
    lenient: bool = False
    floats: bool = False
    repair: bool = True
    alone: bool = True
    strict: bool = False
    axes: str | None = None
    independent: bool | None = None
    per_plane: bool = False
    average: bool = False
    map_firing: bool = False
    most_pixels: int | None = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold what is read inside this context to the limits that are set."""
        with (
            memory_limited(self.max_memory, self.processes),
            pixels_limited(self.most_pixels),
            lenient(self.lenient),
        ):
            yield

    def of_result(self) -> str:
        """Return, in words, the settings that the result depends on."""
        same = replace(
            self, overwrite=False, max_memory=None, processes=1, alone=True, strict=False,
            noise=None, most_pixels=None,
        )  # fmt: skip
        return f"{same} {sha256(pickle.dumps(self.noise)).hexdigest()}"

    def check(self, picture: Picture, name: str) -> None:
        """Refuse what doesn't suit a picture.

        Raises:
            InputError: a strength for colour, and the only picture is grey, or its colours are
                independent; the region isn't in it.
        """
        if self.region is not None:
            self.region.check(picture.width, picture.height, MINIMUM_SIDE)
        if self.independent and self.adjustment.chroma_strength is not None:
            raise InputError("independent channels are no colours: leave out --chroma-strength")
        if self.alone and self.adjustment.chroma_strength is not None and not picture.is_colour:
            raise InputError(f"{name} is grey: leave out --chroma-strength")
