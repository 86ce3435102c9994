"""The inliner: what a call computes, put where the call is."""

from collections.abc import Iterable, Sequence

from recurrax.program.frontend.jaxpr import array_constant, read_jaxpr
from recurrax.program.ir import Body, Op, Value
from recurrax.program.primitives import facts, inner_jaxpr

PLAIN = ("plain",)
PLAIN_AND_REMAT = ("plain", "remat")
ALL = ("plain", "remat", "rule")


def inline(body: Body, kinds: Sequence[str] = ALL) -> Body:
    """Replaces calls of these kinds (``primitives.Facts.call``) by the operations that they hold.

    A step keeps its ``custom_jvp`` functions until it is scheduled, because they say how to
    differentiate it, and ``jax.checkpoint`` until it has been differentiated. Plain calls (``jit``,
    and so ``jnp.where``) go at once, so that the activations in them are seen as such.
    """
    ops, outputs = inlined(body.ops, body.outputs, kinds)
    return body.with_ops(ops).with_outputs(outputs)


def inlined(
    ops: Iterable[Op], outputs: Sequence[Value], kinds: Sequence[str] = ALL
) -> tuple[list[Op], list[Value]]:
    """The same for a list of operations and the values that are read from it."""
    result: list[Op] = []
    alias: dict[Value, Value] = {}

    def add(ops: Iterable[Op]) -> None:
        for op in ops:
            op = op.substituted(alias)
            if facts(op).call not in kinds:
                result.append(op)
                continue
            closed = inner_jaxpr(op.params)
            consts = [array_constant(c) for c in closed.consts]
            inner, returned = read_jaxpr(closed.jaxpr, [*consts, *op.inputs], op.origin)
            add(inner)
            for out, value in zip(op.outputs, returned, strict=True):
                alias[out] = alias.get(value, value)
                alias[out].name = alias[out].name or out.name

    add(ops)
    return result, [alias.get(v, v) for v in outputs]
