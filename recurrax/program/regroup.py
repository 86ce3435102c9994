"""Sums and products in another order: what the carry does not touch comes together, and leaves."""

from collections.abc import Callable, Sequence

import jax.numpy as jnp

from recurrax.program.dependence import Ranks
from recurrax.program.ir import Op, Uses, Value

SUMS = ("add", "add_any")
PRODUCTS = ("mul",)


def regrouped(
    ops: Sequence[Op],
    outputs: Sequence[Value],
    ranks: Ranks,
    names: Sequence[str],
    joined: Callable[[Value, Value, Value | None], Op],
) -> list[Op]:
    """Reorders every chain of the named operation so that its terms come in order of rank.

    ``(x W + h U) + b`` becomes ``(b + x W) + h U``: one term is left beside the one that needs the
    carry. Chains whose terms all have one rank stay as they are, to the last rounding.
    """
    uses = Uses.of(ops, outputs)
    inside = interior(ops, uses, names)
    result: list[Op] = []
    for op in ops:
        if op in inside:
            continue
        if not is_chain(op, names):
            result.append(op)
            continue
        links, terms = chain(op, uses, inside)
        if len(terms) < 3 or len({ranks.of(t) for t in terms}) == 1:
            result.extend(links)
            continue
        terms.sort(key=ranks.of)
        total = terms[0]
        for term in terms[1:]:
            link = joined(total, term, op.out if term is terms[-1] else None)
            ranks.add(link)
            result.append(link)
            total = link.out
    return result


def is_chain(op: Op, names: Sequence[str]) -> bool:
    return op.name in names and jnp.issubdtype(op.out.dtype, jnp.inexact)


def interior(ops: Sequence[Op], uses: Uses, names: Sequence[str]) -> set[Op]:
    """Operations whose only reader is another link of the same chain."""
    inside = set()
    for op in ops:
        if is_chain(op, names):
            for value in op.inputs:
                link = uses.maker.get(value)
                if link is not None and is_chain(link, names) and uses.single(value):
                    inside.add(link)
    return inside


def chain(root: Op, uses: Uses, inside: set[Op]) -> tuple[list[Op], list[Value]]:
    """The links of a chain, in order, and its terms from left to right."""
    links: list[Op] = []
    terms: list[Value] = []
    for value in root.inputs:
        link = uses.maker.get(value)
        if link in inside:
            more, inner = chain(link, uses, inside)
            links += more
            terms += inner
        else:
            terms.append(value)
    return [*links, root], terms
