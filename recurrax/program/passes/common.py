"""Common subexpression elimination."""

from typing import Any

import numpy as np

from recurrax.program.ir import Body, Constant, Op, Value


def merge_common(body: Body) -> Body:
    """Keeps one of several operations that compute the same from the same.

    Ensures: no two operations have equal primitives, parameters and operands.
    """
    alias: dict[Value, Value] = {}
    seen: dict[Any, Op] = {}
    kept: list[Op] = []
    for op in body.ops:
        op = op.substituted(alias)
        key = signature(op)
        first = None if key is None else seen.setdefault(key, op)
        if first is None or first is op:
            kept.append(op)
        else:
            alias.update(zip(op.outputs, first.outputs, strict=True))
    return body.with_ops(kept).substituted(alias)


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
