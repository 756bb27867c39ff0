"""What a run learns from, as hashes: a checkpoint holds them, so that a resumed run can be checked.

SHA-256 throughout. Of images, the pixels and their order count, not where the files lie or how
they are compressed; of weights, the tensors, not the metadata.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from spiden_cli.core.data.training_images import TrainingImages
from spiden_cli.errors import WeightsError


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
        """Return what `dataclasses.asdict` made a record of."""
        return Fingerprint(
            ImagesFingerprint(**record["training"]),
            ImagesFingerprint(**record["held_out"]),
            record["teacher"],
            record["start"],
        )


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
    return ImagesFingerprint(len(images), _hash((str(i), image) for i, image in enumerate(images)))


def _of_file(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        with safe_open(path, framework="pt") as file:
            return _hash((name, file.get_tensor(name)) for name in sorted(file.keys()))
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"can't read the weights file {path}: {error}") from None


def _hash(tensors: Iterable[tuple[str, Tensor]]) -> str:
    digest = hashlib.sha256()
    for name, tensor in tensors:
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
