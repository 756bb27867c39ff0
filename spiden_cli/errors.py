"""Every error that spiden raises on purpose.

    SpidenError            exit code 1
    ├── InputError         2   an image or an option that can't be used
    ├── WeightsError       3   a weights file that is missing, damaged or of another network
    ├── DatasetError       4   a data set that is missing, incomplete or altered
    ├── TrainingError      5   a run that can't start, resume or go on
    ├── OutputError        6   a file or folder that can't be written
    └── LossError          7   a file can't hold all that another says, and --strict is wanted

A message says what was wrong and what to do about it, in one line. The command line prints that
line and leaves with the exit code; a library user catches `SpidenError`.
"""

__all__ = [
    "TOO_LITTLE_MEMORY",
    "DatasetError",
    "InputError",
    "LossError",
    "OutputError",
    "SpidenError",
    "TrainingError",
    "UnsupportedNodeError",
    "WeightsError",
    "is_out_of_memory",
]

TOO_LITTLE_MEMORY = "not enough memory: try smaller pictures, fewer timesteps or smaller batches"
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")  # torch's words


class SpidenError(Exception):
    """Base of all of spiden's own errors."""

    exit_code = 1


class InputError(SpidenError):
    """An image or an option can't be used."""

    exit_code = 2


class UnsupportedNodeError(InputError):
    """An engine or a format has no way to run or to say a node of a network."""


class WeightsError(SpidenError):
    """A weights file is missing, damaged or of another network."""

    exit_code = 3


class DatasetError(SpidenError):
    """A data set is missing, incomplete or altered."""

    exit_code = 4


class TrainingError(SpidenError):
    """A training run can't start, resume or go on."""

    exit_code = 5


class OutputError(SpidenError):
    """A file or folder can't be written."""

    exit_code = 6


class LossError(SpidenError):
    """An output can't hold all that its input says, and nothing was to be lost."""

    exit_code = 7


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error of Python's or torch's says that there is too little memory."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _OUT_OF_MEMORY)
