"""The images of a training run, in memory as bytes: those to learn from, and those held out."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spiden_cli.core.data.datasets import Dataset
from spiden_cli.core.data.sources import load_sources
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.showing import range_of_values, sampled_values
from spiden_cli.core.image.tensor import to_grey, to_pixels, to_tensor
from spiden_cli.core.regular_file import open_regular
from spiden_cli.errors import DatasetError

TEST_SETS = ("set12", "bsd68", "cbsd68", "nam25")
"""The named sets that results are reported on, and that nothing may be trained on."""

MOST_HELD_OUT = 16


@dataclass(frozen=True)
class TrainingImages:
    """What a run learns from, and what it is measured on.

    Attributes:
        training: uint8 tensors (C, H, W).
        held_out: likewise; none of them is a training image.
    """

    training: Sequence[Tensor]
    held_out: Sequence[Tensor]


def read_training_images(
    sets: Sequence[Dataset],
    validation: Dataset | None,
    channels: int,
    on_image: Callable[[int], None] = lambda _: None,
) -> TrainingImages:
    """Read the images of a run.

    Args:
        sets: what to learn from.
        validation: what to hold out; None holds out a part of each set.
        channels: 1 makes grey from colour; 3 needs colour images, and passes grey ones over.
        on_image: called with the number of images read so far, of all sets.

    Raises:
        InputError: a file can't be read.
        DatasetError: a set has an image of a test set, or no image in colour.
    """
    refuse_test_images(sets)
    read = count(1)
    parts = [load_images(part.paths, channels, lambda _: on_image(next(read))) for part in sets]
    if validation is not None:
        return TrainingImages(list(chain(*parts)), load_images(validation.paths, channels))
    # Of each set, so that what a set holds out stays held out whatever it is trained with.
    split = [hold_out(part) for part in parts]
    return TrainingImages(
        list(chain.from_iterable(training for training, _ in split)),
        list(chain.from_iterable(held_out for _, held_out in split)),
    )


def hold_out(images: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Return training and held-out images: 5 %, at least 1, at most 16, evenly spread, are held."""
    holding = max(1, min(MOST_HELD_OUT, len(images) // 20))
    held = {round((index + 0.5) * len(images) / holding) for index in range(holding)}
    train = [image for index, image in enumerate(images) if index not in held]
    return train, [image for index, image in enumerate(images) if index in held]


def refuse_test_images(sets: Sequence[Dataset]) -> None:
    """Refuse to train on what results are reported on, by name or as files in another folder.

    Raises:
        DatasetError: a set is a test set, or has a file of one; the message names it.
    """
    sources = load_sources()
    pinned = {file.sha256: name for name in TEST_SETS for file in sources[name].files}
    advice = "a result on images that were trained on means nothing; leave them out"
    for dataset in sets:
        if dataset.name in TEST_SETS:
            raise DatasetError(f"can't train on {dataset.name}, which is a test set: {advice}")
        for path in (*dataset.paths, *dataset.noisy):
            test_set = pinned.get(_sha256(path))
            if test_set is not None:
                raise DatasetError(f"can't train on {path}, an image of {test_set}: {advice}")


def _sha256(path: Path) -> str:
    try:
        with open_regular(path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DatasetError(f"can't read {path}: {error.strerror}") from error


def load_images(
    paths: Sequence[Path], channels: int, on_image: Callable[[int], None] = lambda _: None
) -> list[Tensor]:
    """Read images as uint8 tensors (C, H, W).

    A picture of 16 bits or of floats is scaled by its own range: by what lies between its darkest
    and its brightest values, a thousandth at each end left out. Else one of few hundred counts
    would become some few greys.

    Args:
        paths: image files.
        channels: 1 makes grey from colour; 3 needs colour images, and passes grey ones over.
        on_image: called with the number of images read so far.

    Raises:
        InputError: a file can't be read.
        DatasetError: no image is left.
    """
    images = []
    for done, path in enumerate(paths, start=1):
        picture = read_picture(path)
        planes = to_tensor(picture.pixels, _own_range(picture))
        if channels == 1:
            planes = to_grey(planes)
        if len(planes) == channels:
            eight_bit = to_pixels(planes, np.uint8)
            images.append(torch.from_numpy(eight_bit.reshape(*eight_bit.shape[:2], -1).copy()))
        on_image(done)
    if not images:
        raise DatasetError("no image is in colour: colour training needs colour images")
    return [image.permute(2, 0, 1).contiguous() for image in images]


def _own_range(picture: Picture) -> Range:
    """Return what becomes black and white of a picture: 0 and 255 of bytes."""
    if picture.pixels.dtype == np.uint8:
        return picture.levels
    return range_of_values([sampled_values(picture.pixels)], picture.pixels.dtype)
