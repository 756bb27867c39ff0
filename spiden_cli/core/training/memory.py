"""Memory that a training run has freed is kept for its next step."""

import ctypes
import platform

_MMAP_MAX, _TRIM_THRESHOLD, _TOP_PAD = -4, -1, -2  # malloc.h of the GNU C library
_NEVER, _AT_ONCE = 2**31 - 1, 2**28


def keep_freed_memory() -> bool:
    """Stop the C library from giving large blocks back to the system, in this whole process.

    Each step of a run needs the blocks that the step before freed. By default glibc maps every
    block of over 32 MB anew, and the system fills it with zeros, page by page, at first touch:
    a quarter of a step of backpropagation through time (`docs/training/experiments.md`). The
    memory of a process then stays at its peak, so this is for training, not for inference.

    Returns:
        Whether it could: only with the GNU C library.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(
        mallopt(option, value)
        for option, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _AT_ONCE))
    )
