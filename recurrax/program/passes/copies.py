"""Copy propagation."""

from recurrax.program.ir import Body, Op, Value
from recurrax.program.primitives import facts


def remove_copies(body: Body) -> Body:
    """Drops operations that return what they take, such as a reshape to the same shape.

    Ensures: no operation is the identity.
    """
    alias: dict[Value, Value] = {}
    kept: list[Op] = []
    for op in body.ops:
        op = op.substituted(alias)
        if is_copy(op):
            alias[op.out] = op.inputs[0]
        else:
            kept.append(op)
    return body.with_ops(kept).substituted(alias)


def is_copy(op: Op) -> bool:
    if not facts(op).identity or len(op.inputs) != 1:
        return False
    (operand,) = op.inputs
    return operand.shape == op.out.shape and operand.dtype == op.out.dtype
