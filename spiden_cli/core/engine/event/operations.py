"""What each operation does to make one row of positions, compiled.

Spikes scatter. One that arrives at column x adds three rows of weights, one for each kernel
column, to the sums of columns x-1, x and x+1 (SparseTrain, arXiv 1911.10175, also skips zeros of
dense inputs and puts the vectors along the output channels). Kernel rows come one after the
other over a few columns and all timesteps, so that a third of a layer's weights, small enough for
the first-level cache, serves many spikes.

Weighted spikes come in the same planes of bits. What each plane drives is added up, by its weight,
before the neurons see it: between operations there is one current, not one for each timestep.
"""

import numpy as np

from spiden_cli.core.engine.event.compiling import compiled
from spiden_cli.core.engine.event.tables import (
    COLUMNS,
    LARGEST,
    Array,
    Arrays,
    Counts,
    Record,
    source_row,
)
from spiden_cli.core.engine.event.vector_neurons import fire, fire_digits
from spiden_cli.core.engine.event.vector_sums import (
    add_products,
    add_rows,
    add_rows_by_two,
    add_short_rows,
    carry,
    popcount,
    weigh,
)
from spiden_cli.core.engine.event.vectors import READOUT_BYTES, VECTOR_BYTES, WORD


@compiled
def encode_row(image: Array, arrays: Arrays, current: Array, timesteps: int) -> None:
    """Fill a row of currents with what the image drives, the same at all its timesteps."""
    width, channels_in = image.shape[1] - 2, image.shape[2]
    channels = arrays.encoder_bias.size
    lanes, encoder_lanes = VECTOR_BYTES // current.itemsize, VECTOR_BYTES // 4
    values, line = image.reshape(-1), image.shape[1] * channels_in
    taps = 3 * channels_in  # of a kernel row: neighbours in memory
    sums = np.empty(channels, np.float32)
    steps = current.reshape(channels // lanes, timesteps, (width + 2) * lanes)
    for x in range(width):
        sums[:] = 0
        for vector in range(channels // encoder_lanes):
            for kh in range(3):
                at = kh * line + x * channels_in
                of = (vector * 3 + kh) * taps * encoder_lanes
                add_products(values, at, taps, arrays.encoder, of, sums, vector * encoder_lanes)
        for vector in range(channels // lanes):
            position = steps[vector, 0, (x + 1) * lanes : (x + 2) * lanes]
            for lane in range(lanes):
                channel = vector * lanes + lane
                value = sums[channel] + arrays.encoder_bias[channel]  # last, as torch does
                if current.itemsize == 2:
                    value = np.rint(min(max(value, -LARGEST), LARGEST))
                position[lane] = value
    for vector in range(channels // lanes):
        for t in range(1, timesteps):
            steps[vector, t] = steps[vector, 0]


@compiled
def convolve_row(
    spikes: Array, operation: Record, arrays: Arrays, row: int, timesteps: int, currents: Array,
    start: int,
) -> None:  # fmt: skip
    """Fill a row of currents with what the spikes of three rows drive; the bias is not in it.

    Each sum takes kernel rows in order, and in them kernel columns, then channels: torch's order
    on an x86 processor, so that float32 rounds alike. To that end a kernel row runs two columns
    ahead of the next one, and a position's words are taken together.
    """
    width, width_in, words = operation.width, operation.source_width, operation.source_words
    lanes = VECTOR_BYTES // currents.itemsize
    vectors = operation.channels // lanes
    currents[start : start + vectors * timesteps * (width + 2) * lanes] = 0
    for vector in range(vectors):
        for left in range(0, width_in, COLUMNS):
            for kh in range(3):
                above = row * operation.step + kh - 1
                if above < 0 or above >= operation.source_height:
                    continue
                source = source_row(operation, above)
                ahead = 2 * (2 - kh)
                begin = left + ahead if left > 0 else 0
                end = min(left + COLUMNS + ahead, width_in)
                count = max(0, end - begin)
                of = operation.weights + (vector * 3 + kh) * words * WORD * 3 * lanes
                for t in range(timesteps):
                    first = source + (t * width_in + begin) * words
                    at = start + (vector * timesteps + t) * (width + 2) * lanes
                    if operation.step == 1:
                        at += begin * lanes
                        add_rows(
                            spikes, first, words, words, count, arrays.weights, of, currents, at
                        )
                    else:
                        at += (begin // 2 + 1) * lanes
                        add_rows_by_two(
                            spikes, first, words, words, count // 2, arrays.weights, of, currents,
                            at,
                        )  # fmt: skip


@compiled
def weigh_row(planes: Array, operation: Record, timesteps: int, target: Array) -> None:
    """Fill a row of currents with what the digits of weighted spikes drove, by their weight."""
    lanes = VECTOR_BYTES // target.itemsize
    size = (operation.width + 2) * lanes
    for vector in range(operation.channels // lanes):
        for at in range(0, size, lanes):
            of = vector * timesteps * size + at
            weigh(target, vector * size + at, planes, of, size, timesteps)


@compiled
def add_bias(target: Array, bias: Array, operation: Record, timesteps: int) -> None:
    """Add the bias of a convolution to its row of currents."""
    lanes = VECTOR_BYTES // target.itemsize
    positions = timesteps * (operation.width + 2)
    nothing = np.zeros(lanes, target.dtype)
    for vector in range(operation.channels // lanes):
        for at in range(vector * positions, (vector + 1) * positions):
            carry(target, at * lanes, nothing, 0, bias, operation.bias + vector * lanes)


@compiled
def add_row(
    currents: Array, operation: Record, bias: Array, row: int, timesteps: int, target: Array
) -> None:
    """Add a row of currents, and the bias that it still lacks, to the other's."""
    if operation.source != operation.target:
        start = source_row(operation, row)
        target[:] = currents[start : start + target.size]
    lanes = VECTOR_BYTES // target.itemsize
    positions = timesteps * (operation.width + 2)
    other = operation.other + row % operation.other_rows * target.size
    for vector in range(operation.channels // lanes):
        for at in range(vector * positions, (vector + 1) * positions):
            of = operation.bias + vector * lanes
            carry(target, at * lanes, currents, other + at * lanes, bias, of)


@compiled
def shuffle_row(
    currents: Array, operation: Record, row: int, timesteps: int, target: Array
) -> None:
    """Fill a row of currents with one of the `step` rows that a row of channels unfolds to."""
    factor, width, width_in = operation.step, operation.width, operation.source_width
    lanes = VECTOR_BYTES // target.itemsize
    start = source_row(operation, row // factor)
    for channel in range(operation.channels):
        for column in range(factor):
            of = (channel * factor + row % factor) * factor + column
            if of // lanes * timesteps * (width_in + 2) * lanes >= operation.source_size:
                continue  # of a channel that only fills a vector
            for t in range(timesteps):
                to = ((channel // lanes * timesteps + t) * (width + 2) + 1 + column) * lanes
                at = ((of // lanes * timesteps + t) * (width_in + 2) + 1) * lanes
                to, at = to + channel % lanes, start + at + of % lanes
                for x in range(width_in):
                    target[to + x * factor * lanes] = currents[at + x * lanes]


@compiled
def fire_row(
    currents: Array, operation: Record, arrays: Arrays, row: int, timesteps: int, weighted: bool,
    out: Array,
) -> None:  # fmt: skip
    """Drive a row of neurons with T timesteps of current; their spikes go to `out`.

    Weighted ones send the T digits of the one current that there is.
    """
    width, channels, words = operation.width, operation.channels, operation.words
    lanes = VECTOR_BYTES // currents.itemsize
    source = source_row(operation, row)
    held = 1 if weighted else timesteps
    skip, step = width * words * 8, (width + 2) * lanes
    size = -(-channels // WORD)  # words of a rank
    bits = out.view(np.uint8)
    for rank in range(words // size):
        neurons = operation.neurons + rank * 4 * channels
        start = rank * size * 8  # the first byte of this rank at a position
        for vector in range(channels // lanes):
            of = neurons + vector * lanes
            for x in range(width):
                to = x * words * 8 + start + vector * lanes // 8
                at = source + vector * held * step + (x + 1) * lanes
                if weighted:
                    fire_digits(
                        bits, to, skip, currents, at, timesteps, arrays.neurons, of, channels
                    )
                else:
                    fire(
                        bits, to, skip, currents, at, step, timesteps, arrays.neurons, of, channels
                    )


@compiled
def count_row(out: Array, operation: Record, counts: Counts, row: int, timesteps: int) -> None:
    """Count the spikes of a row, the neurons that sent them, and the kernel columns reached."""
    width, words, stride = operation.width, operation.words, operation.step
    by_step = out.reshape(timesteps, width, words)
    spikes, fired, reached = 0, 0, 0
    for x in range(operation.left, operation.right):
        reach = 3 - (x == 0) - (x == width - 1) if stride == 1 else 1 + x % 2 - (x == width - 1)
        here = 0
        for word in range(words):
            ever = np.uint64(0)
            for t in range(timesteps):
                ever |= by_step[t, x, word]
                here += popcount(by_step[t, x, word])
            fired += popcount(ever)
        spikes += here
        if counts.places.size:
            counts.places[operation.count, row, x] = here
        reached += here * reach
    counts.spikes[operation.count, row] = spikes
    counts.fired[operation.count, row] = fired
    counts.reached[operation.count, row] = reached


@compiled
def read_row(
    spikes: Array, operation: Record, readout: Array, row: int, timesteps: int, weighted: bool,
    read: Array,
) -> None:  # fmt: skip
    """Sum the read-out's weights for one row of spikes, over time; kernel rows side by side.

    Word by word, which is faster: no spike hangs on the order of these sums.
    """
    width, columns_in = operation.source_width, operation.source_words
    lanes = READOUT_BYTES // 4
    read[:] = 0
    if row < 0 or row >= operation.source_height:
        return
    source = source_row(operation, row)
    for t in range(timesteps - 1, -1, -1):  # the last digit first: each sum is halved once more
        for vector in range(readout.size // (columns_in * WORD * 3 * lanes)):
            for word in range(columns_in):
                of = (vector * columns_in + word) * WORD * 3 * lanes
                at = vector * (width + 2) * lanes
                first = source + t * width * columns_in + word
                add_short_rows(spikes, first, columns_in, 1, width, readout, of, read, at)
        if weighted:
            read *= np.float32(0.5)


@compiled
def combine_rows(read: Array, row: int, drawn: Array) -> None:
    """Add up, for one row of the result, what the spikes of three rows sent to it."""
    width, outputs = drawn.shape
    lanes = READOUT_BYTES // 4
    for x in range(width):
        for output in range(outputs):
            total = np.float32(0)
            for kh in range(3):
                index = kh * outputs + output
                at = ((index // lanes) * (width + 2) + x + 1) * lanes + index % lanes
                total += read[(row + kh - 1) % 3, at]
            drawn[x, output] = total
