"""Tensors and their metadata as one safetensors file: written whole or not at all, never unpickled.

https://huggingface.co/docs/safetensors has the format: the length of a header, the header as JSON,
the numbers.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from safetensors import SafetensorError, safe_open

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.regular_file import open_regular
from spiden_cli.errors import OutputError

if TYPE_CHECKING:
    from torch import Tensor

LONGEST_HEADER = 8 * 2**20
"""Bytes of a header: a checkpoint of the deepest network that can be built has a fifth of that."""


@contextmanager
def open_tensors(path: Path, framework: Literal["np", "pt"]) -> Iterator[Any]:
    """Open a file as `safetensors.safe_open` does, if it is one that it should open.

    Raises:
        OSError: it is missing, or no regular file.
        SafetensorError: it is damaged, or its header longer than `LONGEST_HEADER`.
    """
    with open_regular(path) as stream:
        length = int.from_bytes(stream.read(8), "little")
    if length > LONGEST_HEADER:
        raise SafetensorError("the header is longer than that of any network")
    with safe_open(path, framework=framework) as file:
        yield file


def write_tensors(path: Path, tensors: Mapping[str, "Tensor"], metadata: dict[str, str]) -> None:
    """Write tensors by name, from any device; what was there stays until the new file reads back.

    Raises:
        OutputError: the file can't be written, or holds other bytes than were written to it.
    """
    from safetensors.torch import save

    there = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = save(there, metadata)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)  # a full disk is an OSError this way
        if temporary.read_bytes() != content:
            raise OutputError(f"can't write {path}: what was written doesn't read back")
