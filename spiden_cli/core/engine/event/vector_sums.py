"""Instructions that add up what spikes and pixels drive, a vector at a time.

The sums of three positions stay in registers while a whole word of spikes is added to them.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from spiden_cli.core.engine.event.vectors import (
    INT64,
    ONE,
    READOUT_BYTES,
    VECTOR_BYTES,
    WORD,
    ZERO,
    Lowered,
    Vectors,
    below,
    instruction,
    loop_while,
)


@instruction
def popcount(_: Any, word: Any) -> Lowered:
    """Count the spikes in a word."""

    def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), lower


def _adding_rows(vector_size: int, stride: int = 1) -> Callable[..., Lowered]:
    def typer(
        _: Any, words: Any, word: Any, stride_: Any, size: Any, count: Any, weights: Any,
        of: Any, sums: Any, at: Any,
    ) -> Lowered:  # fmt: skip
        def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
            vectors = Vectors(context, builder, sums, vector_size)
            spikes = cgutils.create_struct_proxy(words)(context, builder, args[0]).data
            rows, target = vectors.pointer(args[5], args[6]), vectors.pointer(args[7], args[8])
            to_next, words_here = args[2:4]

            def add_words(first: Any, columns: Sequence[int], sums: Sequence[Any]) -> Sequence[Any]:
                """Add a row of weights to each sum, for every spike of a position."""

                def add_spike(now: Sequence[Any], rows: Any) -> Sequence[Any]:
                    left, partial = now[0], now[1:]
                    channel = builder.cttz(left, ir.IntType(1)(1))
                    row = builder.gep(rows, [builder.mul(channel, INT64(3))])
                    added = [
                        vectors.add(part, vectors.load(row, column))
                        for part, column in zip(partial, columns, strict=True)
                    ]
                    return [builder.and_(left, builder.sub(left, ONE)), *added]

                def add_word(now: Sequence[Any]) -> Sequence[Any]:
                    word, rows, *partial = now
                    _, *added = loop_while(
                        builder, lambda state: builder.icmp_unsigned("!=", state[0], ZERO),
                        [builder.load(word), *partial], lambda now: add_spike(now, rows),
                    )  # fmt: skip
                    return [builder.gep(word, [ONE]), builder.gep(rows, [INT64(3 * WORD)]), *added]

                after = builder.gep(first, [words_here])
                _, _, *added = loop_while(
                    builder, lambda state: builder.icmp_unsigned("!=", state[0], after),
                    [first, rows, *sums], add_word,
                )  # fmt: skip
                return added

            def add_position(now: Sequence[Any]) -> Sequence[Any]:
                x, first, *partial = now
                added = add_words(first, (0, 1, 2), partial)
                here = builder.gep(target, [x])
                vectors.store(added[0], here)  # no later position reaches it
                following = builder.gep(first, [to_next])
                return [builder.add(x, ONE), following, *added[1:], vectors.load(here, 3)]

            def add_pair(now: Sequence[Any]) -> Sequence[Any]:
                x, first, here_sum = now
                (here_sum,) = add_words(first, (1,), [here_sum])  # of the output that it lies on
                here, odd = builder.gep(target, [x]), builder.gep(first, [to_next])
                between = add_words(odd, (0, 2), [here_sum, vectors.load(here, 1)])
                vectors.store(between[0], here)
                return [builder.add(x, ONE), builder.gep(odd, [to_next]), between[1]]

            kept = 3 if stride == 1 else 1  # sums that the next position still adds to
            start = [ZERO, builder.gep(spikes, [args[1]])]
            start += [vectors.load(target, k) for k in range(kept)]
            body = add_position if stride == 1 else add_pair
            x, _, *last = loop_while(builder, below(builder, args[4]), start, body)
            for k, value in enumerate(last[:2]):
                vectors.store(value, builder.gep(target, [x]), k)
            return context.get_dummy_value()

        index = types.int64
        return types.void(words, index, index, index, index, weights, index, sums, index), lower

    return typer


add_rows = instruction(_adding_rows(VECTOR_BYTES))
"""Add three rows of weights per spike to the sums of three neighbouring positions.

`add_rows(words, word, stride, size, count, weights, of, sums, at)`: for `count` positions x, and
for each bit c of the `size` words from `words[word + x stride]` on, the three vectors of `weights`
from 3 c vectors after index `of` on are added to the three vectors of `sums` from x vectors after
index `at` on. Sums stay in registers until no later position reaches them; one vector beyond them
is read.

The rows of one spike lie side by side, so that the loads stream; finding the next spike (count
trailing zeros, clear the lowest bit) hides behind them.
"""

add_rows_by_two = instruction(_adding_rows(VECTOR_BYTES, stride=2))
"""The same for a convolution of stride two.

`count` is the number of pairs of positions; the sums of pair x, whose first position the kernel's
middle lies on, are the x-th vector after index `at`.
"""

add_short_rows = instruction(_adding_rows(READOUT_BYTES))
"""The same with the short vectors of the read-out."""


@instruction
def add_products(
    _: Any, values: Any, first: Any, count: Any, weights: Any, of: Any, sums: Any, at: Any
) -> Lowered:
    """Add rows of weights, each times a value, to a vector of sums: a dense convolution.

    `add_products(values, first, count, weights, of, sums, at)`: the vector of `sums` from index
    `at` on receives `values[first + i]` times the i-th vector of `weights` from index `of` on, for
    i < `count`.
    """

    def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
        vectors = Vectors(context, builder, sums, VECTOR_BYTES)
        scalars = cgutils.create_struct_proxy(values)(context, builder, args[0]).data
        rows, target = vectors.pointer(args[3], args[4]), vectors.pointer(args[5], args[6])

        def add_product(now: Sequence[Any]) -> Sequence[Any]:
            index, total = now
            value = builder.load(builder.gep(scalars, [builder.add(args[1], index)]))
            row = vectors.load(builder.gep(rows, [index]))
            return [builder.add(index, ONE), vectors.multiply_add(row, value, total)]

        starts = [ZERO, vectors.load(target)]
        _, total = loop_while(builder, below(builder, args[2]), starts, add_product)
        vectors.store(total, target)
        return context.get_dummy_value()

    index = types.int64
    return types.void(values, index, index, weights, index, sums, index), lower


@instruction
def carry(_: Any, total: Any, at: Any, current: Any, of: Any, bias: Any, bias_of: Any) -> Lowered:
    """Add a vector of current and of bias to a vector of currents.

    `carry(total, at, current, of, bias, bias_of)`: the vectors start at those indices. Integers
    saturate.
    """

    def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
        vectors = Vectors(context, builder, total, VECTOR_BYTES)
        target = vectors.pointer(args[0], args[1])
        driven = vectors.load(vectors.pointer(args[2], args[3]))
        update = vectors.add(driven, vectors.load(vectors.pointer(args[4], args[5])))
        vectors.store(vectors.saturating_add(vectors.load(target), update), target)
        return context.get_dummy_value()

    index = types.int64
    return types.void(total, index, current, index, bias, index), lower


@instruction
def weigh(_: Any, total: Any, at: Any, planes: Any, of: Any, skip: Any, timesteps: Any) -> Lowered:
    """Add up what digits drove, each half as much as the one before it.

    `weigh(total, at, planes, of, skip, timesteps)`: the vector of `total` at index `at` becomes the
    sum of those of `planes` at `of + t skip`, each over 2^(t + 1), for t < `timesteps`.
    """

    def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
        vectors = Vectors(context, builder, total, VECTOR_BYTES)

        def add_digit(now: Sequence[Any]) -> Sequence[Any]:
            done, index, added = now  # the last digit first, so that each sum is halved once more
            plane = vectors.load(vectors.pointer(args[2], index))
            if vectors.floating:
                halved = vectors.halved(vectors.add(added, plane))
            else:  # before the sum, which could leave the range
                halved = vectors.add(vectors.halved(added), vectors.halved(plane))
            return [builder.add(done, ONE), builder.sub(index, args[4]), halved]

        last = builder.add(args[3], builder.mul(builder.sub(args[5], ONE), args[4]))
        starts = [ZERO, last, ir.Constant(vectors.type, None)]
        *_, added = loop_while(builder, below(builder, args[5]), starts, add_digit)
        vectors.store(added, vectors.pointer(args[0], args[1]))
        return context.get_dummy_value()

    index = types.int64
    return types.void(total, index, planes, index, index, index), lower
