"""What every decoder shares: one `InputError` for hostile bytes, limits before decoding."""

import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, PngImagePlugin

from spiden_cli.core.files.lenience import takes_early_ends
from spiden_cli.core.files.needs import to_read
from spiden_cli.core.image.picture import MAXIMUM_PIXELS, MINIMUM_SIDE, Pixels
from spiden_cli.core.memory import beyond_memory, pixel_limit
from spiden_cli.errors import InputError

__all__ = ["Header", "check_size", "decoding", "is_our_own", "plausible", "split_alpha"]


class Header(NamedTuple):
    """What a file says of its picture before anything is decoded; not yet turned upright."""

    width: int
    height: int
    is_colour: bool


_MOST_TEXT = 2**26
"""Bytes of one compressed text of a PNG, as of all in Pillow: the history of an edited picture can
be longer than the 1 MiB that Pillow would take."""

_LOCK = threading.RLock()
_PACKAGE = Path(__file__).parents[2]


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Run a decoder: whatever it raises leaves as an `InputError` that names `path`.

    Decoders fail on hostile bytes with almost any exception (OSError, SyntaxError, struct.error,
    zlib.error, KeyError, ...), so this is the one place that catches them all. Pillow's own pixel
    limit and its warnings are switched off meanwhile: `check_size` is the limit. It is global to
    the process, as that of texts is, hence the lock.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        cut, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, takes_early_ends()
        texts, PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_CHUNK, _MOST_TEXT
        try:
            yield
        except InputError:
            raise
        except MemoryError as error:
            raise InputError(f"{path}: not enough memory to hold the picture") from error
        except Exception as error:
            if is_our_own(error):
                raise
            if "MAX_TEXT" in str(error):
                raise InputError(
                    f"{path}: its texts take more than {_MOST_TEXT >> 20} MB; remove them first"
                ) from error
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise InputError(
                f"{path}: damaged or incomplete picture ({reason}); get a fresh copy"
            ) from error
        finally:
            Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = limit, texts
            ImageFile.LOAD_TRUNCATED_IMAGES = cut


def is_our_own(error: Exception) -> bool:
    """True for a mistake in this package, which is no damage of the user's file."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = bool(frames) and Path(frames[-1].filename).is_relative_to(_PACKAGE)
    return ours and isinstance(error, AttributeError | NameError | ImportError | AssertionError)


def check_size(
    path: Path, width: int, height: int, pixel_bytes: int = 3, format: str | None = None
) -> None:
    """Refuse a size from the header before anything is decoded.

    Args:
        path: the file.
        width: columns of pixels.
        height: rows of pixels.
        pixel_bytes: of all samples of a pixel.
        format: as Pillow calls it, where its decoder takes more memory than others; else None.

    Raises:
        InputError: the picture is too small to denoise, too large to be believed, or larger than
            the memory that it may take.
    """
    if min(width, height) < MINIMUM_SIDE:
        raise InputError(
            f"{path}: {width} x {height} pixels is too small to denoise; "
            f"each side needs at least {MINIMUM_SIDE}"
        )
    if width * height > (limit := pixel_limit(MAXIMUM_PIXELS)):
        raise InputError(
            f"{path}: the header claims {width} x {height} pixels, above the limit of "
            f"{limit / 1e6:g} megapixels; cut the picture into parts first"
        )
    if refused := beyond_memory(width * height * to_read(format, pixel_bytes)):
        raise InputError(f"{path}: {width} x {height} pixels take up to {refused}")


def split_alpha(samples: npt.NDArray[Any]) -> tuple[Pixels, Pixels | None]:
    """Split samples into pixels and alpha; 2 and 4 channels have alpha.

    Args:
        samples: (H, W) or (H, W, 1..4).

    Returns:
        (H, W) or (H, W, 3) pixels, and (H, W) alpha or None.
    """
    if samples.ndim == 2:
        return samples, None
    channels = samples.shape[2]
    alpha = np.ascontiguousarray(samples[..., -1]) if channels in (2, 4) else None
    pixels = samples[..., 0] if channels <= 2 else samples[..., :3]
    return np.ascontiguousarray(pixels), alpha


def plausible(*resolution: float) -> bool:
    """True if no value is absurd: 1e7 per centimetre is a pixel of a nanometre."""
    return all(1e-4 <= value <= 1e7 for value in resolution)
