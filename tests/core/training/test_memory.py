"""Freed memory stays with the process: the system is asked for it once."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, resource, sys
from spiden_cli.core.training.memory import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = libc.malloc(2**26)
    ctypes.memset(block, 1, 2**26)
    libc.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(faults())
"""


def page_faults(how: str) -> int:
    """Pages that a process of its own gets from the system for a block, after it freed one."""
    command = [sys.executable, "-c", PROGRAM, how]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the GNU C library alone is told")
def test_a_block_that_was_freed_is_used_again():
    assert page_faults("keep") < 0.1 * page_faults("as ever")
