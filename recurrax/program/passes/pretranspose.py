"""Kernels in the order of memory in which a loop reads them."""

from dataclasses import replace
from math import prod

from recurrax.program import builders
from recurrax.program.contractions import contraction_size
from recurrax.program.ir import Body, Op, Value
from recurrax.program.levels import INVARIANT, Levels, in_loops, levels_of
from recurrax.program.primitives import DOT


def pretranspose(body: Body) -> Body:
    """Transposes invariant matrices once, before the loop, so that it reads them row by row.

    A product with a single row is as fast either way: the transposed copy would only take memory.

    Ensures: a loop contracts the first axis of a kernel at the right of a product, the last axis
    of one at the left.
    """
    levels = levels_of(body)
    inside = in_loops(body, levels)
    result: list[Op] = []
    for op in body.ops:
        if op.name == DOT and op in inside and not has_single_row(op):
            result += pretransposed(op, levels)
        else:
            result.append(op)
    return body.with_ops(result)


def pretransposed(op: Op, levels: Levels) -> list[Op]:
    """The product, with the transpose of its kernel before it if there is something to gain."""
    (left, right), batch = op.params["dimension_numbers"]
    a, b = op.inputs
    first = len(batch[0])  # of the axes of one matrix
    if is_matrix(b, batch[1], levels) and right == (first + 1,):
        first_op = transposed(b).from_line_of(op)
        operands, right = (a, first_op.out), (first,)
    elif is_matrix(a, batch[0], levels) and left == (first,):
        first_op = transposed(a).from_line_of(op)
        operands, left = (first_op.out, b), (first + 1,)
    else:
        return [op]
    params = {**op.params, "dimension_numbers": ((left, right), batch)}
    return [first_op, replace(op, params=params, inputs=operands)]


def is_matrix(operand: Value, batch: tuple[int, ...], levels: Levels) -> bool:
    """Whether an operand is an invariant matrix, or a batch of them along the first axes."""
    leading = tuple(range(len(batch)))
    return levels.of(operand) == INVARIANT and operand.ndim == len(batch) + 2 and batch == leading


def transposed(matrix: Value) -> Op:
    *batch, rows, columns = range(matrix.ndim)
    return builders.transpose(matrix, (*batch, columns, rows))


def has_single_row(op: Op) -> bool:
    """Whether one side of a matrix product is a vector, or a batch of vectors."""
    size = contraction_size(op.name, op.params, *[v.shape for v in op.inputs])
    _, (batch, _) = op.params["dimension_numbers"]
    row = size * prod(op.inputs[0].shape[axis] for axis in batch)
    return any(v.size == row for v in op.inputs)
