"""Tensors and their metadata as one safetensors file, whole or absent."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from spiden_cli.core.atomic import atomic_path


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write tensors by name, from any device.

    Raises:
        OutputError: the file can't be written.
    """
    there = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(there, metadata))  # a full disk is an OSError this way
