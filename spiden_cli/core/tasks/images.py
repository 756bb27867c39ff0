"""Images as other libraries hold them, on their way to the arrays and pictures that tasks take."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spiden_cli.core.image.picture import Picture
from spiden_cli.core.tasks.arrays import is_tensor
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Opened", "open_image", "stack_like", "unstack"]

_MODES = ("L", "LA", "RGB", "RGBA", "I;16", "F")  # of Pillow


class Opened(NamedTuple):
    """An image, ready for `arrays.as_picture`.

    Attributes:
        image: an array, a tensor or a picture.
        back: turns what became of it, or of a part of it, into an image as it was given.
    """

    image: Any
    back: Callable[[Any], Any]


def open_image(image: Any, channel_axis: int | None = None) -> Opened:  # noqa: ANN401
    """Take an image as its caller holds it.

    Args:
        image: a Pillow image of mode L, LA, RGB, RGBA, I;16 or F, whose transparency and `info` are
            kept; or anything else, which is passed on.
        channel_axis: axis of the colours in an array or tensor, as in scikit-image; None: where
            they usually are, last in an array and first in a tensor.

    Raises:
        InputError: a Pillow image of another mode; the axis isn't one of the image, or the image is
            no array.
    """
    if _is_pillow(image):
        if channel_axis is not None:
            raise InputError("a Pillow image knows where its colours are: leave out channel_axis")
        return _open_pillow(image)
    if channel_axis is None:
        return Opened(image, lambda result: result)
    if not (isinstance(image, np.ndarray) or is_tensor(image)):
        raise InputError("channel_axis is for numpy arrays and torch tensors: leave it out")
    axis, last = _checked(channel_axis, image.ndim), 0 if is_tensor(image) else -1
    move: Any = sys.modules["torch"].movedim if is_tensor(image) else np.moveaxis
    return Opened(move(image, axis, last), lambda result: move(result, last, axis))


def _checked(axis: int, dimensions: int) -> int:
    if not -dimensions <= axis < dimensions:
        raise InputError(f"channel_axis {axis}: the image has {dimensions} axes")
    return axis % dimensions


def _is_pillow(image: object) -> bool:
    """Tell without importing Pillow."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(image, pillow.Image)


def _open_pillow(image: "Image") -> Opened:
    if image.mode not in _MODES:
        raise InputError(
            f"a Pillow image of mode {image.mode}: convert it first, as in image.convert('RGB')"
        )
    if "transparency" in image.info:
        raise InputError("one colour is transparent: convert it first, as image.convert('RGBA')")
    values = np.asarray(image)
    if image.mode == "F":
        return Opened(values, lambda result: _pillow(result, image.info))
    alpha = values[..., -1] if image.mode in ("LA", "RGBA") else None
    pixels = values if alpha is None else values[..., :-1]
    pixels = pixels[..., 0] if image.mode == "LA" else pixels
    return Opened(
        Picture(np.ascontiguousarray(pixels), alpha=alpha) if alpha is not None else pixels,
        lambda result: _pillow(_with_alpha(result), image.info),
    )


def _with_alpha(result: Any) -> Any:  # noqa: ANN401
    if not isinstance(result, Picture):
        return result
    assert result.alpha is not None
    return np.dstack([result.pixels, result.alpha])


def _pillow(values: Any, info: dict[Any, Any]) -> "Image":  # noqa: ANN401
    from PIL import Image

    made = Image.fromarray(values)
    made.info.update(info)
    return made


def unstack(images: Any, channel_axis: int | None) -> tuple[list[Any], int | None]:  # noqa: ANN401
    """Take a batch apart.

    Args:
        images: an array or a tensor whose first axis is the batch's; or a sequence of images.
        channel_axis: axis of the colours, in the whole batch if that is an array.

    Returns:
        The images, and the axis of the colours in each of them.

    Raises:
        InputError: it is neither; the axis is the batch's.
    """
    if isinstance(images, np.ndarray) or is_tensor(images):
        if images.ndim < 3:
            raise InputError(f"a batch has a first axis of its own, not {tuple(images.shape)}")
        if channel_axis is not None:
            channel_axis = _checked(channel_axis, images.ndim) - 1
            if channel_axis < 0:
                raise InputError("the first axis of a batch is its own: no channel_axis of 0")
        return list(images), channel_axis
    if not isinstance(images, (list, tuple)):
        raise InputError(f"a batch is an array, a tensor or a list, not {type(images).__name__}")
    return list(images), channel_axis


def stack_like(images: Any, results: list[Any]) -> Any:  # noqa: ANN401
    """Put together what `unstack` took apart: an array, a tensor or a list."""
    if isinstance(images, np.ndarray):
        return np.stack(results) if results else images.copy()
    if is_tensor(images):
        return sys.modules["torch"].stack(results) if results else images.clone()
    return results
