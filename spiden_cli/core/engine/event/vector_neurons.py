"""Instructions that run the neurons of a vector, all timesteps at once.

Potentials stay in registers, and what comparing a vector of them to the thresholds yields *is* the
word of spikes.
"""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from spiden_cli.core.engine.event.vectors import (
    ONE,
    VECTOR_BYTES,
    ZERO,
    Lowered,
    Vectors,
    below,
    instruction,
    loop_while,
)


@instruction
def fire(
    _: Any, spikes: Any, to: Any, skip: Any, current: Any, at: Any, stride: Any, timesteps: Any,
    neurons: Any, of: Any, channels: Any,
) -> Lowered:  # fmt: skip
    """Run the neurons of one vector for all timesteps.

    `fire(spikes, to, skip, current, at, stride, timesteps, neurons, of, channels)`: the current of
    step t lies at index `at + t stride`; the spikes go, a bit each, to byte `to + t skip`; bias,
    threshold, initial potential and leak start at `of`, and lie `channels` apart. Integers leave
    the leak out. Between the steps the potential is in registers only.
    """

    def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
        vectors = Vectors(context, builder, current, VECTOR_BYTES)
        mask = ir.IntType(vectors.lanes)
        out = cgutils.create_struct_proxy(spikes)(context, builder, args[0]).data

        bias, threshold, initial, leak = vectors.load_rows(args[7], args[8], args[9], 4)

        def step(now: Sequence[Any]) -> Sequence[Any]:
            t, potential = now
            index = builder.add(args[4], builder.mul(t, args[5]))
            driven = vectors.add(vectors.load(vectors.pointer(args[3], index)), bias)
            if vectors.floating:
                potential = builder.fmul(potential, leak)
            charged = vectors.saturating_add(potential, driven)
            fired = vectors.reached(charged, threshold)  # V = theta fires
            left = builder.select(fired, vectors.saturating_sub(charged, threshold), charged)
            where = builder.gep(out, [builder.add(args[1], builder.mul(t, args[2]))])
            word = builder.bitcast(fired, mask)
            builder.store(word, builder.bitcast(where, mask.as_pointer()), align=1)
            return [builder.add(t, ONE), left]

        loop_while(builder, below(builder, args[6]), [ZERO, initial], step)
        return context.get_dummy_value()

    index = types.int64
    return types.void(
        spikes, index, index, current, index, index, index, neurons, index, index
    ), lower


@instruction
def fire_digits(
    _: Any, spikes: Any, to: Any, skip: Any, current: Any, at: Any, timesteps: Any,
    neurons: Any, of: Any, channels: Any,
) -> Lowered:  # fmt: skip
    """Run the weighted-spike neurons of one vector for all timesteps, on all of their current.

    `fire_digits(spikes, to, skip, current, at, timesteps, neurons, of, channels)`: as `fire`, but
    for the one current at index `at`, and thresholds that halve from step to step; the initial
    potential is that of T = 0.
    """

    def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
        vectors = Vectors(context, builder, current, VECTOR_BYTES)
        mask = ir.IntType(vectors.lanes)
        out = cgutils.create_struct_proxy(spikes)(context, builder, args[0]).data

        def halve(now: Sequence[Any]) -> Sequence[Any]:
            return [builder.add(now[0], ONE), vectors.halved(now[1])]

        def step(now: Sequence[Any]) -> Sequence[Any]:
            t, potential, above = now
            threshold = vectors.halved(above)
            fired = vectors.reached(potential, threshold)
            left = builder.select(fired, vectors.saturating_sub(potential, threshold), potential)
            where = builder.gep(out, [builder.add(args[1], builder.mul(t, args[2]))])
            word = builder.bitcast(fired, mask)
            builder.store(word, builder.bitcast(where, mask.as_pointer()), align=1)
            return [builder.add(t, ONE), left, threshold]

        bias, threshold, initial = vectors.load_rows(args[6], args[7], args[8], 3)
        within = below(builder, args[5])
        _, initial = loop_while(builder, within, [ZERO, initial], halve)
        total = vectors.saturating_add(vectors.load(vectors.pointer(args[3], args[4])), bias)
        charged = vectors.saturating_add(total, initial)
        loop_while(builder, within, [ZERO, charged, threshold], step)
        return context.get_dummy_value()

    index = types.int64
    return types.void(spikes, index, index, current, index, index, neurons, index, index), lower
