"""Levels: what a value depends on, and so when it can be computed.

Every value of a step has a *level*: ``INVARIANT`` if parameters alone determine it, ``CARRY_FREE``
if it needs the inputs of its step but no carry, and otherwise the number of the last strongly
connected component of the carry that it depends on. Components are counted from 1 in the order in
which they can run.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from recurrax.program.ir import Body, Constant, Op, Uses, Value
from recurrax.program.primitives import SUMS

INVARIANT = -1
CARRY_FREE = 0


@dataclass(frozen=True)
class Component:
    """Entries of the carry that depend on one another, or a single entry."""

    members: tuple[int, ...]  # positions in the carry
    recurrent: bool  # whether the component depends on itself


class Levels(dict[Value, int]):
    """The level of every value of a step, and the components of its carry in order."""

    def __init__(self, components: Sequence[Component], constant: Sequence[int]) -> None:
        super().__init__()
        self.components = components
        self.constant = constant  # entries of the carry that every step returns as it took them

    def __missing__(self, value: Value) -> int:
        if isinstance(value, Constant):
            return INVARIANT
        raise KeyError(value)

    def of(self, value: Value) -> int:
        return self[value]

    def is_sequence(self, value: Value) -> bool:
        """Whether a value differs from step to step."""
        return self.of(value) > INVARIANT

    def add(self, op: Op) -> None:
        """Records the results of an operation on values that have a level."""
        level = max(map(self.__getitem__, op.inputs), default=INVARIANT)
        for value in op.outputs:
            self[value] = level


def levels_of(body: Body) -> Levels:
    """The levels of all values of a step."""
    carry = body.inputs.carry
    components, constant = components_of(body)
    levels = Levels(components, constant)
    levels.update(dict.fromkeys(body.inputs.consts, INVARIANT))
    levels.update(dict.fromkeys((*body.inputs.lagged, *body.inputs.xs), CARRY_FREE))
    levels.update((carry[i], INVARIANT) for i in constant)
    for level, component in enumerate(components, 1):
        levels.update((carry[i], level) for i in component.members)
    for op in body.ops:
        levels.add(op)
    return levels


def components_of(body: Body) -> tuple[list[Component], list[int]]:
    """The strongly connected components of the carry, and the entries that never change."""
    carry, new = body.inputs.carry, body.new_carry
    constant = [i for i, (a, b) in enumerate(zip(carry, new, strict=True)) if a is b]
    variable = [i for i in range(len(carry)) if i not in constant]
    reach: dict[Value, int] = {carry[i]: 1 << i for i in variable}  # bit i: depends on entry i
    for op in body.ops:
        mask = 0
        for value in op.inputs:
            mask |= reach.get(value, 0)
        reach.update(dict.fromkeys(op.outputs, mask))
    needs = {i: {j for j in variable if reach.get(new[i], 0) >> j & 1} for i in variable}
    components = [
        Component(tuple(members), len(members) > 1 or members[0] in needs[members[0]])
        for members in strongly_connected(needs)
    ]
    return components, constant


def strongly_connected(needs: dict[int, set[int]]) -> list[list[int]]:
    """Tarjan's algorithm: the components, each after those that it needs.

    A step may have any number of carries, so the walk keeps a list instead of calling itself.
    """
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    open_nodes: set[int] = set()
    found: list[list[int]] = []

    def enter(node: int) -> tuple[int, Iterator[int]]:
        index[node] = low[node] = len(index)
        stack.append(node)
        open_nodes.add(node)
        return node, iter(sorted(needs[node]))

    for start in sorted(needs):
        path = [] if start in index else [enter(start)]
        while path:
            node, others = path[-1]
            other = next(others, None)
            if other is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == index[node]:
                    first = stack.index(node)
                    found.append(sorted(stack[first:]))
                    open_nodes.difference_update(stack[first:])
                    del stack[first:]
            elif other not in index:
                path.append(enter(other))
            elif other in open_nodes:
                low[node] = min(low[node], index[other])
    return found


def reduced_entries(body: Body, levels: Levels) -> dict[int, Value]:
    """The entries of the carry that only add up a value over time, with that value."""
    uses = body.uses
    found = {}
    for component in levels.components:
        i = component.members[0]
        term = summand(body.inputs.carry[i], body.new_carry[i], uses)
        if len(component.members) == 1 and term is not None:
            found[i] = term
    return found


def summand(old: Value, new: Value, uses: Uses) -> Value | None:
    """``u`` if an entry of the carry becomes ``old + u``, and nothing else reads it."""
    op = uses.producer.get(new)
    if op is None or op.name not in SUMS or not uses.single(old) or not uses.single(new):
        return None
    a, b = op.inputs
    return b if a is old else a if b is old else None


def loops_of(body: Body, levels: Levels) -> dict[int, list[Op]]:
    """The operations that must run step by step, by the level of the component they serve."""
    reduced = reduced_entries(body, levels)
    return {
        level: needed_at_level(body, level, [body.new_carry[i] for i in component.members], levels)
        for level, component in enumerate(levels.components, 1)
        if component.recurrent and component.members[0] not in reduced
    }


def in_loops(body: Body, levels: Levels) -> set[Op]:
    """All operations that must run step by step."""
    return {op for ops in loops_of(body, levels).values() for op in ops}


def needed_at_level(body: Body, level: int, wanted: Iterable[Value], levels: Levels) -> list[Op]:
    """The operations of a level that the values ``wanted`` need."""
    needed = set(wanted)
    kept = []
    for op in reversed(body.ops):
        if levels.of(op.out) == level and any(v in needed for v in op.outputs):
            needed.update(op.inputs)
            kept.append(op)
    return kept[::-1]
