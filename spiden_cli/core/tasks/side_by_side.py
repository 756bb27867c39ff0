"""Pictures so small that each keeps one core busy, so that two are denoised at once."""

from pathlib import Path

from spiden_cli.core.files.animations import frame_count
from spiden_cli.core.files.picture_files import read_header
from spiden_cli.core.files.stacks.opening import is_stack
from spiden_cli.core.memory import pixels_limited
from spiden_cli.errors import InputError

__all__ = ["is_small"]

_MOST_PIXELS = 2**16
"""A moment's work, whatever T and orientations are: a wish to end all at once can wait for it."""
_MOST_BYTES = 2**20


def is_small(source: Path) -> bool:
    """Return whether a file is a single picture of 256 x 256 pixels at most.

    False of what can't be read: that says why.
    """
    try:
        if not source.is_file() or source.stat().st_size > _MOST_BYTES:
            return False
        if is_stack(source) or frame_count(source) > 1:
            return False
        with pixels_limited(_MOST_PIXELS):  # some formats are decoded for it
            header = read_header(source)
    except (InputError, OSError):
        return False
    return header.width * header.height <= _MOST_PIXELS
