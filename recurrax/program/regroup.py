"""Sums and products in another order: what the carry does not touch comes together, and leaves."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from recurrax.program import make
from recurrax.program.dependence import Ranks
from recurrax.program.ir import Body, Op, Uses, Value
from recurrax.program.simplify import without_unused

SUMS = ("add", "add_any")
FACTORS = ("mul",)


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
    result: list[Op] = []
    for op, links, terms in chains(ops, uses, names):
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


def joined_terms(
    body: Body,
    ranks: Ranks,
    key: Callable[[Value, Uses], Any],
    join: Callable[[list[Value], Uses], list[Op]],
) -> list[Op]:
    """In every sum, terms with one ``key`` (not ``None``) become the one that ``join`` computes."""
    uses = Uses.of(body.ops, body.outputs)
    result: list[Op] = []
    for op, links, terms in chains(body.ops, uses, SUMS):
        groups: dict[Any, list[Value]] = {}
        for term in terms:
            name = key(term, uses)
            groups.setdefault(("alone", len(groups)) if name is None else name, []).append(term)
        if all(len(group) == 1 for group in groups.values()):
            result.extend(links)
            continue
        rest: list[Value] = []
        for group in groups.values():
            new = join(group, uses) if len(group) > 1 else []
            for made in new:
                ranks.add(made)
            result.extend(new)
            rest.append(new[-1].out if new else group[0])
        rest.sort(key=ranks.of)
        for term in rest[1:]:
            result.append(make.add(rest[0], term))
            rest[0] = result[-1].out
        result[-1].outputs = [op.out]
    return without_unused(result, body.outputs)


def factored(body: Body, ranks: Ranks) -> list[Op]:
    """``h d - n d`` becomes ``(h - n) d``; ``d`` is the factor that is known last."""

    def key(value: Value, uses: Uses) -> Value | None:
        term = term_of(value, uses, ranks)
        return None if term is None else term.factor

    def join(values: list[Value], uses: Uses) -> list[Op]:
        terms = [term for v in values if (term := term_of(v, uses, ranks)) is not None]
        first, *others = terms
        new: list[Op] = []
        total = first.signed(new)
        for term in others:
            new.append(make.add(total, term.signed(new)))
            total = new[-1].out
        return [*new, make.mul(total, first.factor)]

    return joined_terms(body, ranks, key, join)


@dataclass
class Term:
    """A term of a sum as a product: ``coefficient`` times ``factor``, or minus that."""

    coefficient: Value
    factor: Value
    negative: bool

    def signed(self, new: list[Op]) -> Value:
        """The coefficient with its sign; what computes it is added to ``new``."""
        if not self.negative:
            return self.coefficient
        new.append(make.neg(self.coefficient))
        return new[-1].out


def term_of(value: Value, uses: Uses, ranks: Ranks) -> Term | None:
    """A term that is a product of two; what is known first of them is the coefficient."""
    op = uses.maker.get(value)
    negative = False
    while op is not None and op.name == "neg" and uses.single(op.out):
        negative = not negative
        op = uses.maker.get(op.inputs[0])
    if op is None or op.name != "mul" or not uses.single(op.out):
        return None
    coefficient, factor = sorted(op.inputs, key=ranks.of)
    return Term(coefficient, factor, negative)


def chains(
    ops: Sequence[Op], uses: Uses, names: Sequence[str]
) -> Iterator[tuple[Op, list[Op], list[Value]]]:
    """Each chain with its links and terms, where its last link is; other operations, no terms."""
    inside = interior(ops, uses, names)
    for op in ops:
        if op not in inside:
            yield (op, *chain(op, uses, inside)) if is_chain(op, names) else (op, [op], [])


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
