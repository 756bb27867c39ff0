"""Pictures as they appear in a folder, each when it is whole."""

import time
from dataclasses import dataclass
from pathlib import Path

from spiden_cli.core.files.finding import Source, find_sources
from spiden_cli.errors import InputError

__all__ = ["SETTLED_AFTER", "Arrivals"]

SETTLED_AFTER = 1.0
"""Seconds for which a file must not have changed, to be taken for whole."""

GIVEN_UP_AFTER = 15.0
"""Seconds for which a file must not have changed, not to be waited for if it can't be read."""

Signature = tuple[int, int]
"""Size and time of the last change."""


@dataclass
class _Seen:
    signature: Signature
    since: float
    taken: bool = False
    tried: bool = False


class Arrivals:
    """Looks into a folder again and again; asks no system for its events, which shares lack.

    A file is whole once it hasn't changed for a while. If it can't be read then, since it is
    written slowly, it comes again when it has changed, or at the last after `GIVEN_UP_AFTER`.
    """

    def __init__(
        self, folder: Path, recursive: bool = False, leave_out: Path | None = None
    ) -> None:
        self._search = folder, recursive, leave_out
        self._seen: dict[Path, _Seen] = {}

    def look(self) -> list[Source]:
        """Return the pictures that are whole and were not taken yet."""
        folder, recursive, leave_out = self._search
        try:
            found = find_sources([folder], recursive, leave_out)
        except InputError:  # none, as yet
            if not folder.is_dir():
                raise
            found = []
        self._seen = {s.path: self._seen[s.path] for s in found if s.path in self._seen}
        return [source for source in found if self._is_ready(source.path)]

    def _is_ready(self, path: Path) -> bool:
        now = time.monotonic()
        try:
            status = path.stat()
        except OSError:  # gone meanwhile
            return False
        signature = status.st_size, status.st_mtime_ns
        seen = self._seen.get(path)
        if seen is None or seen.signature != signature:
            seen = self._seen[path] = _Seen(signature, now)
        if seen.taken or now - seen.since < (GIVEN_UP_AFTER if seen.tried else SETTLED_AFTER):
            return False
        return status.st_size > 0

    def take(self, path: Path) -> None:
        """Don't return a picture again, unless it changes."""
        self._seen[path].taken = True

    def waited_for(self) -> list[Path]:
        """Return the pictures that couldn't be read as yet, and may still be growing."""
        return [path for path, seen in self._seen.items() if seen.tried and not seen.taken]

    def put_back(self, path: Path) -> bool:
        """Wait for a picture that couldn't be read; False if it was waited for long enough."""
        seen = self._seen[path]
        if seen.tried:
            seen.taken = True
            return False
        seen.tried = True
        return True
