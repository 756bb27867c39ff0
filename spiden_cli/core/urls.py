"""Names of files on storage that isn't a file system: s3://bucket/a.png, and such.

They are carried in a `Path` like any other name, where s3:/bucket/a.png is left of one.
"""

import re
from pathlib import Path

__all__ = ["as_local", "is_remote", "is_url", "shown_path", "url_of"]

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")  # one letter is a drive
_CARRIED = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")
_LOCAL = ("file://", "local://")


def is_url(name: str) -> bool:
    """Return whether a name is one of storage that isn't this machine's."""
    return _URL.match(name) is not None and not name.startswith(_LOCAL)


def as_local(name: str) -> str:
    """Return a name as a path where it is a URL of this machine: file:///scans is /scans."""
    scheme = next((scheme for scheme in _LOCAL if name.startswith(scheme)), "")
    return name.removeprefix(scheme)


def is_remote(path: Path) -> bool:
    """Return whether a path carries a URL."""
    return _CARRIED.match(path.as_posix()) is not None


def url_of(path: Path) -> str:
    """Return the URL that a path carries."""
    return _CARRIED.sub(r"\1://", path.as_posix(), count=1)


def shown_path(path: Path) -> str:
    """Return a path as the user wrote it, URL or not."""
    return url_of(path) if is_remote(path) else str(path)
