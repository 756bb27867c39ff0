"""Where denoised pictures go: decided, and checked, before any work is done."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from spiden_cli.core.files.picture_files import SUFFIXES, check_output
from spiden_cli.core.preflight import check_writes
from spiden_cli.errors import InputError

__all__ = ["MARK", "REGION_MARK", "check_parts", "distinct_names", "plan_outputs"]

MARK = "_denoised"
REGION_MARK = "_region"

_OTHER_FORMATS = {
    ".apng", ".arw", ".cr2", ".cr3", ".czi", ".dcm", ".dng", ".eps", ".exr", ".fits",
    ".gif", ".hdr", ".heic", ".heif", ".ico", ".jfif", ".j2k", ".jpe", ".jpx", ".jxl",
    ".mrc", ".nd2", ".nef", ".npy", ".npz", ".orf", ".pbm", ".pcx", ".pdf",
    ".pam", ".psd", ".raf", ".raw", ".rw2", ".svg", ".xcf",
}  # fmt: skip
"""Suffixes of pictures that can't be written: who gives one means a file, not a folder."""


def plan_outputs(
    sources: Sequence[Path],
    output: Path | None,
    overwrite: bool,
    also_read: Iterable[Path] = (),
    mark: str = MARK,
) -> dict[Path, Path]:
    """Choose the output file of each input; makes nothing.

    Args:
        sources: the inputs.
        output: a file, for a single input; a folder, yet to be made if need be; or None, for
            NAME_denoised.SUFFIX beside each input. A name with a suffix of pictures is a file.
        overwrite: allow an output to replace the input that it was made from.
        also_read: other files that are read, and so never replaced: references, weights.
        mark: what is added to the name of a picture, for an output beside it.

    Returns:
        Input -> output, in the order of the inputs. A suffix that can't be written becomes .png.

    Raises:
        InputError: an output would replace a file that is read, or two inputs have the same output.
        OutputError: the folder can't be written, or a file of that suffix or name can't.
    """
    into_file = output is not None and _is_file(output)
    if output is not None and into_file:
        check_output(output)
        if len(sources) > 1:
            raise InputError(
                f"{len(sources)} pictures can't go into one file: give --output a folder"
            )
    folder = None if into_file else output
    targets = {
        source: output if output is not None and into_file else _beside(source, folder, mark)
        for source in sources
    }
    check_writes(
        [*sources, *also_read],
        targets.values(),
        folders=() if folder is None else (folder,),
        replacing={target: source for source, target in targets.items()},
        overwrite=overwrite,
        hint="choose another --output",
    )
    return targets


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


def _is_file(output: Path) -> bool:
    return not output.is_dir() and output.suffix.lower() in {*SUFFIXES, *_OTHER_FORMATS}


def _beside(source: Path, folder: Path | None, mark: str) -> Path:
    suffix = source.suffix if source.suffix.lower() in SUFFIXES else ".png"
    if folder is not None:
        return folder / f"{source.stem}{suffix}"
    return source.with_name(f"{source.stem}{mark}{suffix}")
