"""Vector instructions that numba lacks, written as LLVM IR.

numba leaves it to LLVM to find the vectors in a loop. In a sum of weight rows LLVM finds them, but
keeps the sum in memory, where each addition waits for the store of the one before. Here vectors
are values: the sums of three positions stay in registers while a whole word of spikes is added to
them, and what comparing a vector of membrane potentials yields *is* the word of spikes. LLVM fits
the vectors to the machine: AVX-512, AVX2 or NEON.

A vector is 128 bytes, 32 float32 or 64 int16: three of them leave registers to spare in AVX2.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

VECTOR_BYTES = 128
WORD = 64  # channels whose spikes fill a word
READOUT_BYTES = 64  # of the read-out's vectors: it has few channels

_WORD = ir.IntType(64)
_ZERO, _ONE = _WORD(0), _WORD(1)
_Lowered = tuple[Any, Callable[[Any, ir.IRBuilder, Any, Sequence[Any]], Any]]


def _instruction(typer: Callable[..., _Lowered]) -> Callable[..., Any]:
    """Make a function that numba inlines: from the types of its arguments to signature and IR."""
    return cast(Callable[..., Any], intrinsic(typer))


class _Vectors:
    """Loads, stores and arithmetic on vectors in flat arrays of one type."""

    def __init__(self, context: Any, builder: ir.IRBuilder, array: Any, size: int) -> None:
        self.context, self.builder, self.array = context, builder, array
        self.lanes = size * 8 // array.dtype.bitwidth
        self.type = ir.VectorType(context.get_value_type(array.dtype), self.lanes)
        self.floating = isinstance(array.dtype, types.Float)

    def pointer(self, array: Any, index: Any) -> Any:
        data = cgutils.create_struct_proxy(self.array)(self.context, self.builder, array).data
        return self.builder.bitcast(self.builder.gep(data, [index]), self.type.as_pointer())

    def load(self, pointer: Any, offset: int = 0) -> Any:
        return self.builder.load(self.builder.gep(pointer, [_WORD(offset)]), align=2)

    def load_rows(self, array: Any, first: Any, apart: Any, count: int) -> list[Any]:
        """Load the vectors at index `first` and, each `apart` from the one before, after it."""
        indices = [self.builder.add(first, self.builder.mul(apart, _WORD(k))) for k in range(count)]
        return [self.load(self.pointer(array, index)) for index in indices]

    def store(self, value: Any, pointer: Any, offset: int = 0) -> None:
        self.builder.store(value, self.builder.gep(pointer, [_WORD(offset)]), align=2)

    def add(self, a: Any, b: Any) -> Any:
        """Add; integers wrap, so a sum that ends in range may leave it on its way."""
        return self.builder.fadd(a, b) if self.floating else self.builder.add(a, b)

    def saturating_add(self, a: Any, b: Any) -> Any:
        return self.add(a, b) if self.floating else self._call("llvm.sadd.sat", a, b)

    def saturating_sub(self, a: Any, b: Any) -> Any:
        return self.builder.fsub(a, b) if self.floating else self._call("llvm.ssub.sat", a, b)

    def halved(self, a: Any) -> Any:
        """Return a / 2; of integers, rounded down."""
        if self.floating:
            return self.builder.fmul(a, ir.Constant(self.type, [0.5] * self.lanes))
        return self.builder.ashr(a, ir.Constant(self.type, [1] * self.lanes))

    def reached(self, a: Any, b: Any) -> Any:
        """Return where a >= b."""
        compare = self.builder.fcmp_ordered if self.floating else self.builder.icmp_signed
        return compare(">=", a, b)

    def multiply_add(self, a: Any, scalar: Any, to: Any) -> Any:
        """Return a * scalar + to, rounded once where the machine can."""
        first = self.builder.insert_element(ir.Constant(self.type, ir.Undefined), scalar, _ZERO)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        everywhere = self.builder.shuffle_vector(first, first, zeros)
        return self._call("llvm.fmuladd", a, everywhere, to)

    def _call(self, name: str, *operands: Any) -> Any:
        kind = ir.FunctionType(self.type, [self.type] * len(operands))
        suffix = f"v{self.lanes}{'f' if self.floating else 'i'}{self.array.dtype.bitwidth}"
        function = cgutils.get_or_insert_function(self.builder.module, kind, f"{name}.{suffix}")
        return self.builder.call(function, operands)


def _while(
    builder: ir.IRBuilder,
    going_on: Callable[[Sequence[Any]], Any],
    starts: Sequence[Any],
    body: Callable[[Sequence[Any]], Sequence[Any]],
) -> Sequence[Any]:
    """Loop over values in registers for as long as a condition on them holds; maybe not once."""
    before = builder.block
    head, loop, after = (builder.append_basic_block(name) for name in ("head", "loop", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    values = [builder.phi(start.type) for start in starts]
    builder.cbranch(going_on(values), loop, after)
    builder.position_at_end(loop)
    following = body(values)
    for value, start, follower in zip(values, starts, following, strict=True):
        value.add_incoming(start, before)
        value.add_incoming(follower, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return values


def _below(builder: ir.IRBuilder, count: Any) -> Callable[[Sequence[Any]], Any]:
    """Return the condition that the first value is less than `count`."""
    return lambda values: builder.icmp_unsigned("<", values[0], count)


@_instruction
def popcount(_: Any, word: Any) -> _Lowered:
    """Count the spikes in a word."""

    def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), lower


def _adding_rows(vector_size: int, stride: int = 1) -> Callable[..., _Lowered]:
    def typer(
        _: Any, words: Any, word: Any, stride_: Any, size: Any, count: Any, weights: Any,
        of: Any, sums: Any, at: Any,
    ) -> _Lowered:  # fmt: skip
        def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
            vectors = _Vectors(context, builder, sums, vector_size)
            spikes = cgutils.create_struct_proxy(words)(context, builder, args[0]).data
            rows, target = vectors.pointer(args[5], args[6]), vectors.pointer(args[7], args[8])
            to_next, words_here = args[2:4]

            def add_words(first: Any, columns: Sequence[int], sums: Sequence[Any]) -> Sequence[Any]:
                """Add a row of weights to each sum, for every spike of a position."""

                def add_spike(now: Sequence[Any], rows: Any) -> Sequence[Any]:
                    left, partial = now[0], now[1:]
                    channel = builder.cttz(left, ir.IntType(1)(1))
                    row = builder.gep(rows, [builder.mul(channel, _WORD(3))])
                    added = [
                        vectors.add(part, vectors.load(row, column))
                        for part, column in zip(partial, columns, strict=True)
                    ]
                    return [builder.and_(left, builder.sub(left, _ONE)), *added]

                def add_word(now: Sequence[Any]) -> Sequence[Any]:
                    word, rows, *partial = now
                    _, *added = _while(
                        builder, lambda state: builder.icmp_unsigned("!=", state[0], _ZERO),
                        [builder.load(word), *partial], lambda now: add_spike(now, rows),
                    )  # fmt: skip
                    return [builder.gep(word, [_ONE]), builder.gep(rows, [_WORD(3 * WORD)]), *added]

                after = builder.gep(first, [words_here])
                _, _, *added = _while(
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
                return [builder.add(x, _ONE), following, *added[1:], vectors.load(here, 3)]

            def add_pair(now: Sequence[Any]) -> Sequence[Any]:
                x, first, here_sum = now
                (here_sum,) = add_words(first, (1,), [here_sum])  # of the output that it lies on
                here, odd = builder.gep(target, [x]), builder.gep(first, [to_next])
                between = add_words(odd, (0, 2), [here_sum, vectors.load(here, 1)])
                vectors.store(between[0], here)
                return [builder.add(x, _ONE), builder.gep(odd, [to_next]), between[1]]

            kept = 3 if stride == 1 else 1  # sums that the next position still adds to
            start = [_ZERO, builder.gep(spikes, [args[1]])]
            start += [vectors.load(target, k) for k in range(kept)]
            body = add_position if stride == 1 else add_pair
            x, _, *last = _while(builder, _below(builder, args[4]), start, body)
            for k, value in enumerate(last[:2]):
                vectors.store(value, builder.gep(target, [x]), k)
            return context.get_dummy_value()

        index = types.int64
        return types.void(words, index, index, index, index, weights, index, sums, index), lower

    return typer


add_rows = _instruction(_adding_rows(VECTOR_BYTES))
"""Add three rows of weights per spike to the sums of three neighbouring positions.

`add_rows(words, word, stride, size, count, weights, of, sums, at)`: for `count` positions x, and
for each bit c of the `size` words from `words[word + x stride]` on, the three vectors of `weights`
from 3 c vectors after index `of` on are added to the three vectors of `sums` from x vectors after
index `at` on. Sums stay in registers until no later position reaches them; one vector beyond them
is read.

The rows of one spike lie side by side, so that the loads stream; finding the next spike (count
trailing zeros, clear the lowest bit) hides behind them.
"""

add_rows_by_two = _instruction(_adding_rows(VECTOR_BYTES, stride=2))
"""The same for a convolution of stride two.

`count` is the number of pairs of positions; the sums of pair x, whose first position the kernel's
middle lies on, are the x-th vector after index `at`.
"""

add_short_rows = _instruction(_adding_rows(READOUT_BYTES))
"""The same with the short vectors of the read-out."""


@_instruction
def add_products(
    _: Any, values: Any, first: Any, count: Any, weights: Any, of: Any, sums: Any, at: Any
) -> _Lowered:
    """Add rows of weights, each times a value, to a vector of sums: a dense convolution.

    `add_products(values, first, count, weights, of, sums, at)`: the vector of `sums` from index
    `at` on receives `values[first + i]` times the i-th vector of `weights` from index `of` on, for
    i < `count`.
    """

    def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
        vectors = _Vectors(context, builder, sums, VECTOR_BYTES)
        scalars = cgutils.create_struct_proxy(values)(context, builder, args[0]).data
        rows, target = vectors.pointer(args[3], args[4]), vectors.pointer(args[5], args[6])

        def add_product(now: Sequence[Any]) -> Sequence[Any]:
            index, total = now
            value = builder.load(builder.gep(scalars, [builder.add(args[1], index)]))
            row = vectors.load(builder.gep(rows, [index]))
            return [builder.add(index, _ONE), vectors.multiply_add(row, value, total)]

        starts = [_ZERO, vectors.load(target)]
        _, total = _while(builder, _below(builder, args[2]), starts, add_product)
        vectors.store(total, target)
        return context.get_dummy_value()

    index = types.int64
    return types.void(values, index, index, weights, index, sums, index), lower


@_instruction
def carry(_: Any, total: Any, at: Any, current: Any, of: Any, bias: Any, bias_of: Any) -> _Lowered:
    """Add a vector of current and of bias to a vector of currents.

    `carry(total, at, current, of, bias, bias_of)`: the vectors start at those indices. Integers
    saturate.
    """

    def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
        vectors = _Vectors(context, builder, total, VECTOR_BYTES)
        target = vectors.pointer(args[0], args[1])
        driven = vectors.load(vectors.pointer(args[2], args[3]))
        update = vectors.add(driven, vectors.load(vectors.pointer(args[4], args[5])))
        vectors.store(vectors.saturating_add(vectors.load(target), update), target)
        return context.get_dummy_value()

    index = types.int64
    return types.void(total, index, current, index, bias, index), lower


@_instruction
def fire(
    _: Any, spikes: Any, to: Any, skip: Any, current: Any, at: Any, stride: Any, timesteps: Any,
    neurons: Any, of: Any, channels: Any,
) -> _Lowered:  # fmt: skip
    """Run the neurons of one vector for all timesteps.

    `fire(spikes, to, skip, current, at, stride, timesteps, neurons, of, channels)`: the current of
    step t lies at index `at + t stride`; the spikes go, a bit each, to byte `to + t skip`; bias,
    threshold, initial potential and leak start at `of`, and lie `channels` apart. Integers leave
    the leak out. Between the steps the potential is in registers only.
    """

    def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
        vectors = _Vectors(context, builder, current, VECTOR_BYTES)
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
            return [builder.add(t, _ONE), left]

        _while(builder, _below(builder, args[6]), [_ZERO, initial], step)
        return context.get_dummy_value()

    index = types.int64
    return types.void(
        spikes, index, index, current, index, index, index, neurons, index, index
    ), lower


@_instruction
def fire_digits(
    _: Any, spikes: Any, to: Any, skip: Any, current: Any, at: Any, timesteps: Any,
    neurons: Any, of: Any, channels: Any,
) -> _Lowered:  # fmt: skip
    """Run the weighted-spike neurons of one vector for all timesteps, on all of their current.

    `fire_digits(spikes, to, skip, current, at, timesteps, neurons, of, channels)`: as `fire`, but
    for the one current at index `at`, and thresholds that halve from step to step; the initial
    potential is that of T = 0.
    """

    def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
        vectors = _Vectors(context, builder, current, VECTOR_BYTES)
        mask = ir.IntType(vectors.lanes)
        out = cgutils.create_struct_proxy(spikes)(context, builder, args[0]).data

        def halve(now: Sequence[Any]) -> Sequence[Any]:
            return [builder.add(now[0], _ONE), vectors.halved(now[1])]

        def step(now: Sequence[Any]) -> Sequence[Any]:
            t, potential, above = now
            threshold = vectors.halved(above)
            fired = vectors.reached(potential, threshold)
            left = builder.select(fired, vectors.saturating_sub(potential, threshold), potential)
            where = builder.gep(out, [builder.add(args[1], builder.mul(t, args[2]))])
            word = builder.bitcast(fired, mask)
            builder.store(word, builder.bitcast(where, mask.as_pointer()), align=1)
            return [builder.add(t, _ONE), left, threshold]

        bias, threshold, initial = vectors.load_rows(args[6], args[7], args[8], 3)
        within = _below(builder, args[5])
        _, initial = _while(builder, within, [_ZERO, initial], halve)
        total = vectors.saturating_add(vectors.load(vectors.pointer(args[3], args[4])), bias)
        charged = vectors.saturating_add(total, initial)
        _while(builder, within, [_ZERO, charged, threshold], step)
        return context.get_dummy_value()

    index = types.int64
    return types.void(spikes, index, index, current, index, index, neurons, index, index), lower


@_instruction
def weigh(_: Any, total: Any, at: Any, planes: Any, of: Any, skip: Any, timesteps: Any) -> _Lowered:
    """Add up what digits drove, each half as much as the one before it.

    `weigh(total, at, planes, of, skip, timesteps)`: the vector of `total` at index `at` becomes the
    sum of those of `planes` at `of + t skip`, each over 2^(t + 1), for t < `timesteps`.
    """

    def lower(context: Any, builder: ir.IRBuilder, _: Any, args: Sequence[Any]) -> Any:
        vectors = _Vectors(context, builder, total, VECTOR_BYTES)

        def add_digit(now: Sequence[Any]) -> Sequence[Any]:
            done, index, added = now  # the last digit first, so that each sum is halved once more
            plane = vectors.load(vectors.pointer(args[2], index))
            if vectors.floating:
                halved = vectors.halved(vectors.add(added, plane))
            else:  # before the sum, which could leave the range
                halved = vectors.add(vectors.halved(added), vectors.halved(plane))
            return [builder.add(done, _ONE), builder.sub(index, args[4]), halved]

        last = builder.add(args[3], builder.mul(builder.sub(args[5], _ONE), args[4]))
        starts = [_ZERO, last, ir.Constant(vectors.type, None)]
        *_, added = _while(builder, _below(builder, args[5]), starts, add_digit)
        vectors.store(added, vectors.pointer(args[0], args[1]))
        return context.get_dummy_value()

    index = types.int64
    return types.void(total, index, planes, index, index, index), lower
