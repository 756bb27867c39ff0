"""Files as observations: noisy and clean pictures of one name, stacks, frames in their order."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

from spiden_cli.core.files.finding import pictures_in
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.files.stacks.layout import Index, Layout
from spiden_cli.core.files.stacks.opening import is_stack, open_stack
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.tasks.stack_reader import Reader
from spiden_cli.core.tasks.stack_result import StackSettings
from spiden_cli.core.training.observations import Observation
from spiden_cli.errors import DatasetError, InputError

__all__ = ["consecutive_frames", "files_of", "pairs_of_files"]


def pairs_of_files(
    noisy: Sequence[Path], clean: Sequence[Path], axes: str | None = None
) -> Iterator[Observation]:
    """Read noisy files and the clean ones beside them.

    A stack's clean file is a stack of the same size, or a single picture of what all its planes
    show.

    Args:
        noisy: pictures or stacks.
        clean: of each, in the same order.
        axes: of the stacks; None: what the files say.

    Raises:
        InputError: a file can't be read, or its axes aren't known.
        DatasetError: the planes of a stack and of its clean one don't match.
    """
    for source, target in zip(noisy, clean, strict=True):
        if not is_stack(source):
            yield Observation(str(source), read_picture(source), read_picture(target), True)
            continue
        with ExitStack() as files:
            planes = _Planes(files.enter_context(open_stack(source, axes)))
            cleaned = _clean_planes(files, target, planes.layout, axes)
            for index in planes.layout.indices():
                yield from _observed(source, planes[index], cleaned[index], True)


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the files of frames: those that are named, and the pictures of folders.

    Raises:
        InputError: there is no such file, or no picture in a folder.
    """
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
    return [file for path in paths for file in (pictures_in(path) if path.is_dir() else [path])]


def consecutive_frames(paths: Sequence[Path], axes: str | None = None) -> Iterator[Observation]:
    """Read frames of the same scene, two at a time, no frame twice.

    Args:
        paths: stacks with an axis T; folders, whose pictures, in the order of their names, are
            frames, and whose stacks are stacks.
        axes: of the stacks; None: what the files say.

    Raises:
        InputError: a file can't be read, or its axes aren't known.
        DatasetError: a file is a single picture, or a stack without frames.
    """
    for path in paths:
        if not path.is_dir():
            yield from _frames_of(path, axes)
            continue
        files = pictures_in(path)
        single = [file for file in files if not is_stack(file)]
        if len(single) == 1 and len(files) == 1:
            raise DatasetError(f"{path} holds one picture: noise2noise needs at least two frames")
        for first, second in list(pairwise(single))[::2]:
            yield Observation(str(first), read_picture(first), read_picture(second), False)
        for file in files:
            if file not in single:
                yield from _frames_of(file, axes)


def _frames_of(path: Path, axes: str | None) -> Iterator[Observation]:
    if not is_stack(path) and axes is None:
        raise DatasetError(
            f"{path} is a single picture: noise2noise needs frames of one scene, as a stack or as "
            "the pictures of a folder"
        )
    with open_stack(path, axes) as source:
        planes = _Planes(source)
        if "T" not in planes.layout.lead or planes.layout.length("T") < 2:
            raise DatasetError(
                f"{path}: no frames along an axis T to learn from: its axes are "
                f"{planes.layout.axes}; --axes names them, as in TYX"
            )
        at = planes.layout.lead.index("T")
        for index in planes.layout.indices():
            if index[at] % 2 == 0 and index[at] + 1 < planes.layout.lengths[at]:
                following = (*index[:at], index[at] + 1, *index[at + 1 :])
                yield from _observed(path, planes[index], planes[following], False)


class _Planes:
    """The planes of a stack as pictures, all of a channel with the same black and white."""

    def __init__(self, source: StackSource) -> None:
        self.layout = source.layout
        self._reader = Reader(source, StackSettings(), source.layout)
        measured = self._reader.measured()
        self._extents = {key: self._reader.extent(chosen) for key, chosen in measured.items()}

    def __getitem__(self, index: Index) -> list[Picture]:
        """The parts of a plane that go through a network apart; nearly always one."""
        plane = self._reader.read(index)
        return [
            self._reader.picture(plane[part.place], self._extents[part.key])
            for part in self._reader.parts(index)
        ]


def _observed(
    path: Path, noisy: Sequence[Picture], target: Sequence[Picture], is_clean: bool
) -> Iterator[Observation]:
    if len(noisy) != len(target):
        raise DatasetError(f"{path}: noisy planes of {len(noisy)} channels, clean ones of "
                           f"{len(target)}")  # fmt: skip
    for one, other in zip(noisy, target, strict=True):
        yield Observation(str(path), one, other, is_clean)


class _SamePicture:
    """One picture for every plane."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture

    def __getitem__(self, index: Index) -> list[Picture]:
        return [self._picture]


def _clean_planes(
    files: ExitStack, path: Path, layout: Layout, axes: str | None
) -> "_Planes | _SamePicture":
    if not is_stack(path):
        return _SamePicture(read_picture(path))
    planes = _Planes(files.enter_context(open_stack(path, axes)))
    if planes.layout != layout:
        raise DatasetError(
            f"{path}: its planes ({planes.layout.axes}, {planes.layout.shape}) aren't those of the "
            f"noisy stack ({layout.axes}, {layout.shape})"
        )
    return planes
