"""How large a picture may be: in memory, what was set or a share of what is free; in pixels."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

__all__ = [
    "beyond_memory",
    "free_memory",
    "limits",
    "memory_limit",
    "memory_limited",
    "pixel_limit",
    "pixels_limited",
]

_LITTLE = 16_000_000
"""Bytes that a system is not asked for: it would take longer than reading a small picture."""
SHARE = 0.8
"""Of the free memory: the rest is for the network, and for whoever else needs some meanwhile."""

_limit: ContextVar[int | None] = ContextVar("memory_limit", default=None)
_processes: ContextVar[int] = ContextVar("processes", default=1)
_most_pixels: ContextVar[int | None] = ContextVar("most_pixels", default=None)
_GROUP = Path("/sys/fs/cgroup")
_TABLE = Path("/proc/meminfo")


@contextmanager
def memory_limited(most: int | None, processes: int = 1) -> Iterator[None]:
    """Set the bytes that pictures may take inside this context; None: a share of what is free.

    Args:
        most: of all processes together.
        processes: that read pictures at the same time; each may take its part.
    """
    token, another = _limit.set(most), _processes.set(processes)
    try:
        yield
    finally:
        _limit.reset(token)
        _processes.reset(another)


def limits() -> tuple[int | None, int]:
    """Return what `memory_limited` was told, to tell it to another process."""
    return _limit.get(), _processes.get()


@contextmanager
def pixels_limited(most: int | None) -> Iterator[None]:
    """Set the pixels that a picture, or all frames of an animation, may have; None: no limit."""
    token = _most_pixels.set(most)
    try:
        yield
    finally:
        _most_pixels.reset(token)


def pixel_limit(most: int) -> int:
    """Return the pixels that a picture may have: what is set, and no more than `most`."""
    chosen = _most_pixels.get()
    return most if chosen is None else min(chosen, most)


def memory_limit() -> int | None:
    """Return the bytes that a picture may take; None where nothing is set and the system is silent.

    Without a limit of the user's it is `SHARE` of what is free at this moment.
    """
    most = _limit.get()
    if most is None and (free := free_memory()) is not None:
        most = int(SHARE * free)
    return None if most is None else most // _processes.get()


def beyond_memory(needed: int) -> str | None:
    """Return the end of a sentence that says why bytes can't be taken, and what to do; else None.

    Args:
        needed: bytes that a picture takes.
    """
    if needed <= _LITTLE and _limit.get() is None:
        return None
    most = memory_limit()
    if most is None or needed <= most:
        return None
    several = _processes.get() > 1
    whose = f" by each of {_processes.get()} --jobs" if several else ""
    advice = "choose fewer --jobs" if several else "close other programs"
    return (
        f"{needed / 1e9:.2g} GB of memory, and {most / 1e9:.2g} GB may be used{whose}; cut it into "
        f"parts, {advice}, or raise --max-memory"
    )


def free_memory() -> int | None:
    """Return the bytes that are free, in this container if it has a limit; None if unknown."""
    found = []
    with suppress(OSError, ValueError, StopIteration):
        lines = _TABLE.read_text(encoding="ascii").splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        found.append(int(line.split()[1]) * 1024)
    with suppress(OSError, ValueError):  # "max" is no number
        most, used = (int((_GROUP / f"memory.{name}").read_text()) for name in ("max", "current"))
        found.append(max(0, most - used))
    return min(found, default=None)
