"""`-` among the files: a picture from stdin, a picture to stdout."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

from spiden_cli.errors import InputError, OutputError, SpidenError

STREAM = "-"
_PIECE = 2**20
_MOST_BYTES = 6_400_000_000  # of 400 megapixels, each of four channels of 32 bits


class Places(NamedTuple):
    """Files, also where a stream was named.

    Attributes:
        pictures: names of the pictures.
        output: that of the output, or None.
        shown: what the user calls a picture, where that isn't its file.
        to_stdout: the only picture goes there.
    """

    pictures: list[str]
    output: str | None
    shown: Mapping[Path, Path] = MappingProxyType({})
    to_stdout: bool = False


@contextmanager
def streams(
    pictures: Sequence[str], output: str | None, alone: Mapping[str, bool]
) -> Iterator[Places]:
    """Put a file in place of stdin, and a folder in place of stdout, which is written at the end.

    Args:
        pictures: as they were named.
        output: likewise.
        alone: options that need stdout for themselves, and whether each was given.

    Raises:
        InputError: stdin or stdout can't be used.
    """
    reads = STREAM in pictures
    writes = output == STREAM or (output is None and list(pictures) == [STREAM])
    if not reads and not writes:
        yield Places(list(pictures), output)
        return
    if list(pictures).count(STREAM) > 1:
        raise InputError("stdin holds one picture: give - once")
    if reads and len(pictures) > 1 and output is None:
        raise InputError("stdin has no place to write beside: give --output a folder")
    if writes and (options := [name for name, given in alone.items() if given]):
        raise InputError(
            f"a picture and what {options[0]} prints can't both go to stdout: give --output a file"
        )
    if writes and sys.stdout.isatty():
        raise InputError("stdout is a terminal: send the picture into a file or a pipe")
    from spiden_cli.core.temporary import private_folder

    with private_folder() as folder:
        names, result, shown = list(pictures), folder / "out", {}
        if reads:
            file = _stdin_as_file(folder)
            names[names.index(STREAM)] = str(file)
            shown[file] = Path(STREAM)
        try:
            yield Places(names, f"{result}/" if writes else output, shown, writes)
        except SpidenError as error:
            said = str(error).replace(f"{result}/", "").replace(f"{folder}/", "")
            raise type(error)(said) from error
        for path in result.glob("*") if writes else ():
            sys.stdout.buffer.write(path.read_bytes())
            sys.stdout.buffer.flush()


def _stdin_as_file(folder: Path) -> Path:
    """Write what stdin holds to a file, named by its format."""
    from spiden_cli.core.files.picture_files import suffix_by_content

    if sys.stdin.isatty():
        raise InputError("stdin is a terminal: send a picture into it, as in spiden denoise - < x")
    path = folder / "stdin"
    try:
        with path.open("wb") as file:
            for piece in _pieces(sys.stdin.buffer):
                file.write(piece)
    except OSError as error:
        raise OutputError(f"can't keep what stdin holds: {error.strerror or error}") from error
    return path.rename(path.with_suffix(suffix_by_content(path)))


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    """Read a picture of bounded size; of what doesn't begin as one, enough to say so of it."""
    from spiden_cli.core.files.formats import begun_as

    head = stream.read(_PIECE)
    if not head:
        raise InputError("stdin is empty: send a picture into it")
    if begun_as(head) is None:
        yield head
        return
    length, piece = 0, head
    while piece:
        length += len(piece)
        if length > _MOST_BYTES:
            raise InputError(
                f"stdin goes on after {_MOST_BYTES / 1e9:g} GB, more than a picture has: name "
                "a file"
            )
        yield piece
        piece = stream.read(_PIECE)
