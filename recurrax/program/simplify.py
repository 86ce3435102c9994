"""Rewrites that hold for any list of operations: what is unused, repeated or turned about goes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recurrax.program.ir import Body, Constant, Op, Uses, Value


def without_unused(ops: Sequence[Op], outputs: Sequence[Value]) -> list[Op]:
    """Drops operations whose results nobody reads."""
    needed = set(outputs)
    kept = []
    for op in reversed(ops):
        if any(value in needed for value in op.outputs):
            needed.update(op.inputs)
            kept.append(op)
    return kept[::-1]


def simplified(body: Body) -> Body:
    """Drops unused, repeated and idle operations; products are written as they are read."""
    ops = without_unused(body.ops, body.outputs)
    alias: dict[Value, Value] = {}
    seen: dict[Any, Op] = {}
    kept: list[Op] = []
    for op in ops:
        op.inputs = [alias.get(value, value) for value in op.inputs]
        if is_idle(op):
            alias[op.out] = op.inputs[0]
            continue
        key = signature(op)
        first = None if key is None else seen.get(key)
        if first is not None:
            alias.update(zip(op.outputs, first.outputs, strict=True))
            continue
        if key is not None:
            seen[key] = op
        kept.append(op)
    outputs = [alias.get(value, value) for value in body.outputs]
    kept = turned_products(kept, outputs)
    return Body(body.inputs, without_unused(kept, outputs), outputs)


def is_idle(op: Op) -> bool:
    """Whether the operation returns what it takes."""
    if op.name in ("copy", "copy_p"):
        return True
    (same,) = op.inputs if len(op.inputs) == 1 else (None,)
    if same is None or same.shape != op.out.shape or same.dtype != op.out.dtype:
        return False
    return op.name in ("convert_element_type", "reshape", "broadcast_in_dim")


def signature(op: Op) -> Any:
    """Equal for operations that compute the same from the same; ``None`` if that is unknown."""
    inputs = tuple(
        ("constant", v.value.tobytes(), str(v.dtype))  # bytes: 0.0 is not -0.0
        if isinstance(v, Constant) and v.shape == () and isinstance(v.value, np.ndarray)
        else id(v)
        for v in op.inputs
    )
    key = (op.primitive, inputs, tuple(sorted(op.params.items())))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def turned_products(ops: list[Op], outputs: Sequence[Value]) -> list[Op]:
    """``(a b)^T = b^T a^T``: a transposed matrix product becomes the product turned round."""
    uses = Uses.of(ops, outputs)
    for op in ops:
        if op.name != "transpose" or tuple(op.params["permutation"]) != (1, 0):
            continue
        dot = uses.maker.get(op.inputs[0])
        if dot is None or dot.name != "dot_general" or not uses.single(dot.out):
            continue
        (left, right), batch = dot.params["dimension_numbers"]
        if dot.params.get("out_sharding"):
            continue
        # One axis of each operand is left; as the result has two, none is an axis of a batch.
        if dot.inputs[0].ndim - len(left) != 1 or dot.inputs[1].ndim - len(right) != 1:
            continue
        op.primitive = dot.primitive
        op.inputs = [dot.inputs[1], dot.inputs[0]]
        op.params = {**dot.params, "dimension_numbers": ((right, left), batch)}
        precision = dot.params.get("precision")
        if isinstance(precision, tuple):
            op.params["precision"] = precision[::-1]
    return ops
