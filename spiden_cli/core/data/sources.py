"""The data sets known by name: which files each has, where they are public, and how to check them.

The table is the package's own `sources.toml`. A name thus always means the same bytes, so two
people who report a PSNR on `set12` measured it on the same pixels. Files that are scaled copies of
what is public are the exception: they mean the same pictures; see `Thumbnail`.
"""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Thumbnail:
    """What a scaled picture shows: enough to know it, whichever JPEG library has written it.

    Attributes:
        width: columns of the picture.
        height: rows of the picture.
        cells: mean luma, 0 to 255, of 4 x 4 equal cells, row by row: 16 bytes.
    """

    width: int
    height: int
    cells: bytes


@dataclass(frozen=True)
class PinnedFile:
    """One image of a data set.

    Attributes:
        name: its file name in the data set's folder, perhaps below `noisy/` or `clean/`.
        url_path: where it is on GitHub: `OWNER/NAME/COMMIT/PATH`, with forward slashes. The commit
            id is a full one, so that the bytes can't change.
        sha256: the SHA-256 of its bytes, 64 lower-case hex digits.
        thumbnail: of a file that is a scaled copy of what is public; None if it is that itself.
    """

    name: str
    url_path: str
    sha256: str
    thumbnail: Thumbnail | None = None


@dataclass(frozen=True)
class Source:
    """One data set.

    Attributes:
        name: the name that a user types, which is also the folder's name.
        files: the images, sorted by name; of a set of pairs, those in `clean/` and in `noisy/`.
    """

    name: str
    files: tuple[PinnedFile, ...]


@functools.cache
def load_sources() -> Mapping[str, Source]:
    """Read the packaged table, once: data set name -> source, in the table's order."""
    packaged = resources.files(__package__).joinpath("sources.toml")
    table = tomllib.loads(packaged.read_text(encoding="utf-8"))
    return {
        name: Source(name, tuple(_pin(file, entry) for file in sorted(entry["files"])))
        for name, entry in table.items()
    }


def _pin(name: str, entry: dict[str, Any]) -> PinnedFile:
    """Read one file of a set, whose repository is its own or that of all."""
    pin = entry["files"][name]
    repository = pin.get("repository") or entry["repository"]
    commit = entry["commits"][repository] if "commits" in entry else entry["commit"]
    thumbnail = None
    if "thumbnail" in pin:
        width, height = pin["size"]
        thumbnail = Thumbnail(width, height, bytes.fromhex(pin["thumbnail"]))
    return PinnedFile(name, f"{repository}/{commit}/{pin['path']}", pin["sha256"], thumbnail)
