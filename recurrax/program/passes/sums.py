"""Chains of additions, or of multiplications, seen as one operation with many terms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax.numpy as jnp

from recurrax.program.ir import Op, Uses, Value


@dataclass(frozen=True)
class Chain:
    """A sum (or product) of terms, written as nested operations of two."""

    links: tuple[Op, ...]  # in order; the last one has the result
    terms: tuple[Value, ...]  # from left to right

    @property
    def root(self) -> Op:
        return self.links[-1]


def chains(ops: Sequence[Op], uses: Uses, names: Sequence[str]) -> Iterator[Op | Chain]:
    """Every chain of the named operations, where its last link stands, and all other operations."""
    inside = interior(ops, uses, names)
    for op in ops:
        if op not in inside:
            yield chain(op, uses, inside) if is_link(op, names) else op


def is_link(op: Op, names: Sequence[str]) -> bool:
    return op.name in names and jnp.issubdtype(op.out.dtype, jnp.inexact)


def interior(ops: Sequence[Op], uses: Uses, names: Sequence[str]) -> set[Op]:
    """Operations whose only reader is another link of the same chain."""
    inside = set()
    for op in ops:
        if is_link(op, names):
            for value in op.inputs:
                link = uses.producer.get(value)
                if link is not None and is_link(link, names) and uses.single(value):
                    inside.add(link)
    return inside


def chain(root: Op, uses: Uses, inside: set[Op]) -> Chain:
    """The chain whose last link is ``root``; it may have any number of links."""
    links: list[Op] = [root]
    terms: list[Value] = []
    ahead = [*root.inputs]  # from right to left, so that what comes first is found last
    while ahead:
        value = ahead.pop()
        link = uses.producer.get(value)
        if link in inside:
            links.append(link)
            ahead += link.inputs
        else:
            terms.append(value)
    return Chain(tuple(links[::-1]), tuple(terms[::-1]))
