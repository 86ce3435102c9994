"""Whether a loop is linear in its carry, and diagonal: then it can run in parallel over time."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp

from recurrax.program.ir import Op, Value
from recurrax.program.primitives import DIV, SELECT, facts


@dataclass(frozen=True)
class Linearity:
    """What a loop is in its carry."""

    linear: bool
    diagonal: bool  # each entry of the new carry depends on one entry of the old

    @property
    def parallel(self) -> bool:
        return self.linear and self.diagonal


def linearity_of(ops: Sequence[Op], carry: Sequence[Value]) -> Linearity:
    """The linearity of the operations of a loop over ``carry``."""
    moving = set(carry)
    linear = diagonal = True
    of_complex = any(jnp.issubdtype(v.dtype, jnp.complexfloating) for v in carry)
    for op in ops:
        inside = [v for v in op.inputs if v in moving]
        moving.update(op.outputs)
        linear &= is_linear(op, inside, of_complex)
        linear &= all(jnp.issubdtype(v.dtype, jnp.inexact) for v in op.outputs)
        apart = all(v.size == op.out.size for v in inside)  # no entry is read by several
        diagonal &= facts(op).elementwise and apart
    diagonal &= len({v.size for v in carry}) == 1
    return Linearity(linear, diagonal)


def is_linear(op: Op, inside: Sequence[Value], of_complex: bool) -> bool:
    """Whether an operation is linear in those of its operands that depend on the carry."""
    known = facts(op)
    if known.bilinear:
        return len(inside) == 1
    if op.name == DIV:
        return len(inside) == 1 and op.inputs[0] in inside
    if op.name == SELECT and op.inputs[0] in inside:
        return False
    return known.linear and not (of_complex and known.of_complex)
