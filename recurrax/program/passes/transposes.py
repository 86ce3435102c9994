"""Transposes of matrix products."""

from dataclasses import replace

from recurrax.program.contractions import has_out_sharding
from recurrax.program.ir import Body, Op, Uses
from recurrax.program.primitives import DOT, TRANSPOSE


def fold_transposes(body: Body) -> Body:
    """``(a b)^T = b^T a^T``: a transposed matrix product is written with its operands exchanged.

    Ensures: no matrix product is read by a transpose alone. What it replaces is dead code after it.
    """
    producer = dict(body.uses.producer)
    uses = replace(body.uses, producer=producer)
    ops: list[Op] = []
    for op in body.ops:
        ops.append(folded(op, uses))
        producer.update(dict.fromkeys(op.outputs, ops[-1]))
    return body.with_ops(ops)


def folded(op: Op, uses: Uses) -> Op:
    if op.name != TRANSPOSE or tuple(op.params["permutation"]) != (1, 0):
        return op
    dot = uses.producer.get(op.inputs[0])
    if dot is None or dot.name != DOT or not uses.single(dot.out) or has_out_sharding(dot):
        return op
    (left, right), batch = dot.params["dimension_numbers"]
    # One axis of each operand is left; as the result has two, none is an axis of a batch.
    if dot.inputs[0].ndim - len(left) != 1 or dot.inputs[1].ndim - len(right) != 1:
        return op
    params = {**dot.params, "dimension_numbers": ((right, left), batch)}
    precision = dot.params.get("precision")
    if isinstance(precision, tuple):
        params["precision"] = precision[::-1]
    return replace(dot, params=params, inputs=dot.inputs[::-1], outputs=op.outputs)
