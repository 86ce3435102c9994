"""A rewrite that two passes share: terms of a sum that can be taken as one are joined."""

from collections.abc import Callable, Iterable
from typing import Any

from recurrax.program import builders
from recurrax.program.ir import Body, Op, Uses, Value
from recurrax.program.levels import Levels
from recurrax.program.passes.dead_code import remove_dead_code
from recurrax.program.passes.sums import Chain, chains
from recurrax.program.primitives import SUMS

Key = Callable[[Value, Uses], Any]
Join = Callable[[list[Value], Uses], list[Op]]


def join_terms(body: Body, levels: Levels, key: Key, join: Join) -> Body:
    """In every sum, the terms of one ``key`` (not ``None``) become the one that ``join`` computes.

    ``join`` returns operations of which the last one has the joined term as its result.
    """
    uses = body.uses
    result: list[Op] = []
    for item in chains(body.ops, uses, SUMS):
        if not isinstance(item, Chain):
            result.append(item)
            continue
        groups = grouped(item.terms, lambda term: key(term, uses))
        if all(len(group) == 1 for group in groups):
            result.extend(item.links)
            continue
        new, terms = joined(groups, levels, lambda group: join(group, uses))
        new = [op.from_line_of(item.root) for op in new]
        for term in terms[1:]:
            new.append(builders.add(terms[0], term).from_line_of(item.root))
            terms[0] = new[-1].out
        new[-1] = new[-1].with_outputs([item.root.out])
        result.extend(new)
    return remove_dead_code(body.with_ops(result))


def grouped(terms: Iterable[Value], key: Callable[[Value], Any]) -> list[list[Value]]:
    """The terms of one key together; a term whose key is ``None`` stays alone."""
    groups: dict[Any, list[Value]] = {}
    for term in terms:
        name = key(term)
        groups.setdefault(("alone", len(groups)) if name is None else name, []).append(term)
    return list(groups.values())


def joined(
    groups: Iterable[list[Value]], levels: Levels, join: Callable[[list[Value]], list[Op]]
) -> tuple[list[Op], list[Value]]:
    """The operations that join groups, and the terms that are left, in the order of levels."""
    new: list[Op] = []
    terms: list[Value] = []
    for group in groups:
        made = join(group) if len(group) > 1 else []
        for op in made:
            levels.add(op)
        new += made
        terms.append(made[-1].out if made else group[0])
    return new, sorted(terms, key=levels.of)
