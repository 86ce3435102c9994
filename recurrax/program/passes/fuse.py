"""Fusion of contractions: the better of two orders of the two kinds of fusion."""

from recurrax.program.contractions import is_contraction
from recurrax.program.ir import Body
from recurrax.program.levels import INVARIANT, in_loops, levels_of
from recurrax.program.passes.fuse_shared import fuse_shared
from recurrax.program.passes.fuse_sums import fuse_sums
from recurrax.program.passes.simplify import simplify


def fuse(body: Body) -> Body:
    """As few contractions as possible, first in loops and then in all.

    ``x A + h B`` and ``x C + h D`` are ``[x h] [A C; B D]`` if sums are fused first; where not all
    gates have both terms it can be better to begin with shared operands, ``x [A C ...]``.

    Requires: sums in the order of levels. Ensures: nothing is left to fuse in the chosen order.
    """
    body = simplify(invariant_first(body))
    sums = fuse_sums(body)
    if sums.ops == body.ops:
        return shared(shared(body))
    sums_first = shared(shared(simplify(sums)))
    shared_first = shared(simplify(fuse_sums(shared(body))))
    return min(sums_first, shared_first, key=contractions)


def shared(body: Body) -> Body:
    fused = fuse_shared(body)
    return body if fused.ops == body.ops else simplify(invariant_first(fused))


def contractions(body: Body) -> tuple[int, int]:
    """How many contractions there are: in loops, and in all."""
    found = {op for op in body.ops if is_contraction(op)}
    return len(found & in_loops(body, levels_of(body))), len(found)


def invariant_first(body: Body) -> Body:
    """What depends on parameters alone comes first; the order is otherwise kept."""
    levels = levels_of(body)
    return body.with_ops(sorted(body.ops, key=lambda op: levels.of(op.out) != INVARIANT))
