"""Find pictures by name, by folder and by pattern."""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spiden_cli.core.files.formats import FOLDER_SUFFIXES, found_suffixes
from spiden_cli.errors import InputError

__all__ = ["Source", "find_pictures", "find_sources", "is_stack_folder", "pictures_in"]


@dataclass(frozen=True)
class Source:
    """A picture that was found.

    Attributes:
        path: the file.
        named: it was given by its own name, and not found in a folder or by a pattern.
        below: the folder that it is in, seen from the one that holds all; "." but for searches
            that go into subfolders.
    """

    path: Path
    named: bool = True
    below: Path = Path()


def find_pictures(inputs: Sequence[str | Path]) -> list[Path]:
    """Expand files, folders and glob patterns to a list of files, each once, in order.

    A folder gives its own pictures (by suffix, sorted by name, hidden files and subfolders left
    out). A pattern is expanded here for shells that don't; an existing file is never a pattern.

    Raises:
        InputError: a name that doesn't exist, a folder without pictures, or a pattern that matches
            nothing.
    """
    return [source.path for source in find_sources(inputs)]


def find_sources(
    inputs: Sequence[str | Path], recursive: bool = False, leave_out: Path | None = None
) -> list[Source]:
    """Find pictures, each once, in order, with how each was found; see `find_pictures`.

    Args:
        inputs: files, folders and glob patterns.
        recursive: look into subfolders too; not into hidden ones, and not through links.
        leave_out: a folder that isn't looked into, such as one inside an input that results go to.

    Raises:
        InputError: a name that doesn't exist, a folder without pictures, or a pattern that matches
            nothing.
    """
    found: dict[str, Source] = {}
    for name in inputs:
        for source in _expand(name, recursive, leave_out):
            real = os.path.realpath(source.path)
            known = found.setdefault(real, source)
            if source.named and not known.named:  # a folder, and a picture of it by name
                found[real] = replace(known, named=True)
    sources = list(found.values())
    return _placed(sources, inputs) if recursive else sources


def _placed(sources: Iterable[Source], inputs: Sequence[str | Path]) -> list[Source]:
    """Say of each source where it is below the folder that holds all inputs."""
    folders = {source.path: _absolute(source.path.parent) for source in sources}
    tops = [_absolute(name) for name in inputs if Path(name).is_dir()]
    insides = [folder for folder in folders.values() if not _within_any(folder, tops)]
    top = os.path.commonpath([*tops, *insides])
    return [
        Source(source.path, source.named, Path(os.path.relpath(folders[source.path], top)))
        for source in sources
    ]


def _absolute(path: str | Path) -> str:
    """Return a path from the root, its links kept."""
    return os.path.normpath(Path(path).absolute())


def _within_any(folder: str, tops: Iterable[str]) -> bool:
    return any(folder == top or folder.startswith(top.rstrip(os.sep) + os.sep) for top in tops)


def _expand(name: str | Path, recursive: bool, leave_out: Path | None) -> list[Source]:
    path = Path(name)
    try:
        if is_stack_folder(path):
            return [Source(path)]
        if path.is_dir():
            inside = _below(path, leave_out) if recursive else pictures_in(path)
            return [Source(picture, named=False) for picture in inside]
        if path.exists():
            return [Source(path)]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"can't read {path}: {reason}") from error
    if glob.has_magic(str(name)):
        # Path.glob takes no absolute pattern.
        matches = sorted(glob.glob(str(name), recursive=True))  # noqa: PTH207
        paths = [Path(match) for match in matches]
        if pictures := [path for path in paths if _looks_like_picture(path, by_pattern=True)]:
            return [Source(picture, named=False) for picture in pictures]
        raise InputError(f"{name}: no picture matches ({', '.join(found_suffixes())})")
    raise InputError(f"{name}: no such file or folder")


def is_stack_folder(path: Path) -> bool:
    """Return whether a folder is one stack, not a place for some."""
    return path.suffix.lower() in FOLDER_SUFFIXES and path.is_dir()


def pictures_in(folder: Path) -> list[Path]:
    """Return a folder's own pictures by suffix, sorted; hidden files and subfolders left out.

    Raises:
        InputError: there is none.
        OSError: the folder can't be read.
    """
    pictures = sorted(path for path in folder.iterdir() if _looks_like_picture(path))
    if not pictures:
        raise InputError(f"{folder}: a folder without pictures ({', '.join(found_suffixes())})")
    return pictures


def _below(folder: Path, leave_out: Path | None) -> list[Path]:
    """Return the pictures of a folder and of all its subfolders, folder by folder."""
    pictures = list(_walk(folder, None if leave_out is None else os.path.realpath(leave_out)))
    if not pictures:
        raise InputError(
            f"{folder}: no picture in it or in its subfolders ({', '.join(found_suffixes())})"
        )
    return pictures


def _walk(folder: Path, leave_out: str | None) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise error

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(
            name
            for name in folders
            if not (name.startswith(".") or is_stack_folder(Path(place, name)))
            and (leave_out is None or os.path.realpath(f"{place}/{name}") != leave_out)
        )
        yield from (path for path in map(Path(place).joinpath, sorted(names))
                    if _looks_like_picture(path))  # fmt: skip


def _looks_like_picture(path: Path, by_pattern: bool = False) -> bool:
    known = path.suffix.lower() in found_suffixes(by_pattern)
    visible = known and not path.name.startswith(".")
    return visible and (path.is_file() or (by_pattern and is_stack_folder(path)))
