"""Convolutions with their axes in the order in which every backend is at its best."""

from collections.abc import Sequence
from dataclasses import replace

from jax.lax import ConvDimensionNumbers

from recurrax.program import builders
from recurrax.program.ir import Body, Op, Value
from recurrax.program.primitives import CONV


def canonical_layout(body: Body) -> Body:
    """Every convolution takes (batch, *space, features) and a kernel (*window, in, out).

    The derivative of a convolution has features, batch or space in another place. XLA's CPU backend
    runs such a convolution by plain loops if it stands in a loop, and takes 50 times as long;
    transposing the operands costs little.

    Ensures: all convolutions have the same dimension numbers for their number of axes.
    """
    return body.with_ops(new for op in body.ops for new in canonical(op))


def canonical(op: Op) -> list[Op]:
    """An operation, with transposes of its operands before it and of its result after it."""
    if op.name != CONV:
        return [op]
    numbers = op.params["dimension_numbers"]
    batch, features, *space = numbers.lhs_spec
    out_features, in_features, *window = numbers.rhs_spec
    last = len(space) + 1
    order = (0, last, *range(1, last))  # of batch, features and space
    spec = ConvDimensionNumbers(order, (last, last - 1, *range(last - 1)), order)
    if spec == numbers:
        return [op]
    before: list[Op] = []

    def transposed(value: Value, axes: Sequence[int]) -> Value:
        if tuple(axes) == tuple(range(value.ndim)):
            return value
        before.append(builders.transpose(value, axes).from_line_of(op))
        return before[-1].out

    left = transposed(op.inputs[0], (batch, *space, features))
    right = transposed(op.inputs[1], (*window, in_features, out_features))
    place = dict(zip(numbers.out_spec, order, strict=True))
    axes = [place[axis] for axis in range(op.out.ndim)]
    params = {**op.params, "dimension_numbers": spec}
    conv = replace(op, params=params, inputs=(left, right))
    if axes == list(range(op.out.ndim)):
        return [*before, conv]
    shape = [op.out.shape[axes.index(axis)] for axis in range(op.out.ndim)]
    conv = conv.with_outputs([op.out.like(shape)])
    after = builders.transpose(conv.out, axes).with_outputs(op.outputs).from_line_of(op)
    return [*before, conv, after]
