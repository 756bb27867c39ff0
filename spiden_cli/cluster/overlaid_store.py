"""A store of zarr in which some files are others than those that are there."""

from collections.abc import Mapping
from typing import Any, Self

from zarr.storage import WrapperStore

__all__ = ["OverlaidStore"]


class OverlaidStore(WrapperStore[Any]):
    """A store of which some files are held in memory; all others are those of another store.

    Args:
        store: has the others.
        held: what is in those files, by name.
    """

    def __init__(self, store: Any, held: Mapping[str, bytes]) -> None:  # noqa: ANN401
        super().__init__(store)
        self._held = held

    def _with_store(self, store: Any) -> Self:  # noqa: ANN401
        return type(self)(store, self._held)

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:  # noqa: ANN401
        """Return what a file holds."""
        if key in self._held and byte_range is None:
            return prototype.buffer.from_bytes(self._held[key])
        return await self._store.get(key, prototype, byte_range)

    async def exists(self, key: str) -> bool:
        """Return whether there is a file."""
        return key in self._held or await self._store.exists(key)
