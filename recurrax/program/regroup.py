"""Sums and products in another order: what the carry does not touch comes together, and leaves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax.numpy as jnp

from recurrax.program import make
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


def factored(ops: Sequence[Op], outputs: Sequence[Value], ranks: Ranks) -> list[Op]:
    """``h d - n d`` becomes ``(h - n) d``, where the first factors are known before ``d`` is."""
    uses = Uses.of(ops, outputs)
    inside = interior(ops, uses, SUMS)
    replacement: dict[Op, list[Op]] = {}
    absorbed: set[Op] = set()
    for op in ops:
        if op in inside or not is_chain(op, SUMS):
            continue
        links, terms = chain(op, uses, inside)
        groups: dict[Value, list[Term]] = {}
        for term in terms:
            found = term_of(term, uses, ranks)
            if found is not None:
                groups.setdefault(found.factor, []).append(found)
        groups = {factor: found for factor, found in groups.items() if len(found) > 1}
        if not groups:
            continue
        new: list[Op] = []
        rest = list(terms)
        for factor, found in groups.items():
            total = found[0].signed(new)
            for term in found[1:]:
                new.append(make.add(total, term.signed(new)))
                total = new[-1].out
            new.append(make.mul(total, factor))
            gone = [term.value for term in found]
            rest = [value for value in rest if all(value is not v for v in gone)]
            rest.append(new[-1].out)
        for value in rest[1:]:
            new.append(make.add(rest[0], value))
            rest[0] = new[-1].out
        new[-1].outputs = [op.out]
        for made in new:
            ranks.add(made)
        absorbed.update(links)
        replacement[op] = new
    result: list[Op] = []
    for op in ops:
        if op in replacement:
            result.extend(replacement[op])
        elif op not in absorbed:
            result.append(op)
    return result


@dataclass
class Term:
    """A term of a sum as a product: ``coefficient`` times ``factor``, or minus that."""

    value: Value
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
    """A term that is a product of two arrays, one of them known before the other."""
    op = uses.maker.get(value)
    negative = False
    while op is not None and op.name == "neg" and uses.single(op.out):
        negative = not negative
        op = uses.maker.get(op.inputs[0])
    if op is None or op.name != "mul" or not uses.single(op.out):
        return None
    coefficient, factor = sorted(op.inputs, key=ranks.of)
    alike = coefficient.shape == factor.shape == value.shape
    if not alike or ranks.of(coefficient) == ranks.of(factor):
        return None
    return Term(value, coefficient, factor, negative)


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
