"""Read and write animations: APNG, WebP and AVIF, and GIF, which is read only.

Pillow composes the frames, but those of PNG (`apng_frames`): what a frame leaves of the one before,
and what it covers, is gone into whole pictures. They are written as such; the encoders find what
changes from one to the next.
"""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.files.animation_timing import Timing, timing_for
from spiden_cli.core.files.apng_frames import composed_frames
from spiden_cli.core.files.avif_plays import plays_of, undated, with_plays
from spiden_cli.core.files.claims import check_pillow_claim
from spiden_cli.core.files.colour import fitted_colours, profile_for
from spiden_cli.core.files.decoding import check_size, decoding, split_alpha
from spiden_cli.core.files.encoding import encoding
from spiden_cli.core.files.file_head import Head, head_of
from spiden_cli.core.files.formats import HEAD_LENGTH, begun_as, written_as
from spiden_cli.core.files.metadata import fitted_metadata
from spiden_cli.core.files.orientation import upright
from spiden_cli.core.files.output_checks import check_output, check_quality, output_format
from spiden_cli.core.files.pillow_reader import opened
from spiden_cli.core.files.pillow_words import colour_tags_of, encoding_of, words_of
from spiden_cli.core.files.pillow_writer import fitted_samples, options_of
from spiden_cli.core.files.png_writer import with_words
from spiden_cli.core.image.animation import Animation
from spiden_cli.core.image.picture import MAXIMUM_PIXELS, Picture
from spiden_cli.core.memory import pixel_limit
from spiden_cli.core.regular_file import open_regular
from spiden_cli.errors import InputError, OutputError

__all__ = [
    "check_animated_output",
    "frame_count",
    "read_animation",
    "write_animation",
]

_MAY_BE_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
_HEAD = 65_536  # bytes that are looked at first
_DEEP = ("I;16", "I;16B", "I")
_LONGEST_RATIO = 65_535  # of APNG's durations: numerator and denominator have 16 bits
_MILLISECOND = Fraction(1, 1000)


def frame_count(path: Path) -> int:
    """Return the number of frames of an animation; 1 for every other file, also one not readable.

    The first picture of a JPEG with others behind it (MPO) is the photograph.
    """
    try:
        with open_regular(path) as stream:
            head = stream.read(_HEAD)
        format = begun_as(head[:HEAD_LENGTH])
        if format is None or format.name not in _MAY_BE_ANIMATED:
            return 1
        if format.name == "PNG" and _is_still(head):
            return 1
        with decoding(path), opened(path) as image:
            return len(_shown(image))
    except (InputError, OSError):  # is said by who reads the picture
        return 1


def _is_still(head: bytes) -> bool:
    """Return whether a PNG tells no animation before its picture, as one has to (APNG: acTL)."""
    before, picture, _ = head.partition(b"IDAT")
    return bool(picture) and b"acTL" not in before


def read_animation(path: Path) -> Animation:
    """Read all frames of an animation, upright, as they are seen.

    Frames are grey where all are, and have transparency where one has.

    Raises:
        InputError: damaged, too small, more than `MAXIMUM_PIXELS` in all, or of 16 bits.
    """
    with decoding(path), opened(path) as image:
        numbers = _shown(image)
        check_size(path, image.width, image.height, 4 * len(numbers))  # decoded to RGBA
        check_pillow_claim(path, image)
        if image.width * image.height * len(numbers) > (limit := pixel_limit(MAXIMUM_PIXELS)):
            raise InputError(
                f"{path}: {len(numbers)} frames of {image.width} x {image.height} pixels, above "
                f"the limit of {limit / 1e6:g} megapixels in all; cut it into parts first"
            )
        if image.mode in _DEEP or _is_deep_png(path, image):
            raise InputError(f"{path}: an animation of 16 bits per channel; save it with 8")
        composed, durations = zip(*_frames(path, image, numbers), strict=True)
        image.seek(0)
        head = head_of(path, image.format)
        orientation, metadata, lost = words_of(path, image, head)
        if head.bits > 8:
            lost.append(f"its {head.bits} bits are read as 8")
        if numbers.start:
            lost.append("the picture for programs that show no animations isn't kept")
        frames = _alike([upright(samples, orientation) for samples in composed])
        pixels, alpha = split_alpha(frames[0])
        first = Picture(
            pixels,
            alpha,
            metadata=metadata,
            icc_profile=profile_for(pixels, image.info.get("icc_profile")),
            colour_tags=colour_tags_of(image, head),
            encoding=encoding_of(image, head),
            lost=tuple(lost),
        )
        others = (Picture(*split_alpha(samples)) for samples in frames[1:])
        return Animation((first, *others), durations, _plays(image, head))


def _shown(image: ImageFile.ImageFile) -> range:
    """The numbers of the frames that belong to the animation."""
    count = int(getattr(image, "n_frames", 1))
    # A picture for programs that know no animations may stand in front of an APNG.
    return range(1 if count > 1 and getattr(image, "default_image", False) else 0, count)


def _is_deep_png(path: Path, image: ImageFile.ImageFile) -> bool:
    with path.open("rb") as stream:
        return image.format == "PNG" and stream.read(25)[24] == 16


def _frames(
    path: Path, image: ImageFile.ImageFile, numbers: range
) -> Iterator[tuple[npt.NDArray[np.uint8], Fraction]]:
    """Compose each frame: (H, W, 4), and how long it is shown."""
    if image.format == "PNG":
        yield from composed_frames(path.read_bytes())
        image.seek(numbers[-1])
        image.load()  # words may stand behind the frames
        return
    for number in numbers:
        image.seek(number)
        samples = np.asarray(image.convert("RGBA"))  # decodes, by which WebP knows its duration
        seconds = Fraction(image.info.get("duration", 0) or 0) * _MILLISECOND
        yield samples, seconds.limit_denominator(_LONGEST_RATIO)


def _plays(image: ImageFile.ImageFile, head: Head) -> int:
    """How often it is played: GIF alone counts the repetitions, and states none for a single one.

    So do gif2webp and the browsers.
    """
    if image.format == "AVIF":
        return plays_of(head.boxes)
    loop = image.info.get("loop")
    if image.format != "GIF":
        return int(loop or 0)
    return 1 if loop is None else int(loop) and int(loop) + 1


def _alike(frames: list[npt.NDArray[np.uint8]]) -> list[npt.NDArray[np.uint8]]:
    """Leave out transparency, and colour, if no frame has any."""
    grey = all((f[..., 0] == f[..., 1]).all() and (f[..., 1] == f[..., 2]).all() for f in frames)
    channels = [0, 3] if grey else [0, 1, 2, 3]
    if all((f[..., 3] == 255).all() for f in frames):
        channels = channels[:-1]
    return [f[..., channels] for f in frames]


def check_animated_output(path: Path, frames: int) -> None:
    """Refuse a format of stills for an animation, before any work is done.

    Raises:
        OutputError: the format holds one picture, or can't be written.
    """
    if not written_as(path).animated:
        raise OutputError(
            f"can't write {frames} frames into {path}: choose .webp or .avif, or .png or "
            ".apng, which become an animated PNG"
        )


def write_animation(
    path: Path, animation: Animation, quality: int | None = None, replace: bool = True
) -> None:
    """Write an animation whole or not at all, as APNG, WebP or AVIF, with 8 bits per channel.

    Args:
        path: the file; its suffix names the format.
        animation: all its frames.
        quality: 1 to 100, of WebP and AVIF; None as for `write_picture`.
        replace: whether a file of that name is replaced.

    Raises:
        InputError: a quality for APNG, or beyond 1 to 100.
        OutputError: as `write_picture`, or the format holds one picture, or none that is shown for
            so long.
    """
    first = animation.frames[0]
    check_output(path, first.width, first.height)
    check_animated_output(path, len(animation.frames))
    check_quality(path, quality)
    timing = timing_for(path, animation)
    with encoding(path, name := output_format(path)):
        encoded = _encoded(animation, name, quality, timing)
    with atomic_path(path, replace) as temporary:
        temporary.write_bytes(encoded)


def _encoded(animation: Animation, name: str, quality: int | None, timing: Timing) -> bytes:
    first = animation.frames[0]
    samples = (fitted_samples(frame, deep=False, alpha=True) for frame in animation.frames)
    images = map(Image.fromarray, samples)
    metadata, _ = fitted_metadata(first.metadata, name)
    colours, _ = fitted_colours(first, name)
    options: dict[str, Any] = {"duration": timing.milliseconds}
    if name != "AVIF":
        options["loop"] = timing.plays
    if name != "PNG":
        options |= options_of(first, name, metadata, colours, quality)
    buffer = io.BytesIO()
    next(images).save(buffer, name, save_all=True, append_images=list(images), **options)
    encoded = buffer.getvalue()
    if name == "PNG":
        return with_words(encoded, metadata, colours, first.resolution)
    return with_plays(undated(encoded), timing.plays) if name == "AVIF" else encoded
