"""What vector instructions that numba lacks are made of, in LLVM IR.

numba leaves it to LLVM to find the vectors in a loop. In a sum of weight rows LLVM finds them, but
keeps the sum in memory, where each addition waits for the store of the one before. Here vectors
are values, which stay in registers: `vector_sums` and `vector_neurons` have the instructions. LLVM
fits the vectors to the machine: AVX-512, AVX2 or NEON.

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

INT64 = ir.IntType(64)
ZERO, ONE = INT64(0), INT64(1)
Lowered = tuple[Any, Callable[[Any, ir.IRBuilder, Any, Sequence[Any]], Any]]


def instruction(typer: Callable[..., Lowered]) -> Callable[..., Any]:
    """Make a function that numba inlines: from the types of its arguments to signature and IR."""
    return cast(Callable[..., Any], intrinsic(typer))


class Vectors:
    """Loads, stores and arithmetic on vectors in flat arrays of one type."""

    def __init__(self, context: Any, builder: ir.IRBuilder, array: Any, size: int) -> None:
        self.context, self.builder, self.array = context, builder, array
        self.lanes = size * 8 // array.dtype.bitwidth
        self.type = ir.VectorType(context.get_value_type(array.dtype), self.lanes)
        self.floating = isinstance(array.dtype, types.Float)

    def pointer(self, array: Any, index: Any) -> Any:
        """Return where the vector at an index of an array begins."""
        data = cgutils.create_struct_proxy(self.array)(self.context, self.builder, array).data
        return self.builder.bitcast(self.builder.gep(data, [index]), self.type.as_pointer())

    def load(self, pointer: Any, offset: int = 0) -> Any:
        """Load the vector so many vectors behind a pointer."""
        return self.builder.load(self.builder.gep(pointer, [INT64(offset)]), align=2)

    def load_rows(self, array: Any, first: Any, apart: Any, count: int) -> list[Any]:
        """Load the vectors at index `first` and, each `apart` from the one before, after it."""
        indices = [self.builder.add(first, self.builder.mul(apart, INT64(k))) for k in range(count)]
        return [self.load(self.pointer(array, index)) for index in indices]

    def store(self, value: Any, pointer: Any, offset: int = 0) -> None:
        """Store a vector so many vectors behind a pointer."""
        self.builder.store(value, self.builder.gep(pointer, [INT64(offset)]), align=2)

    def add(self, a: Any, b: Any) -> Any:
        """Add; integers wrap, so a sum that ends in range may leave it on its way."""
        return self.builder.fadd(a, b) if self.floating else self.builder.add(a, b)

    def saturating_add(self, a: Any, b: Any) -> Any:
        """Add; integers stay at the end of their range instead of wrapping."""
        return self.add(a, b) if self.floating else self._call("llvm.sadd.sat", a, b)

    def saturating_sub(self, a: Any, b: Any) -> Any:
        """Subtract, likewise."""
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
        first = self.builder.insert_element(ir.Constant(self.type, ir.Undefined), scalar, ZERO)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        everywhere = self.builder.shuffle_vector(first, first, zeros)
        return self._call("llvm.fmuladd", a, everywhere, to)

    def _call(self, name: str, *operands: Any) -> Any:
        kind = ir.FunctionType(self.type, [self.type] * len(operands))
        suffix = f"v{self.lanes}{'f' if self.floating else 'i'}{self.array.dtype.bitwidth}"
        function = cgutils.get_or_insert_function(self.builder.module, kind, f"{name}.{suffix}")
        return self.builder.call(function, operands)


def loop_while(
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


def below(builder: ir.IRBuilder, count: Any) -> Callable[[Sequence[Any]], Any]:
    """Return the condition that the first value is less than `count`."""
    return lambda values: builder.icmp_unsigned("<", values[0], count)
