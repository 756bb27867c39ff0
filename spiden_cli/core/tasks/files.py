"""One picture file, denoised into another: read, checked, denoised, written, measured."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.atomic import making_folder
from spiden_cli.core.files.animations import frame_count
from spiden_cli.core.files.inks import as_rgb
from spiden_cli.core.files.lenience import lenient
from spiden_cli.core.files.origin import signed
from spiden_cli.core.files.picture_files import (
    check_floats,
    check_output,
    is_camera_raw,
    losses,
    lost_in_reading,
    output_format,
    read_picture,
    stripped,
    write_picture,
)
from spiden_cli.core.image.metrics import Quality, check_alike, quality
from spiden_cli.core.image.picture import MINIMUM_SIDE, Picture, with_white
from spiden_cli.core.image.pixels import in_floats
from spiden_cli.core.image.region import Region, cropped
from spiden_cli.core.memory import memory_limited, pixels_limited
from spiden_cli.core.noise.model import Noise, as_noise
from spiden_cli.core.tasks.adjustment import UNADJUSTED, Adjustment
from spiden_cli.core.tasks.denoising import OnTile
from spiden_cli.core.tasks.inks import denoise_inks
from spiden_cli.core.tasks.masks import as_shares
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.recognition import Estimate, estimated
from spiden_cli.core.tasks.results import Result
from spiden_cli.errors import InputError, LossError

__all__ = [
    "Done",
    "Files",
    "Prepared",
    "Settings",
    "announce_losses",
    "denoise_file",
    "denoise_prepared",
    "prepare",
    "read_mask",
    "refuse_losses",
]


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
        max_memory: bytes that a picture may take; None: a share of what is free.
        floats: write 32-bit floats.
        repair: in photon counts, replace stuck pixels, and take off offsets of rows and columns.
        alone: it is the only one, so that what doesn't suit it is refused and not passed over.
        strict: refuse where the output can't hold all that the input says.
        axes: of a stack, a letter for each dimension; None: what the file says.
        independent: take the colours for channels that say nothing about each other.
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
    lenient: bool = False
    floats: bool = False
    repair: bool = True
    alone: bool = True
    strict: bool = False
    axes: str | None = None
    independent: bool = False
    per_plane: bool = False
    average: bool = False
    map_firing: bool = False
    most_pixels: int | None = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold what is read inside this context to the limits that are set."""
        with (
            memory_limited(self.max_memory),
            pixels_limited(self.most_pixels),
            lenient(self.lenient),
        ):
            yield

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


class Done(NamedTuple):
    """A picture that was denoised and written.

    Attributes:
        picture: the noisy one, or the part of it that was denoised; RGB where the files are CMYK,
            and so is the image of `result`.
        result: what became of it.
        quality: against the reference; None without one.
        region: which part; None: all of it.
        frames: of an animation; `picture` and the image of `result` are the first, work, time and
            what was removed are of all.
    """

    picture: Picture
    result: Result
    quality: Quality | None
    region: Region | None = None
    frames: int = 1


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
        InputError: the picture, its reference or its mask can't be used, or a setting doesn't suit
            it.
        LossError: something would be lost, and `strict` is wanted; nothing is written.
        OutputError: the result can't be written.
        WeightsError: the model can't be loaded, or gives no finite output.
    """
    if (frames := frame_count(files.source)) > 1:
        from spiden_cli.core.tasks.animations import denoise_animation

        return denoise_animation(model, settings, files, frames, on_note, on_tile)
    with settings.reading():
        picture = read_picture(files.source, inks=not settings.floats)
    given = prepare(picture, settings, files)
    clean: Any = None
    if files.reference is not None:
        clean = _on_scale_of(read_picture(files.reference), given.whole)
        check_alike(given.whole.pixels, clean)  # refused before the work
        clean = clean if settings.region is None else clean[settings.region.window]
    announce_losses(files, given.part, settings.strict, on_note)
    result = denoise_prepared(
        model, given.whole, _noise(settings, files.source, picture), settings, given.mask,
        settings.map_firing or files.drawing is not None, on_tile,
    )  # fmt: skip
    with making_folder(files.target.parent):
        image = signed(result.image, output_format(files.target))
        write_picture(files.target, image, settings.quality, settings.overwrite)
    noisy, result = as_rgb(given.part), replace(result, image=as_rgb(result.image))
    scores = None
    if clean is not None:
        scores = quality(noisy.pixels, result.image.pixels, clean, result.image.levels)
    return Done(noisy, result, scores, settings.region)


class Prepared(NamedTuple):
    """A picture that is about to be denoised.

    Attributes:
        whole: the noisy picture, with what is to be said of it.
        part: the part that is written; all of it where no region was asked for.
        mask: says where to denoise; None: everywhere.
    """

    whole: Picture
    part: Picture
    mask: Picture | None


def prepare(picture: Picture, settings: Settings, files: Files) -> Prepared:
    """Check all that may be refused before the work.

    Args:
        picture: as it was read; the first of an animation.
        settings: how it is to be denoised.
        files: what to read and write.

    Raises:
        InputError: a setting doesn't suit the picture, or the mask can't be used.
        OutputError: the result can't be written.
    """
    whole = stripped(picture) if settings.strip else picture
    settings.check(whole, files.source.name)
    if settings.floats:
        check_floats(files.target)
        whole = in_floats(whole)
    part = whole if settings.region is None else cropped(whole, settings.region)
    check_output(files.target, part.width, part.height)
    mask = None if files.mask is None else read_mask(files.mask, whole)
    return Prepared(whole, part, mask)


def denoise_prepared(
    model: Model,
    picture: Picture,
    noise: Noise | Estimate | float | None,
    settings: Settings,
    mask: Picture | None,
    map_firing: bool,
    on_tile: OnTile,
) -> Result:
    """Denoise a picture, in CMYK too, as settings say; see `Model.denoise`."""
    return _denoiser(model, settings, picture)(
        picture, noise, timesteps=settings.timesteps, white=settings.white,
        adjustment=settings.adjustment, mask=mask, region=settings.region, repair=settings.repair,
        map_firing=map_firing, on_tile=on_tile,
    )  # fmt: skip


def announce_losses(
    files: Files, picture: Picture, strict: bool, on_note: Callable[[str], None],
    more: Iterable[str] = (),
) -> None:  # fmt: skip
    """Tell what reading changed and writing will lose.

    Args:
        files: where it goes.
        picture: that was read.
        strict: refuse to lose anything.
        on_note: told a sentence each.
        more: that will be lost.

    Raises:
        LossError: something is lost, and `strict` is wanted.
    """
    written = (*losses(files.target, picture), *more)
    refuse_losses(files.name, (*lost_in_reading(picture), *written), strict)
    for sentence in (*picture.notes, *written):
        on_note(sentence)


def refuse_losses(source: Path, lost: Sequence[str], strict: bool) -> None:
    """Refuse to lose anything, if that is wanted.

    Raises:
        LossError: something is lost, and `strict` is wanted.
    """
    if strict and lost:
        raise LossError(f"{source}: {'; '.join(lost)}; leave out --strict to do it all the same")


def _denoiser(model: Model, settings: Settings, picture: Picture) -> Callable[..., Result]:
    if picture.black_plate is not None:
        return partial(denoise_inks, model)
    if settings.independent and picture.is_colour:
        from spiden_cli.core.tasks.apart import denoise_apart

        return partial(denoise_apart, model)
    return model.denoise


def _noise(settings: Settings, source: Path, picture: Picture) -> Noise | Estimate | float | None:
    """Return the noise as it was given, or as a raw file shows it; None: to be estimated."""
    if settings.noise is None and is_camera_raw(source):
        from spiden_cli.core.tasks.raw_noise import estimate_raw_noise

        return estimate_raw_noise(source)
    if not settings.floats or settings.independent:
        return settings.noise
    given = as_noise(settings.noise)
    if settings.white is not None:
        picture = with_white(picture, settings.white)
    return estimated(given, picture) or given  # floats would not show what was clipped


def _on_scale_of(clean: Picture, noisy: Picture) -> NDArray[Any]:
    """Return the pixels of a reference in the units of the noisy picture's."""
    if not noisy.is_measured:
        return clean.pixels
    return (clean.pixels.astype(np.float64) - (noisy.base - clean.base)).astype(np.float32)


def read_mask(path: Path, picture: Picture) -> Picture:
    """Read a mask, and refuse by name one that can't be laid over the picture."""
    mask = read_picture(path)
    try:
        as_shares(mask, picture.width, picture.height)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return mask
