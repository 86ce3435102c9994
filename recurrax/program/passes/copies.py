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
        op = op.with_inputs(alias.get(v, v) for v in op.inputs)
        if is_copy(op):
            alias[op.out] = op.inputs[0]
        else:
            kept.append(op)
    return body.with_ops(kept).with_outputs([alias.get(v, v) for v in body.outputs])


def is_copy(op: Op) -> bool:
    if not facts(op).identity or len(op.inputs) != 1:
        return False
    (operand,) = op.inputs
    return operand.shape == op.out.shape and operand.dtype == op.out.dtype
