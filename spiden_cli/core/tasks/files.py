"""One picture file, denoised into another: read, checked, denoised, written, measured."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.atomic import making_folder
from spiden_cli.core.files.animations import frame_count
from spiden_cli.core.files.inks import as_rgb
from spiden_cli.core.files.origin import signed
from spiden_cli.core.files.picture_files import (
    check_floats,
    check_memory_to_write,
    check_output,
    is_camera_raw,
    losses,
    output_format,
    read_picture,
    stripped,
    write_picture,
)
from spiden_cli.core.image.metrics import Quality, check_alike, quality
from spiden_cli.core.image.picture import Picture, with_white
from spiden_cli.core.image.pixels import in_floats
from spiden_cli.core.image.region import Region, cropped
from spiden_cli.core.noise.model import Noise, PoissonGaussian, Unknown, UnknownCounts, as_noise
from spiden_cli.core.tasks.denoising import OnTile
from spiden_cli.core.tasks.inks import denoise_inks
from spiden_cli.core.tasks.masks import as_shares
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.recognition import Dyes, Estimate, counts_of_dyes, estimated
from spiden_cli.core.tasks.results import Result
from spiden_cli.core.tasks.settings import Files, Settings
from spiden_cli.errors import InputError, LossError


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
        on_note: told, before the work, what reading changed and writing will lose, a sentence each;
            after it which white was guessed, if that matters.
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
        with settings.reading():
            reference = read_picture(files.reference)
        clean = _on_scale_of(reference, given.whole)
        check_alike(given.whole.pixels, clean)  # refused before the work
        clean = clean if settings.region is None else clean[settings.region.window]
    announce_losses(files, given.part, settings.strict, on_note)
    dyes = _dyes(model, settings, picture)
    if dyes:
        settings = replace(settings, independent=True)
        on_note("its colours hold photon counts of their own, and are denoised apart, as dyes are; "
                "--channels together takes them for a photograph")  # fmt: skip
    result = denoise_prepared(
        model, given.whole, _noise(settings, files.source, picture, dyes), settings, given.mask,
        settings.map_firing or files.drawing is not None, on_tile,
    )  # fmt: skip
    announce_white(picture, result.noise, on_note)
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
    with settings.reading():
        check_memory_to_write(files.target, part)
        mask = None if files.mask is None else read_mask(files.mask, whole)
    return Prepared(whole, part, mask)


def denoise_prepared(
    model: Model,
    picture: Picture,
    noise: Noise | Estimate | float | Dyes | None,
    settings: Settings,
    mask: Picture | None,
    map_firing: bool,
    on_tile: OnTile,
) -> Result:
    """Denoise a picture, in CMYK too, as settings say; see `Model.denoise` and `denoise_apart`."""
    return _denoiser(model, settings, picture)(
        picture, noise, timesteps=settings.timesteps, white=settings.white,
        adjustment=settings.adjustment, mask=mask, region=settings.region, repair=settings.repair,
        map_firing=map_firing, on_tile=on_tile,
    )  # fmt: skip


def announce_losses(
    files: Files, picture: Picture, strict: bool, on_note: Callable[[str], None],
    more: Iterable[str] = (),
) -> None:  # fmt: skip
    """Tell what reading changed and writing will lose; `announce_white` tells the rest.

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
    refuse_losses(files.name, (*picture.lost, *written), strict)
    for sentence in (*picture.notes, *picture.lost, *written):
        on_note(sentence)


def announce_white(picture: Picture, noise: Noise, on_note: Callable[[str], None]) -> None:
    """Tell which white was guessed, where it matters: photon counts have no need of any.

    Args:
        picture: that was read.
        noise: that it was found to hold.
        on_note: told a sentence each.
    """
    if picture.white_guess is not None and not isinstance(noise, PoissonGaussian):
        on_note(picture.white_guess)


def refuse_losses(source: Path, lost: Sequence[str], strict: bool) -> None:
    """Refuse to lose anything, if that is wanted.

    Raises:
        LossError: something is lost, and `strict` is wanted.
    """
    if strict and lost:
        raise LossError(f"{source}: {'; '.join(lost)}; leave out --strict to do it all the same")


def _dyes(model: Model, settings: Settings, picture: Picture) -> Dyes:
    """Look whether colours are independent: unasked, if anything lets them be so."""
    asked = settings.independent is not None or settings.adjustment.chroma_strength is not None
    if asked or not isinstance(as_noise(settings.noise), Unknown | UnknownCounts | PoissonGaussian):
        return ()
    found = counts_of_dyes(picture)
    return found if found and model.loaded(colour=False).info.config.image_channels == 1 else ()


def _denoiser(model: Model, settings: Settings, picture: Picture) -> Callable[..., Result]:
    if picture.black_plate is not None:
        return partial(denoise_inks, model, independent=bool(settings.independent))
    if settings.independent and picture.is_colour:
        from spiden_cli.core.tasks.apart import denoise_apart

        return partial(denoise_apart, model)
    return model.denoise


def _noise(
    settings: Settings, source: Path, picture: Picture, dyes: Dyes
) -> Noise | Estimate | float | Dyes | None:
    """Return the noise as it was given, or as a raw file or dyes show it; None: to be estimated."""
    if dyes and as_noise(settings.noise) == Unknown() and settings.white is None:
        return dyes
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
