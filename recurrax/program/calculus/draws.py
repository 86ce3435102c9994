"""Random numbers of a step, which its derivative reads rather than draws again."""

from functools import lru_cache

import jax.numpy as jnp

from recurrax.program.ir import Body, Constant, Op, Value, ordered
from recurrax.program.primitives import facts


@lru_cache(maxsize=4096)
def drawn(body: Body) -> tuple[Value, ...]:
    """What the random draws of a step lead to, as far as nothing else takes part.

    These are the masks and the noise that a step applies, not the random bits behind them. What
    parameters alone determine, such as a mask that all steps share, is drawn once in any case.
    """
    moving: set[Value] = {v for part in body.inputs[1:] for v in part}
    random: set[Value] = set()
    read: list[Value] = []
    for op in body.ops:
        if moving.isdisjoint(op.inputs):
            continue
        moving.update(op.outputs)
        inside = [v for v in op.inputs if v in random]
        if is_draw(op) or (inside and not others(op, random)):
            random.update(op.outputs)
        else:
            read += inside
    return tuple(ordered([*read, *(v for v in body.outputs if v in random)]))


def is_draw(op: Op) -> bool:
    """Whether an operation draws numbers that no derivative goes through."""
    return facts(op).random and not any(jnp.issubdtype(v.dtype, jnp.inexact) for v in op.inputs)


def others(op: Op, random: set[Value]) -> list[Value]:
    """The operands that do not come from random draws alone."""
    return [v for v in op.inputs if v not in random and not isinstance(v, Constant)]
