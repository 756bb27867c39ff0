"""Where denoised pictures go: decided, and checked, before any work is done."""

import os
from collections.abc import Sequence
from pathlib import Path

from spiden_cli.core.files.picture_files import SUFFIXES, check_output
from spiden_cli.errors import InputError, OutputError

MARK = "_denoised"


def plan_outputs(sources: Sequence[Path], output: Path | None, overwrite: bool) -> dict[Path, Path]:
    """Choose the output file of each input.

    Args:
        sources: the inputs.
        output: a file, for a single input; a folder, made if need be; or None, for
            NAME_denoised.SUFFIX beside each input.
        overwrite: allow an output to replace an input.

    Returns:
        Input -> output, in the order of the inputs. A suffix that can't be written becomes .png.

    Raises:
        InputError: an output would replace an input, or two inputs have the same output.
        OutputError: the folder can't be written, or the suffix of a file can't.
    """
    into_file = output is not None and output.suffix.lower() in SUFFIXES and not output.is_dir()
    if into_file and len(sources) > 1:
        raise InputError(f"{len(sources)} pictures can't go into one file: give --output a folder")
    if output is not None and output.suffix and not (into_file or output.is_dir()):
        check_output(output)
    if output is not None and not into_file:
        _make_folder(output)
    targets: dict[Path, Path] = {}
    for source in sources:
        target = output if output is not None and into_file else _beside(source, output)
        if target in targets.values():
            raise InputError(f"two pictures would both become {target}: denoise them one by one")
        if not overwrite and target.exists() and any(_same(target, other) for other in sources):
            raise InputError(f"{target} is an input: choose another --output, or --overwrite")
        if not os.access(target.parent, os.W_OK):
            raise OutputError(f"can't write {target}: the folder is missing or read-only")
        targets[source] = target
    return targets


def _beside(source: Path, folder: Path | None) -> Path:
    suffix = source.suffix if source.suffix.lower() in SUFFIXES else ".png"
    if folder is not None:
        return folder / f"{source.stem}{suffix}"
    return source.with_name(f"{source.stem}{MARK}{suffix}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"can't make the folder {folder}: {error.strerror}") from error


def _same(target: Path, other: Path) -> bool:
    return target.samefile(other)
