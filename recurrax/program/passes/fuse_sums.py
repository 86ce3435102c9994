"""Vertical fusion: a sum of contractions becomes one contraction."""

from dataclasses import replace
from typing import Any

from recurrax.program import builders
from recurrax.program.contractions import has_out_sharding, is_contraction, joinable_axes
from recurrax.program.ir import Body, Op, Uses, Value
from recurrax.program.levels import INVARIANT, Levels, levels_of
from recurrax.program.passes.fuse_shared import positions
from recurrax.program.passes.join_terms import join_terms
from recurrax.program.primitives import facts


def fuse_sums(body: Body) -> Body:
    """``a A + b B`` becomes ``[a b] [A; B]``: one matmul for the reverse of many gates."""
    levels = levels_of(body)
    order = positions(body)

    def join(terms: list[Value], uses: Uses) -> list[Op]:
        found = [pair for term in terms if (pair := contraction_of(term, uses)) is not None]
        contractions = sorted((op for op, _ in found), key=lambda op: order.get(op.inputs[1], -1))
        first, moves = contractions[0], found[0][1]
        sides = [
            builders.concatenate([op.inputs[side] for op in contractions], axis)
            for side, axis in enumerate(joinable_axes(first) or ())
        ]
        operands = tuple(side.out for side in sides)
        new = [*sides, replace(first, inputs=operands, outputs=(first.out.like(),))]
        for move in moves:
            new.append(replace(move, inputs=(new[-1].out,), outputs=(move.out.like(),)))
        return new

    return join_terms(body, levels, lambda term, uses: key_of(term, uses, levels), join)


def key_of(term: Value, uses: Uses, levels: Levels) -> Any:
    """Equal for contractions with an invariant right side whose sum is one contraction."""
    found = contraction_of(term, uses)
    if found is None:
        return None
    op, moves = found
    axes = joinable_axes(op)
    if axes is None or has_out_sharding(op):
        return None
    if levels.of(op.inputs[1]) != INVARIANT or levels.of(op.inputs[0]) == INVARIANT:
        return None
    sides = tuple(
        (v.dtype, v.shape[:axis], v.shape[axis + 1 :])
        for v, axis in zip(op.inputs, axes, strict=True)
    )
    made = [(op.name, str(sorted(op.params.items())))]
    made += [(move.name, move.out.shape, str(sorted(move.params.items()))) for move in moves]
    return levels.of(term), sides, *made


def contraction_of(term: Value, uses: Uses) -> tuple[Op, list[Op]] | None:
    """The contraction that nothing else reads, and the operations that move its axes after it.

    The derivative of a batched contraction is one whose batch axes have to be moved back.
    """
    moves: list[Op] = []
    while uses.single(term) and (op := uses.producer.get(term)) is not None:
        if is_contraction(op):
            return op, moves[::-1]
        if not facts(op).moves:
            return None
        moves.append(op)
        term = op.inputs[0]
    return None
