"""What a run learns from, as hashes: a checkpoint holds them, so that a resumed run can be checked.

SHA-256 throughout. Of images, the pixels and their order count, not where the files lie or how
they are compressed; of weights, the tensors, not the metadata.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spiden_cli.core.data.training_images import TrainingImages
from spiden_cli.core.strict_json import whole
from spiden_cli.core.weights import open_weights


@dataclass(frozen=True)
class ImagesFingerprint:
    """A sequence of images.

    Attributes:
        count: how many they are.
        sha256: of their shapes and pixels, in their order.
    """

    count: int
    sha256: str


@dataclass(frozen=True)
class Fingerprint:
    """All that a run learns from.

    Attributes:
        training: the images that patches are drawn from.
        held_out: the images of the validation.
        teacher: SHA-256 of the teacher's tensors; None without one.
        start: SHA-256 of the tensors that the run started from; None for random weights. It says
            where the run came from; a resumed run needs them no more.
    """

    training: ImagesFingerprint
    held_out: ImagesFingerprint
    teacher: str | None = None
    start: str | None = None

    @staticmethod
    def from_json(record: dict[str, Any]) -> "Fingerprint":
        """Return what `dataclasses.asdict` made a record of.

        Raises:
            KeyError, TypeError, ValueError: it is no such record.
        """
        training, held_out = (
            ImagesFingerprint(
                whole(images["count"], "a number of images"), _sha256(images["sha256"])
            )
            for images in (record["training"], record["held_out"])
        )
        teacher, start = (
            None if sha256 is None else _sha256(sha256)
            for sha256 in (record["teacher"], record["start"])
        )
        return Fingerprint(training, held_out, teacher, start)


def _sha256(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise ValueError("a fingerprint is no SHA-256")
    return value


def take_fingerprint(
    images: TrainingImages, teacher: Path | None, start: Path | None
) -> Fingerprint:
    """Take the fingerprint of a run's images and of its weights files.

    Raises:
        WeightsError: a file can't be read.
    """
    return Fingerprint(
        _of_images(images.training), _of_images(images.held_out), _of_file(teacher), _of_file(start)
    )


def _of_images(images: Sequence[Tensor]) -> ImagesFingerprint:
    return ImagesFingerprint(
        len(images), hash_of((str(i), image) for i, image in enumerate(images))
    )


def _of_file(path: Path | None) -> str | None:
    if path is None:
        return None
    with open_weights(path, "pt") as (_, file):
        return hash_of((name, file.get_tensor(name)) for name in sorted(file.keys()))


def hash_of(tensors: Iterable[tuple[str, Tensor]], text: str = "") -> str:
    """Return the SHA-256 of tensors by name, in this order, and of a text before them."""
    digest = hashlib.sha256(text.encode())
    for name, tensor in tensors:
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
