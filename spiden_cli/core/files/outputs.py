"""Where denoised pictures go: decided before any work is done."""

import os
import string
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from spiden_cli.core.files.finding import Source
from spiden_cli.core.files.formats import FOLDER_SUFFIXES, FORMATS, stem_of, suffix_of_result
from spiden_cli.core.files.origin import made_by_spiden
from spiden_cli.core.files.picture_files import SUFFIXES, check_output, output_format
from spiden_cli.core.preflight import Identity, identity
from spiden_cli.errors import InputError, OutputError

__all__ = [
    "MARK",
    "REGION_MARK",
    "Naming",
    "check_parts",
    "distinct_names",
    "is_result",
    "names_a_folder",
    "plan_outputs",
    "suffix_of_format",
    "without_results",
]

MARK = "_denoised"
REGION_MARK = "_region"
FIELDS = ("stem", "suffix", "name", "folder")
"""What a pattern for names may hold in braces."""

_OTHER_FORMATS = {
    ".eps", ".exr", ".hdr", ".ico", ".j2k", ".jpx", ".npz", ".pbm", ".pcx",
    ".pdf", ".pam", ".psd", ".svg", ".xcf",
    *(suffix for format in FORMATS for suffix in (*format.suffixes, *format.only_read)),
}  # fmt: skip
"""Suffixes of pictures that can't be written: who gives one means a file, not a folder."""


@dataclass(frozen=True)
class Naming:
    """How the file of a result is called.

    Attributes:
        output: a file, for a single picture; a folder, yet to be made if need be; or None, for a
            file beside each picture.
        is_folder: whether `output` is a folder.
        suffix: of the format to write; None for that of each picture, where it can be written.
        pattern: of the names, with `FIELDS` in braces; None: those of the pictures, and `mark`
            behind them where that would be the picture itself.
        mark: what is added to the name of a picture, for a file beside it.

    Raises:
        InputError: the pattern can't be used.
        OutputError: the file is of a format that can't be written.
    """

    output: Path | None = None
    is_folder: bool = True
    suffix: str | None = None
    pattern: str | None = None
    mark: str = MARK

    def __post_init__(self) -> None:
        if self.pattern is not None:
            _check_pattern(self.pattern)
        if self.file is None:
            return
        check_output(self.file)
        if self.pattern is not None:
            raise InputError("--output-pattern is for many files: give --output a folder, or none")
        self._check_format(self.file)

    @property
    def file(self) -> Path | None:
        """The only file that is written; None where each picture has its own."""
        return None if self.is_folder else self.output

    @property
    def folder(self) -> Path | None:
        """The folder that all files are written into; None where there is none."""
        return self.output if self.is_folder else None

    def target(self, source: Source) -> Path:
        """Return the file for a picture.

        Raises:
            InputError: the pattern gives no name.
            OutputError: it gives the suffix of a format that can't be written.
        """
        if self.file is not None:
            return self.file
        path = source.path
        folder = path.parent if self.output is None else self.output / source.below
        stem, suffix = stem_of(path), suffix_of_result(path)
        if self.suffix is not None and not _same_format(suffix, self.suffix):
            suffix = self.suffix
        if self.pattern is None:
            return folder / f"{stem}{self.mark if self.output is None else ''}{suffix}"
        values = (stem, suffix, path.name, Path(os.path.normpath(path.absolute())).parent.name)
        name = self.pattern.format(**dict(zip(FIELDS, values, strict=True)))
        if name in ("", ".", "..") or Path(name).name != name:
            raise InputError(f"--output-pattern gives {name!r}, which is no name of a file")
        self._check_format(Path(name))
        return folder / name

    def _check_format(self, path: Path) -> None:
        if self.suffix is not None and not _same_format(path.suffix, self.suffix):
            raise InputError(
                f"{path.name} and --format {self.suffix[1:]} are two formats: give one of them"
            )


def names_a_folder(text: str | Path) -> bool:
    """Return whether an output is a folder, there or to be made.

    A folder ends in a slash, or is there, or has no suffix of a picture: 2026.01.02 is one.
    """
    written = str(text)
    path = Path(text)
    if path.suffix.lower() in FOLDER_SUFFIXES:  # a stack, not a place for some
        return False
    if written.endswith(("/", os.sep)) or path.is_dir():
        return True
    return path.suffix.lower() not in {*SUFFIXES, *_OTHER_FORMATS}


def suffix_of_format(name: str) -> str:
    """Return the suffix of a format: "png" is .png, "JPEG" is .jpeg.

    Raises:
        InputError: there is no such format.
    """
    suffix = f".{name.lower().removeprefix('.')}"
    if suffix not in SUFFIXES:
        known = ", ".join(suffix[1:] for suffix in SUFFIXES)
        raise InputError(f"unknown format {name!r}: choose one of {known}")
    return suffix


def plan_outputs(sources: Sequence[Source], naming: Naming) -> dict[Path, Path]:
    """Choose the output file of each input; makes nothing, and replaces nothing.

    Args:
        sources: the inputs.
        naming: how files are called.

    Returns:
        Input -> output, in the order of the inputs. A suffix that can't be written becomes .png.

    Raises:
        InputError: two inputs have the same output.
        OutputError: a file of that suffix or name can't be written.
    """
    if naming.file is not None and len(sources) > 1:
        raise InputError(f"{len(sources)} pictures can't go into one file: give --output a folder")
    targets: dict[Path, Path] = {}
    takers: dict[Identity, Path] = {}
    for source in sources:
        target = naming.target(source)
        check_output(target)
        other = takers.setdefault(identity(target), source.path)
        if other != source.path:
            raise InputError(_one_output(other, source.path, target))
        targets[source.path] = target
    return targets


def without_results(
    sources: Sequence[Source], naming: Naming, marks: Collection[str] = (MARK, REGION_MARK)
) -> list[Source]:
    """Return the pictures that earlier calls did not make, or all if each was asked for by name.

    A result is told by what its file says (`made_by_spiden`); in formats that can't say, by being
    the output of another of these pictures. What was found in a folder or by a pattern is one also
    if its name ends as one of a result does.

    Args:
        sources: the pictures.
        naming: how the files of results are called.
        marks: ends of names of files that spiden makes.

    Raises:
        InputError: all are results, and none was asked for by name.
    """
    if len(sources) == 1 and sources[0].named:
        return list(sources)
    outputs: dict[Identity, Path] = {}
    if naming.file is None:
        namings = [replace(naming, mark=mark) for mark in (MARK, REGION_MARK)]
        outputs = {identity(n.target(source)): source.path for n in namings for source in sources}
    kept = [source for source in sources if not is_result(source, outputs, marks)]
    kept = kept or [source for source in sources if source.named]
    if not kept:
        raise InputError("all of these pictures were denoised before: name one to do it again")
    return kept


def is_result(
    source: Source,
    outputs: Mapping[Identity, Path] = MappingProxyType({}),
    marks: Collection[str] = (MARK, REGION_MARK),
) -> bool:
    """Return whether spiden made a picture, in an earlier call; see `without_results`.

    Args:
        source: the picture.
        outputs: file -> the picture that it would be the result of.
        marks: ends of names of files that spiden makes.
    """
    if not source.named and stem_of(source.path).endswith(tuple(marks)):
        return True
    said = made_by_spiden(source.path)
    if said is None:
        return outputs.get(identity(source.path), source.path) != source.path
    return said


def check_parts(targets: Mapping[Path, Path]) -> None:
    """Refuse to put a part of a picture in its place, whatever else may be replaced.

    Args:
        targets: the output of each picture.

    Raises:
        InputError: an output is its own picture.
    """
    for source, target in targets.items():
        if target.exists() and target.samefile(source):
            raise InputError(
                f"--region writes a part of the picture, which must not replace {source}: choose "
                "another --output"
            )


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Return a name for each file, to call files after that are made from it.

    Args:
        paths: the files.

    Returns:
        Their stems; where a.png and a.bmp share one, also in another case, the whole names.
    """
    shared = Counter(path.stem.casefold() for path in paths)
    return [path.name if shared[path.stem.casefold()] > 1 else path.stem for path in paths]


def _one_output(first: Path, second: Path, target: Path) -> str:
    """Return what to say of two inputs that would become one file."""
    if first.parent != second.parent:
        way = "--recursive keeps their folders, --output-pattern '{folder}-{stem}{suffix}' names"
        way += " both"
    else:
        way = "tell them apart with --output-pattern, as in '{name}.png'"
    return f"{first} and {second} would both become {target}: {way}"


def _check_pattern(pattern: str) -> None:
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError as error:
        raise InputError(f"--output-pattern {pattern!r} can't be read: {error}") from None
    fields = [field for _, field, *_ in parts if field is not None]
    for _, field, form, conversion in parts:
        if field in FIELDS and (form or conversion):
            raise InputError(
                f"--output-pattern takes names as they are: leave out what is behind {{{field}"
            )
        if field is not None and field not in FIELDS:
            known = ", ".join(f"{{{name}}}" for name in FIELDS)
            raise InputError(f"--output-pattern has no {{{field}}}: use {known}")
    if not {"stem", "name"} & set(fields):
        raise InputError("--output-pattern must hold {stem} or {name}: pictures need names")
    if not pattern.endswith("{suffix}") and Path(pattern).suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"--output-pattern {pattern!r} names no format: end it with {{suffix}}, or .png"
        )


def _same_format(one: str, other: str) -> bool:
    """Return whether two suffixes, such as .jpg and .jpeg, are of one format."""
    return output_format(Path("x" + one)) == output_format(Path("x" + other))
