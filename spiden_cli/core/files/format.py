"""What there is to say of a format of picture files."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from spiden_cli.errors import InputError, OutputError

__all__ = ["Format"]


@dataclass(frozen=True)
class Format:
    """What files of a format are called, how they begin, and what they hold.

    Attributes:
        name: as Pillow calls it.
        suffixes: in lower case; the first is given to a file that has none.
        starts: first bytes of its files, and where they are.
        only_read: more suffixes, which are read; what is made of such a file has the first of
            `suffixes`.
        depth: bits per channel that are written: 8, or up to 16. 0: it is only read.
        alpha: whether transparency is written.
        quality: of the compression, 1 to 100, where nothing else is known; None: it has none.
        longest: most pixels a side.
        animated: whether animations are written.
        for_stacks: whether it is written of stacks alone, and is a folder.
        any_type: whether values of any type of number are written, NaN among them.
        no_stacks: whether it has no place for more than one picture, though `any_type`.
        listed: whether its files are found in folders.
        becomes: suffix of what is made of a file of a format that is only read.
        package: that it needs, as Python imports it, and the extra of spiden that brings it.
        conversion: of a scientific format that isn't read: a line of Python that turns {name} into
            {stem}.npy or {stem}.ome.tiff, and the packages that it needs.
    """

    name: str
    suffixes: tuple[str, ...]
    starts: tuple[tuple[int, bytes], ...] = ()
    depth: int = 8
    alpha: bool = False
    quality: int | None = None
    longest: int | None = None
    animated: bool = False
    for_stacks: bool = False
    any_type: bool = False
    no_stacks: bool = False
    listed: bool = True
    only_read: tuple[str, ...] = ()
    becomes: str = ".png"
    package: tuple[str, str] | None = None
    conversion: tuple[str, str] | None = None

    @property
    def available(self) -> bool:
        """Whether the package that it needs is there."""
        if self.conversion is not None:
            return False
        return self.package is None or _is_installed(self.package[0])

    def check_available(self, path: Path, reading: bool = True) -> None:
        """Refuse a file whose format isn't read, or whose package isn't installed.

        Raises:
            InputError: it was to be read.
            OutputError: it was to be written.
        """
        if self.conversion is not None:
            raise InputError(self._converted(path, *self.conversion))
        if self.package is None or self.available:
            return
        said = (
            f"can't {'read' if reading else 'write'} {path}: {self.name} needs {self.package[0]}: "
            f"pip install 'spiden[{self.package[1]}]'"
        )
        raise InputError(said) if reading else OutputError(said)

    def _converted(self, path: Path, line: str, packages: str) -> str:
        """Say how to convert a file; its name is put into the line only where that is safe."""
        plain = re.fullmatch(r"[\w .+-]+", path.name) is not None
        stem = path.stem if plain else "converted"
        told = line.format(name=path.name if plain else "FILE", stem=stem)
        axes = f", then spiden denoise {stem}.npy --axes ZYX, or such" if ".npy" in line else ""
        return (
            f'{path}: {self.name}, which spiden doesn\'t read; convert it: python -c "{told}" '
            f"(pip install {packages}){axes}"
        )


@cache
def _is_installed(package: str) -> bool:
    return find_spec(package) is not None
