"""One picture file, denoised into another: read, checked, denoised, written, measured."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from spiden_cli.core.atomic import making_folder
from spiden_cli.core.files.picture_files import (
    check_output,
    losses,
    read_picture,
    stripped,
    write_picture,
)
from spiden_cli.core.image.metrics import Quality, check_alike, quality
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.tasks.adjustment import UNADJUSTED, Adjustment
from spiden_cli.core.tasks.denoising import OnTile
from spiden_cli.core.tasks.model import Model, Result
from spiden_cli.errors import InputError

__all__ = ["Done", "Files", "Settings", "denoise_file"]


@dataclass(frozen=True)
class Files:
    """What belongs to one picture: what is read, and what is written.

    Attributes:
        source: the noisy picture.
        target: where the result goes; its folder is made if need be.
        reference: the clean picture, if there is one.
        drawing: where a comparison is to be drawn, if one is wanted.
    """

    source: Path
    target: Path
    reference: Path | None = None
    drawing: Path | None = None


@dataclass(frozen=True)
class Settings:
    """What is the same for every picture.

    Attributes:
        level: of the noise, in 8-bit units; None to estimate it.
        timesteps: T; None: what the model was trained for.
        white: the value of white; None: what the file says.
        adjustment: how strongly to denoise.
        quality: of the compression, 1 to 100; None: the file's own.
        strip: leave out what is said of the picture.
        alone: it is the only one, so that what doesn't suit it is refused and not passed over.
    """

    level: float | None = None
    timesteps: int | None = None
    white: float | None = None
    adjustment: Adjustment = UNADJUSTED
    quality: int | None = None
    strip: bool = False
    alone: bool = True

    def check(self, picture: Picture, name: str) -> None:
        """Refuse what doesn't suit the only picture.

        Raises:
            InputError: a strength for colour, and the picture is grey.
        """
        if self.alone and self.adjustment.chroma_strength is not None and not picture.is_colour:
            raise InputError(f"{name} is grey: leave out --chroma-strength")


class Done(NamedTuple):
    """A picture that was denoised and written.

    Attributes:
        picture: the noisy one.
        result: what became of it.
        quality: against the reference; None without one.
    """

    picture: Picture
    result: Result
    quality: Quality | None


def denoise_file(
    model: Model,
    settings: Settings,
    files: Files,
    on_note: Callable[[str], None] = lambda sentence: None,
    on_tile: OnTile = lambda done, of: None,
) -> Done:
    """Denoise one file into another.

    Args:
        model: denoises.
        settings: how.
        files: what to read and write.
        on_note: told, before the work, what reading changed and writing will lose, a sentence each.
        on_tile: told the number of tiles done, and of all.

    Raises:
        InputError: the picture or its reference can't be used, or a setting doesn't suit it.
        OutputError: the result can't be written.
        WeightsError: the model can't be loaded, or gives no finite output.
    """
    picture = read_picture(files.source)
    if settings.strip:
        picture = stripped(picture)
    settings.check(picture, files.source.name)
    check_output(files.target, picture.width, picture.height)
    clean = None
    if files.reference is not None:
        clean = read_picture(files.reference).pixels
        check_alike(picture.pixels, clean)  # refused before the work
    for sentence in (*picture.notes, *losses(files.target, picture)):
        on_note(sentence)
    result = model.denoise(
        picture, settings.level, timesteps=settings.timesteps, white=settings.white,
        adjustment=settings.adjustment, map_firing=files.drawing is not None, on_tile=on_tile,
    )  # fmt: skip
    with making_folder(files.target.parent):
        write_picture(files.target, result.image, settings.quality)
    scores = None
    if clean is not None:
        pixels, levels = result.image.pixels, result.image.levels
        scores = quality(picture.pixels, pixels, clean, levels)
    return Done(picture, result, scores)
