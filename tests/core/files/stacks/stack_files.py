"""What tests of stack files share: a stack rewritten with something added to every plane."""

from pathlib import Path

import numpy as np

from spiden_cli.core.files.stacks.opening import open_stack
from spiden_cli.core.files.stacks.targets import stack_losses, writing_stack


def rewritten(source: Path, target: Path, add: int = 1, axes: str | None = None) -> tuple[str, ...]:
    """Copy a stack plane by plane, add a number, and return what is lost."""
    with open_stack(source, axes) as stack:
        with writing_stack(target, stack, stack.layout) as write:
            for index in stack.layout.indices():
                write(index, (stack.read(index) + np.asarray(add)).astype(stack.dtype))
        return stack_losses(target, stack)


def ramp(*shape: int, dtype: str = "uint16") -> np.ndarray:
    """Values that differ from plane to plane and pixel to pixel."""
    size = int(np.prod(shape))
    return (np.arange(size) % 251).reshape(shape).astype(dtype)
