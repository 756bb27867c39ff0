"""The data sets known by name: which files each has, where they are public, and their SHA-256.

The table is the package's own `sources.toml`. A name thus always means the same bytes, so two
people who report a PSNR on `set12` measured it on the same pixels.
"""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class PinnedFile:
    """One image of a data set.

    Attributes:
        name: its file name in the data set's folder.
        path: its path in the repository, with forward slashes.
        sha256: the SHA-256 of its bytes, 64 lower-case hex digits.
    """

    name: str
    path: str
    sha256: str


@dataclass(frozen=True)
class Source:
    """One data set: its images and the GitHub repository and commit that hold them.

    Attributes:
        name: the name that a user types, which is also the folder's name.
        repository: owner and name of the repository, as `owner/name`.
        commit: the full commit id, so that the bytes can't change.
        files: the images, sorted by name.
    """

    name: str
    repository: str
    commit: str
    files: tuple[PinnedFile, ...]


@functools.cache
def load_sources() -> Mapping[str, Source]:
    """Read the packaged table, once: data set name -> source, in the table's order."""
    packaged = resources.files(__package__).joinpath("sources.toml")
    table = tomllib.loads(packaged.read_text(encoding="utf-8"))
    return {
        name: Source(
            name,
            entry["repository"],
            entry["commit"],
            tuple(
                PinnedFile(file, pin["path"], pin["sha256"])
                for file, pin in sorted(entry["files"].items())
            ),
        )
        for name, entry in table.items()
    }
