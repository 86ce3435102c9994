"""Reassociation: in every sum, what is known earlier is added up first."""

from collections.abc import Callable, Sequence

from recurrax.program import builders
from recurrax.program.ir import Body, Op, Value
from recurrax.program.levels import levels_of
from recurrax.program.passes.sums import Chain, chains
from recurrax.program.primitives import MUL, SUMS


def reorder_sums(body: Body) -> Body:
    """``(x W + h U) + b`` becomes ``(b + x W) + h U``: one term is left for the loop to add.

    Sums whose terms all have one level stay as they are, to the last rounding.

    Ensures: the terms of every sum come in the order of their levels.
    """
    return reordered(body, SUMS, builders.add)


def reorder_factors(body: Body) -> Body:
    """The same for products of several factors, in derivatives only, where factors are slopes."""
    return reordered(body, (MUL,), builders.mul) if body.linear else body


def reordered(
    body: Body, names: Sequence[str], join: Callable[[Value, Value, Value | None], Op]
) -> Body:
    levels = levels_of(body)
    uses = body.uses
    result: list[Op] = []
    for item in chains(body.ops, uses, names):
        if not isinstance(item, Chain):
            result.append(item)
            continue
        if len(item.terms) < 3 or len({levels.of(t) for t in item.terms}) == 1:
            result.extend(item.links)
            continue
        total, *terms = sorted(item.terms, key=levels.of)
        for n, term in enumerate(terms, 1):  # a term may occur twice
            out = item.root.out if n == len(terms) else None
            result.append(join(total, term, out).from_line_of(item.root))
            total = result[-1].out
    return body.with_ops(result)
