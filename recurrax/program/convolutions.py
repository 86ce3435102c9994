"""Convolutions with their axes in the order in which every backend is at its best."""

from collections.abc import Sequence

from jax.lax import ConvDimensionNumbers

from recurrax.program import make
from recurrax.program.ir import Body, Op, Value


def in_natural_order(body: Body) -> Body:
    """Every convolution takes (batch, *space, features) and a kernel (*window, in, out).

    The derivative of a convolution is one that has features, batch or space in another's place.
    XLA's CPU backend runs such a one by plain loops where it stands in a loop, and takes 50 times
    as long; what turns the axes costs little.
    """
    return Body(body.inputs, [new for op in body.ops for new in natural(op)], body.outputs)


def natural(op: Op) -> list[Op]:
    """An operation with what turns its operands before it and its result behind it."""
    if op.name != "conv_general_dilated":
        return [op]
    numbers = op.params["dimension_numbers"]
    batch, features, *space = numbers.lhs_spec
    out_features, in_features, *window = numbers.rhs_spec
    last = len(space) + 1
    before: list[Op] = []

    def turned(value: Value, axes: Sequence[int]) -> Value:
        if tuple(axes) == tuple(range(value.ndim)):
            return value
        before.append(make.transpose(value, axes))
        return before[-1].out

    left = turned(op.inputs[0], (batch, *space, features))
    right = turned(op.inputs[1], (*window, in_features, out_features))
    order = (0, last, *range(1, last))  # of batch, features and space
    spec = ConvDimensionNumbers(order, (last, last - 1, *range(last - 1)), order)
    if spec == numbers:
        return [op]
    place = dict(zip(numbers.out_spec, order, strict=True))
    axes = [place[axis] for axis in range(op.out.ndim)]
    shape = [op.out.shape[axes.index(axis)] for axis in range(op.out.ndim)]
    params = {**op.params, "dimension_numbers": spec}
    conv = Op(op.primitive, params, [left, right], [op.out.like(shape)])
    if axes == list(range(op.out.ndim)):
        conv.outputs = op.outputs
        return [*before, conv]
    back = make.transpose(conv.out, axes)
    back.outputs = op.outputs
    return [*before, conv, back]
