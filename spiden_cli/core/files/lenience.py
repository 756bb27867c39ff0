"""Damaged pictures that are read as far as they go, where the user asks for it.

A picture that ends early is refused, for a picture with a grey or black rest is a wrong one. What
there is of a photograph can still be worth something to who has no other copy.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["INCOMPLETE", "is_lenient", "lenient", "passing_over_early_ends", "takes_early_ends"]

INCOMPLETE = "the file is damaged or ends early: what could not be read is black or grey"
"""Note of a picture of which a part is missing."""

_wanted: ContextVar[bool] = ContextVar("lenient", default=False)
_passing: ContextVar[bool] = ContextVar("passing_over_early_ends", default=False)


@contextmanager
def lenient(wanted: bool) -> Iterator[None]:
    """Inside, read damaged pictures as far as they go, if that is wanted."""
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


@contextmanager
def passing_over_early_ends() -> Iterator[None]:
    """Inside, decoders leave what they can't read as it is."""
    token = _passing.set(True)
    try:
        yield
    finally:
        _passing.reset(token)


def is_lenient() -> bool:
    """Return whether damaged pictures are wanted as far as they go."""
    return _wanted.get()


def takes_early_ends() -> bool:
    """Return whether a decoder is to leave what it can't read as it is."""
    return _passing.get()
