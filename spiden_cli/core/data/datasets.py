"""Find the images of a data set, by its name or by a folder.

A name is looked for as NAME/ under the data directory that the user gives, then under
$SPIDEN_DATA, then in the user's cache, where missing files are downloaded. Wherever a named set is
found, each of its files is checked before it's used: by its SHA-256; a scaled copy with other
bytes, which another JPEG library writes, by what it shows.

A folder that holds `noisy/` and `clean/` is a set of pairs, and so is a named set with such files.
"""

import difflib
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from spiden_cli.core.data.download import DownloadProgress, download_files, where_to_put
from spiden_cli.core.data.samples import Pair, Sample, clean_images
from spiden_cli.core.data.scaled import shows
from spiden_cli.core.data.sources import PinnedFile, Source, load_sources
from spiden_cli.core.files.finding import find_pictures, pictures_in
from spiden_cli.core.regular_file import open_regular
from spiden_cli.errors import DatasetError, InputError

__all__ = ["Dataset", "DownloadProgress", "dataset_names", "find_dataset"]

DATA_VARIABLE = "SPIDEN_DATA"

NOISY, CLEAN = "noisy", "clean"
"""The folders of a set of pairs."""


@dataclass(frozen=True)
class Dataset:
    """The images of a data set.

    Attributes:
        name: the known name, or the folder as the user wrote it.
        paths: the clean images, sorted; never empty.
        noisy: of a set of pairs, the noisy version of each of them; else empty.
    """

    name: str
    paths: tuple[Path, ...]
    noisy: tuple[Path, ...] = ()

    @property
    def has_noise(self) -> bool:
        """Whether it is a set of pairs, to which no noise is added."""
        return bool(self.noisy)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Its pictures, to try a network on."""
        if self.has_noise:
            return tuple(map(Pair, self.paths, self.noisy))
        return clean_images(self.paths)


def dataset_names() -> tuple[str, ...]:
    """Return the names that `find_dataset` knows."""
    return tuple(load_sources())


def find_dataset(
    name_or_folder: str,
    data_dir: Path | None,
    on_progress: Callable[[DownloadProgress], None] | None = None,
    download: bool = True,
    *,
    base_url: str | None = None,
    cache_dir: Path | None = None,
    sources: Mapping[str, Source] | None = None,
) -> Dataset:
    """Find a data set; download what the user's cache lacks of a named one.

    A known name always means the pinned set, also where a folder of that name lies in the working
    directory: a result must not depend on where the command runs. `./NAME` means the folder.

    Args:
        name_or_folder: a name of `dataset_names()`, a folder of images, or one of pairs.
        data_dir: a folder that holds NAME/ folders; looked in first.
        on_progress: called at the start of a download and after each file.
        download: False never touches the network.
        base_url: where to download from instead of $SPIDEN_DATA_URL or GitHub.
        cache_dir: the folder of downloaded sets instead of the user's cache.
        sources: the known sets instead of the packaged ones.

    Raises:
        DatasetError: an unknown name, a folder without images, a picture without the other of its
            pair, a set that is incomplete or altered, or a download that failed.
        OutputError: the cache can't be written.
    """
    known = load_sources() if sources is None else sources
    if name_or_folder in known:
        source = known[name_or_folder]
        folder = _users_folder(source, data_dir)
        if folder is None:
            cache = cache_dir or platformdirs.user_cache_path("spiden") / "data"
            folder = cache / source.name
            _fill_cache(source, folder, download, base_url, on_progress)
        return _named_dataset(source, folder)
    if _names_a_folder(name_or_folder):
        return _folder_dataset(name_or_folder)
    raise DatasetError(_unknown(name_or_folder, tuple(known)))


def find_pairs(noisy: Path, clean: Path) -> Dataset:
    """Find the pairs of two folders, by the names of their files.

    Raises:
        DatasetError: a folder isn't there or has no pictures, or one is without the other.
    """
    for folder in (noisy, clean):
        if not _is_folder(folder):
            raise DatasetError(
                f"no folder {folder}: --pairs wants one of noisy, one of clean files"
            )
    try:
        return _pairs(f"{noisy} and {clean}", pictures_in(noisy), pictures_in(clean))
    except InputError as error:
        raise DatasetError(str(error)) from error
    except OSError as error:
        raise DatasetError(f"can't read {error.filename}: {error.strerror}") from error


def _named_dataset(source: Source, folder: Path) -> Dataset:
    names = [file.name for file in source.files]
    noisy, clean = (
        [folder / name for name in names if name.startswith(f"{side}/")] for side in (NOISY, CLEAN)
    )
    if noisy:
        return _pairs(source.name, noisy, clean)
    return Dataset(source.name, tuple(folder / name for name in names))


def _users_folder(source: Source, data_dir: Path | None) -> Path | None:
    """Return the first NAME/ folder in a place that the user named, whole and verified."""
    variable = os.environ.get(DATA_VARIABLE)
    places = (
        ("--data-dir", data_dir),
        (DATA_VARIABLE, Path(variable) if variable else None),
    )
    for option, place in places:
        if place is None:
            continue
        if not _is_folder(place):  # most likely a typing error: say so, rather than download
            raise DatasetError(f"{option} names {place}, which is not a folder: correct it")
        folder = place / source.name
        if _is_folder(folder):
            otherwise = f"or leave out {option} and spiden downloads the set itself"
            missing = _missing_files(source, folder, f"put the original file there, {otherwise}")
            if missing:
                lack = _lacks(source, folder, missing)
                raise DatasetError(f"{lack}: put there what is missing, {otherwise}")
            return folder
    return None


def _fill_cache(
    source: Source,
    folder: Path,
    download: bool,
    base_url: str | None,
    on_progress: Callable[[DownloadProgress], None] | None,
) -> None:
    missing = _missing_files(source, folder, "delete it and spiden downloads the original")
    if missing and not download:
        raise DatasetError(
            f"{_lacks(source, folder, missing)}, and downloads are off: "
            f"{where_to_put(source.name, folder)}"
        )
    if missing:
        download_files(source, missing, folder, base_url=base_url, on_progress=on_progress)


def _missing_files(source: Source, folder: Path, fix: str) -> list[PinnedFile]:
    """Return the files that `folder` lacks; raise DatasetError for one with other bytes.

    `fix` is what the message tells the user to do about an altered file.
    """
    missing = []
    for file in source.files:
        path = folder / file.name
        try:
            with open_regular(path) as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        except FileNotFoundError:
            missing.append(file)
            continue
        except OSError as error:
            raise DatasetError(f"can't read {path}: {error.strerror}") from error
        if sha256 != file.sha256 and not (file.thumbnail and shows(path, file.thumbnail)):
            found = f"SHA-256 expected {file.sha256}, got {sha256}"
            if file.thumbnail:
                found = "it shows something else, or is of another size"
            raise DatasetError(f"{path} is not the {file.name} of {source.name}: {found}: {fix}")
    return missing


def _lacks(source: Source, folder: Path, missing: list[PinnedFile]) -> str:
    names = ", ".join(file.name for file in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    count = f"{len(missing)} of the {len(source.files)} images"
    return f"{folder} lacks {count} of {source.name} ({names}{more})"


def _folder_dataset(folder: str) -> Dataset:
    if not _is_folder(Path(folder)):
        raise DatasetError(f"no folder {folder}: give a folder of images or the name of a data set")
    sides = [side for side in (NOISY, CLEAN) if _is_folder(Path(folder, side))]
    try:
        if len(sides) == 2:
            # not find_pictures: several noisy pictures may have links to one clean file
            return _pairs(folder, *(pictures_in(Path(folder, side)) for side in (NOISY, CLEAN)))
        return Dataset(folder, tuple(sorted(find_pictures([folder]))))
    except InputError as error:
        if len(sides) == 1:
            other = CLEAN if sides == [NOISY] else NOISY
            raise DatasetError(
                f"{folder} has {sides[0]}/ but no {other}/: a set of pairs needs both"
            ) from error
        raise DatasetError(str(error)) from error
    except OSError as error:
        raise DatasetError(f"can't read {error.filename}: {error.strerror}") from error


def _pairs(name: str, noisy: Sequence[Path], clean: Sequence[Path]) -> Dataset:
    """Match noisy and clean files by their names; where those differ, without the suffixes."""
    by_name = {path.name for path in noisy} == {path.name for path in clean}
    sides = [
        {path.name if by_name else path.stem: path for path in side} for side in (noisy, clean)
    ]
    for paths, side in zip((noisy, clean), sides, strict=True):
        if len(side) < len(paths):
            (twice, _), *_ = Counter(path.stem for path in paths).most_common(1)
            raise DatasetError(
                f"{name}: {paths[0].parent.name}/ has several pictures named {twice}: "
                "give the noisy and the clean file of a pair the same name, suffix included"
            )
    alone = sorted({*sides[0]} ^ {*sides[1]})
    if alone:
        first = next(side[alone[0]] for side in sides if alone[0] in side)
        more = f" and {len(alone) - 1} more" if len(alone) > 1 else ""
        folders = {path.parent for path in (noisy[0], clean[0])}
        here = first.parent.name
        there = next((other.name for other in folders - {first.parent}), here)
        raise DatasetError(
            f"{name}: {here}/{first.name}{more} has no picture of that name in {there}/: "
            "put there what is missing, or take the other away"
        )
    keys = sorted(sides[0])
    return Dataset(name, *(tuple(side[key] for key in keys) for side in reversed(sides)))


def _names_a_folder(text: str) -> bool:
    separators = {os.sep, os.altsep or os.sep}
    return bool(text) and (not separators.isdisjoint(text) or _is_folder(Path(text)))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, or a folder above that can't be searched
        return False


def _unknown(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"no data set {name!r}: {hint}give one of {', '.join(known)}, or a folder of images"
