"""The event-driven network as one compiled loop over rows of positions.

Layers run in a wave: at each step every layer advances by one row, one row behind the layer
before, whose next row its 3x3 kernel needs. So between layers only three rows of spikes exist, a
bit each, and the currents that shortcuts carry only for as many rows as the wave is deep: the
working set is that of a few rows, however tall the image, and stays in the cache.

Spikes scatter. One that arrives at column x adds three rows of weights, one for each kernel
column, to the sums of columns x-1, x and x+1 (SparseTrain, arXiv 1911.10175, also skips zeros of
dense inputs and puts the vectors along the output channels). Kernel rows come one after the
other over a few columns and all timesteps, so that a third of a layer's weights, small enough for
the first-level cache, serves many spikes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.engine.event.vectors import (
    READOUT_BYTES,
    VECTOR_BYTES,
    WORD,
    add_products,
    add_rows,
    add_short_rows,
    carry,
    fire,
    popcount,
)

Array = NDArray[Any]
Function = TypeVar("Function", bound=Callable[..., Any])

LARGEST = np.float32(32767)  # int16
COLUMNS = 64  # positions that share a kernel row's weights while these are in the L1 cache


def compiled(function: Function) -> Function:
    """Compile at the first call, and keep the machine code on disk."""
    return cast(Function, numba.njit(cache=True, nogil=True)(function))


class Packed(NamedTuple):
    """A folded network as arrays: K spiking layers, C channels, padded to whole vectors of L lanes.

    Weights, currents and potentials are float32 or int16, in units that may differ by channel.
    Spikes of one position fill N words of 64 bits for each rank of the layer's population: P ranks
    in the last layer, R in the others.

    Attributes:
        encoder: the kernel of the first convolution, float32: vector, kh, kw, c_in, lane.
        encoder_bias: (C,) float32.
        weights: the other kernels: layer, vector, kh, c_in (64 R N), 2 - kw, lane.
        bias: (K, C), of the convolution before each layer.
        neurons: (R (K-1) + P, 4, C): bias (0 where a shortcut has added it), threshold, potential
            before the first timestep, and leak (what a timestep keeps of the potential; 1 for IF
            neurons).
            A layer has a row for each rank in its population.
        shortcut: (K,), whether the current adds to that of two layers before.
        readout: float32: vector, c_in, 2 - kw, then kh and channel in a vector.
    """

    encoder: Array
    encoder_bias: Array
    weights: Array
    bias: Array
    neurons: Array
    shortcut: Array
    readout: Array


class Counts(NamedTuple):
    """What a pass counts, by layer and row; (K, H) int64 each.

    Attributes:
        spikes: spikes of all timesteps.
        fired: neurons that fired at least once.
        reached: spikes, each once per kernel column that it reaches inside the image.
    """

    spikes: Array
    fired: Array
    reached: Array


@compiled
def run_band(
    image: Array, packed: Packed, first: int, last: int, timesteps: int, counts: Counts,
    drawn: Array,
) -> None:  # fmt: skip
    """Run all layers for the rows from `first` to before `last`.

    Layers near the input run a few rows more on either side, those that the later ones need.

    Args:
        image: (H+2, W+2, C_in) float32, encoded and zero at the border.
        packed: the network.
        first: first row.
        last: row after the last.
        timesteps: T.
        counts: to hold what is counted in these rows.
        drawn: (H, W, outputs) float32, to hold the read-out without bias, summed over time.
    """
    height, width = drawn.shape[:2]
    depth, channels = packed.bias.shape
    row_size = channels * timesteps * (width + 2)
    beyond = VECTOR_BYTES  # more than the vector beyond the last sum that `add_rows` reads
    columns_in = packed.weights.size // ((depth - 1) * channels * 9 * WORD)
    words = -(-channels // WORD)  # of a rank
    ranks = columns_in // words
    last_ranks = packed.neurons.shape[0] - (depth - 1) * ranks
    inner = np.zeros((depth - 1, 3, timesteps, width, columns_in), np.uint64)
    final = np.zeros((3, timesteps, width, words * last_ranks), np.uint64)
    current = np.zeros(row_size + beyond, packed.weights.dtype)[:row_size]
    ring = depth if packed.shortcut[0] else 0
    carried = np.zeros((ring, row_size), packed.weights.dtype)
    lanes_out = packed.readout.size // (words * last_ranks * WORD * 3)
    read = np.zeros((3, lanes_out * (width + 2) + beyond), np.float32)
    for step in range(first - depth, last + depth):
        for layer in range(depth):
            row, halo = step - layer, depth - layer
            if row < first - halo or row >= last + halo:
                continue
            out = final[row % 3] if layer == depth - 1 else inner[layer, row % 3]
            if row < 0 or row >= height:
                out[:] = 0
                continue
            source = carried[row % ring] if packed.shortcut[layer] else current
            if layer == 0:
                encode_row(image[row : row + 3], packed, source, timesteps)
            else:
                convolve_row(inner[layer - 1], row, packed, layer, current)
                if packed.shortcut[layer]:
                    carry_row(source, current, packed.bias[layer], timesteps)
            fire_row(source, packed, layer * ranks, out)
            if first <= row < last:
                count_row(out, counts, layer, row)
        row = step - depth + 1  # of the last layer
        if row >= first - 1:
            read_row(final[row % 3], packed, read[row % 3])
            if first < row <= last:
                combine_rows(read, row - 1, drawn[row - 1])


@compiled
def encode_row(image: Array, packed: Packed, current: Array, timesteps: int) -> None:
    """Fill a row of currents with what the image drives, the same at all timesteps."""
    width, channels_in = image.shape[1] - 2, image.shape[2]
    channels = packed.encoder_bias.size
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
                add_products(values, at, taps, packed.encoder, of, sums, vector * encoder_lanes)
        for vector in range(channels // lanes):
            position = steps[vector, 0, (x + 1) * lanes : (x + 2) * lanes]
            for lane in range(lanes):
                channel = vector * lanes + lane
                value = sums[channel] + packed.encoder_bias[channel]  # last, as torch does
                if current.itemsize == 2:
                    value = np.rint(min(max(value, -LARGEST), LARGEST))
                position[lane] = value
    for vector in range(channels // lanes):
        for t in range(1, timesteps):
            steps[vector, t] = steps[vector, 0]


@compiled
def convolve_row(words: Array, row: int, packed: Packed, layer: int, current: Array) -> None:
    """Fill a row of currents with what the spikes of three rows of the layer before drive.

    Each sum takes kernel rows in order, and in them kernel columns, then channels: torch's order
    on an x86 processor, so that float32 rounds alike. To that end a kernel row runs two columns
    ahead of the next one, and a position's words are taken together.
    """
    _, timesteps, width, columns_in = words.shape
    lanes = VECTOR_BYTES // current.itemsize
    vectors = packed.bias.shape[1] // lanes
    current[:] = 0
    for vector in range(vectors):
        for start in range(0, width, COLUMNS):
            for kh in range(3):
                spikes = words[(row + kh - 1) % 3].reshape(-1)
                ahead = 2 * (2 - kh)
                begin = start + ahead if start > 0 else 0
                end = min(start + COLUMNS + ahead, width)
                of = (((layer - 1) * vectors + vector) * 3 + kh) * columns_in * WORD * 3 * lanes
                for t in range(timesteps):
                    at = ((vector * timesteps + t) * (width + 2) + begin) * lanes
                    first = (t * width + begin) * columns_in
                    count = max(0, end - begin)
                    add_rows(
                        spikes, first, columns_in, columns_in, count, packed.weights, of,
                        current, at,
                    )  # fmt: skip


@compiled
def carry_row(carried: Array, current: Array, bias: Array, timesteps: int) -> None:
    """Add a row of currents and their bias to those that a shortcut carries."""
    lanes = VECTOR_BYTES // current.itemsize
    positions = current.size // bias.size
    for vector in range(bias.size // lanes):
        for at in range(vector * positions, (vector + 1) * positions):
            carry(carried, current, at * lanes, bias, vector * lanes)


@compiled
def fire_row(current: Array, packed: Packed, first_rank: int, out: Array) -> None:
    """Drive a row of neurons with T timesteps of current; their spikes go to `out`."""
    timesteps, width, words = out.shape
    channels = packed.bias.shape[1]
    lanes = VECTOR_BYTES // current.itemsize
    size = -(-channels // WORD)  # of a rank
    bits = out.view(np.uint8).reshape(-1)
    for rank in range(words // size):
        neurons = packed.neurons[first_rank + rank].reshape(-1)
        start = rank * size * 8  # the first byte of this rank at a position
        for vector in range(channels // lanes):
            for x in range(width):
                fire(
                    bits, x * words * 8 + start + vector * lanes // 8, width * words * 8,
                    current, (vector * timesteps * (width + 2) + x + 1) * lanes,
                    (width + 2) * lanes, timesteps, neurons, vector * lanes, channels,
                )  # fmt: skip


@compiled
def count_row(out: Array, counts: Counts, layer: int, row: int) -> None:
    """Count the spikes of a row, the neurons that sent them, and the kernel columns reached."""
    timesteps, width, words = out.shape
    spikes, fired, reached = 0, 0, 0
    for x in range(width):
        reach = 3 - (x == 0) - (x == width - 1)
        here = 0
        for word in range(words):
            ever = np.uint64(0)
            for t in range(timesteps):
                ever |= out[t, x, word]
                here += popcount(out[t, x, word])
            fired += popcount(ever)
        spikes += here
        reached += here * reach
    counts.spikes[layer, row] = spikes
    counts.fired[layer, row] = fired
    counts.reached[layer, row] = reached


@compiled
def read_row(words: Array, packed: Packed, read: Array) -> None:
    """Sum the read-out's weights for one row of spikes, over time; kernel rows side by side.

    Word by word, which is faster: no spike hangs on the order of these sums.
    """
    timesteps, width, columns_in = words.shape
    lanes = READOUT_BYTES // 4
    spikes = words.reshape(-1)
    read[:] = 0
    for vector in range(packed.readout.size // (columns_in * WORD * 3 * lanes)):
        for word in range(columns_in):
            of = (vector * columns_in + word) * WORD * 3 * lanes
            at = vector * (width + 2) * lanes
            for t in range(timesteps):
                first = t * width * columns_in + word
                add_short_rows(spikes, first, columns_in, 1, width, packed.readout, of, read, at)


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
