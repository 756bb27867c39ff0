"""The event-driven network as one compiled loop over rows of positions.

Operations run in a wave: at each step every operation makes the rows that have fallen due, which
for most is one, just behind the rows of the operation before that its 3x3 kernel needs. So between
operations only a few rows exist, spikes as a bit each: the working set is that of a few rows,
however tall the image, and stays in the cache. `program.py` decides which rows are due and how many
are kept; docs/event-engine.md explains both.
"""

import numpy as np

from spiden_cli.core.engine.event.compiling import compiled
from spiden_cli.core.engine.event.operations import (
    add_bias,
    add_row,
    combine_rows,
    convolve_row,
    count_row,
    encode_row,
    fire_row,
    read_row,
    shuffle_row,
    weigh_row,
)
from spiden_cli.core.engine.event.tables import (
    ADD,
    CONVOLVE,
    ENCODE,
    FIRE,
    READ,
    Array,
    Arrays,
    Counts,
)
from spiden_cli.core.engine.event.vectors import VECTOR_BYTES


@compiled
def run_band(
    image: Array, arrays: Arrays, operations: Array, due: Array, begin: Array, timesteps: int,
    weighted: bool, numbers: int, planes: int, words: int, counts: Counts, drawn: Array,
) -> None:  # fmt: skip
    """Run all operations for a band of rows of the result.

    Args:
        image: (H+2, W+2, C_in) float32, encoded and zero at the border.
        arrays: the weights.
        operations: (M,) of OPERATION.
        due: (S, M) the last row that each operation makes in each step.
        begin: (M,) the first row that each makes.
        timesteps: T.
        weighted: whether spikes weigh by when they are sent.
        numbers: size of the rings of currents, in numbers.
        planes: size of the currents that the T digits of one row drive, in numbers.
        words: size of the rings of spikes, in words.
        counts: to hold what is counted in these rows.
        drawn: (H, W, outputs) float32, to hold the read-out without bias, summed over time.
    """
    beyond = VECTOR_BYTES  # more than the vector beyond the last sum that `add_rows` reads
    currents = np.zeros(numbers + beyond, arrays.weights.dtype)
    driven = np.zeros(planes + beyond, arrays.weights.dtype)
    held = 1 if weighted else timesteps  # of current, between operations
    spikes = np.zeros(words, np.uint64)
    reader = operations[-1]
    read = np.zeros((3, reader.target_size + beyond), np.float32)
    made = begin - 1  # the newest row of each
    for step in range(due.shape[0]):
        for at in range(due.shape[1]):
            operation = operations[at]
            while made[at] < due[step, at]:
                made[at] += 1
                row = made[at]
                if operation.kind == READ:
                    read_row(
                        spikes, operation, arrays.readout, row, timesteps, weighted, read[row % 3]
                    )
                    if row > begin[at] + 1:
                        combine_rows(read, row - 1, drawn[row - 1])
                    continue
                start = operation.target + row % operation.target_rows * operation.target_size
                if operation.kind == FIRE:
                    out = spikes[start : start + operation.target_size]
                    fire_row(currents, operation, arrays, row, timesteps, weighted, out)
                    if operation.first <= row < operation.last:
                        count_row(out, operation, counts, row, timesteps)
                    continue
                target = currents[start : start + operation.target_size]
                if operation.kind == ENCODE:
                    encode_row(image[row : row + 3], arrays, target, held)
                elif operation.kind == CONVOLVE:
                    if weighted:
                        convolve_row(spikes, operation, arrays, row, timesteps, driven, 0)
                        weigh_row(driven, operation, timesteps, target)
                    else:
                        convolve_row(spikes, operation, arrays, row, timesteps, currents, start)
                    if operation.stored:
                        add_bias(target, arrays.bias, operation, held)
                elif operation.kind == ADD:
                    add_row(currents, operation, arrays.bias, row, held, target)
                else:
                    shuffle_row(currents, operation, row, held, target)
