"""Common operands of sums of contractions."""

from dataclasses import replace
from typing import Any

from recurrax.program import builders
from recurrax.program.contractions import has_out_sharding, is_contraction
from recurrax.program.ir import Body, Op, Uses, Value
from recurrax.program.levels import levels_of
from recurrax.program.passes.join_terms import join_terms


def factor_contractions(body: Body) -> Body:
    """In a derivative, ``h^T d + h^T e`` becomes ``h^T (d + e)``.

    This is how a kernel is differentiated that a step uses twice. The terms are added before they
    are summed over time, so that what cancels in a step cancels there. The user's own step is left
    as it is.

    Ensures: in a derivative, no two terms of a sum are contractions with one common operand.
    """
    if not body.linear:
        return body
    for shared in (0, 1):
        body = with_factored(body, shared)
    return body


def with_factored(body: Body, shared: int) -> Body:
    """The body without sums of contractions that have operand ``shared`` in common."""

    def key(term: Value, uses: Uses) -> Any:
        op = uses.producer.get(term)
        if op is None or not is_contraction(op) or not uses.single(term) or has_out_sharding(op):
            return None
        return op.inputs[shared], op.inputs[1 - shared].shape, str(sorted(op.params.items()))

    def join(terms: list[Value], uses: Uses) -> list[Op]:
        first, *others = [uses.producer[term] for term in terms]
        operands = [*first.inputs]
        new: list[Op] = []
        for op in others:
            new.append(builders.add(operands[1 - shared], op.inputs[1 - shared]))
            operands[1 - shared] = new[-1].out
        return [*new, replace(first, inputs=tuple(operands), outputs=(first.out.like(),))]

    return join_terms(body, levels_of(body), key, join)
