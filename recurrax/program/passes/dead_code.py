"""Dead code elimination."""

from collections.abc import Iterable, Sequence

from recurrax.program.ir import Body, Op, Value


def remove_dead_code(body: Body) -> Body:
    """Drops operations whose results nothing reads.

    Ensures: every operation has a result that an output needs.
    """
    return body.with_ops(needed_ops(body.ops, body.outputs))


def needed_ops(ops: Sequence[Op], outputs: Iterable[Value]) -> list[Op]:
    """The operations that the outputs need, in their order."""
    needed = set(outputs)
    kept = []
    for op in reversed(ops):
        if any(value in needed for value in op.outputs):
            needed.update(op.inputs)
            kept.append(op)
    return kept[::-1]
