"""What the compiled loop is told: its operations, its numbers, and where it counts.

All are flat arrays and records of numbers, which compiled code reads without Python.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.engine.event.compiling import compiled

Array = NDArray[Any]
Record = Any  # one element of an array of OPERATION

LARGEST = np.float32(32767)  # int16
COLUMNS = 64  # positions that share a kernel row's weights while these are in the L1 cache; even

ENCODE, CONVOLVE, FIRE, ADD, SHUFFLE, READ = range(6)

OPERATION = np.dtype(
    [
        (name, np.int64)
        for name in (
            "kind",
            "height", "width",  # rows and columns of positions that it makes
            "channels",  # of its currents, padded to whole vectors
            "source", "source_rows", "source_size",  # ring: where, rows, numbers in a row
            "source_height", "source_width",
            "source_words",  # words of spikes at a position
            "other", "other_rows",  # the ring that an ADD adds
            "target", "target_rows", "target_size",
            "words",  # of spikes at a position that FIRE makes
            "weights", "bias", "stored", "neurons",  # where they start; whether the bias is added
            "step",  # stride of a convolution, factor of a shuffle
            "count",  # row of the counts; -1: none
            "first", "last",  # rows to count in: those of the band, inside of the window
            "left", "right",  # columns to count in
        )
    ]
)  # fmt: skip
"""All that the loop has to know of an operation in one picture and band."""


class Arrays(NamedTuple):
    """Weights, biases and neurons of all operations, flat; offsets are in their operations.

    Weights, currents and potentials are float32 or int16, in units that may differ by channel, of
    channels padded to whole vectors of L lanes. Spikes of one position fill N words of 64 bits for
    each rank of the layer's population.

    Attributes:
        encoder: the first kernel, float32: vector, kh, kw, c_in, lane.
        encoder_bias: (C,) float32.
        weights: the inner kernels, each: vector, kh, c_in (64 R N), 2 - kw, lane.
        bias: of all convolutions but the first and the last, each (C,).
        neurons: of all layers, for each rank in its population (4, C): bias (0 where it has been
            added already), threshold, potential before the first timestep, and leak (what a
            timestep keeps of the potential; 1 for IF neurons).
        readout: float32: vector, c_in, 2 - kw, then kh and channel in a vector.
    """

    encoder: Array
    encoder_bias: Array
    weights: Array
    bias: Array
    neurons: Array
    readout: Array


class Counts(NamedTuple):
    """What a pass counts, by layer of neurons and row; (K, H) int64 each but the last.

    Attributes:
        spikes: spikes of all timesteps.
        fired: neurons that fired at least once.
        reached: spikes, each once per kernel column that it reaches inside the image.
        places: spikes at each position, (K, H, W) int32; of no size where nobody asks.
    """

    spikes: Array
    fired: Array
    reached: Array
    places: Array


@compiled
def source_row(operation: Record, row: int) -> int:
    """Return where a row of an operation's input starts in its ring."""
    start: int = operation.source + row % operation.source_rows * operation.source_size
    return start
