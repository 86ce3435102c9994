"""Which value depends on which part of the carry: the strongly connected parts, in order.

Every value has a *rank*: ``INVARIANT`` if parameters alone determine it, ``PRELUDE`` (0) if it
needs the inputs of its step but no carry, and otherwise the number of the last strongly connected
part of the carry that it depends on, counted from 1 in the order in which they can run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from recurrax.program.ir import Constant, Op, Value

INVARIANT = -1
PRELUDE = 0


@dataclass(frozen=True)
class Parts:
    """The carry's components, grouped: a part needs itself and parts before it, none after."""

    groups: list[list[int]]  # groups[k - 1]: indices of the carry in part k
    recurrent: list[bool]  # whether part k feeds back on itself
    constant: list[int]  # components that every step returns as it took them

    def rank_of(self, component: int) -> int:
        if component in self.constant:
            return INVARIANT
        return next(k for k, group in enumerate(self.groups, 1) if component in group)


def parts_of_carry(carry: Sequence[Value], ops: Sequence[Op], new: Sequence[Value]) -> Parts:
    """Groups the components of the carry by how they depend on one another."""
    constant = [i for i, (old, out) in enumerate(zip(carry, new, strict=True)) if old is out]
    reach: dict[Value, int] = {
        value: 1 << i for i, value in enumerate(carry) if i not in constant
    }  # bit i: depends on component i
    for op in ops:
        mask = 0
        for value in op.inputs:
            mask |= reach.get(value, 0)
        for value in op.outputs:
            reach[value] = mask
    variable = [i for i in range(len(carry)) if i not in constant]
    needs = {i: {j for j in variable if reach.get(new[i], 0) >> j & 1} for i in variable}
    groups = strongly_connected(needs)
    recurrent = [len(group) > 1 or group[0] in needs[group[0]] for group in groups]
    return Parts(groups, recurrent, constant)


def strongly_connected(needs: dict[int, set[int]]) -> list[list[int]]:
    """Tarjan's algorithm: the components, each after those that it needs."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    found: list[list[int]] = []

    def visit(node: int) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(needs[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            cut = stack.index(node)
            found.append(sorted(stack[cut:]))
            del stack[cut:]

    for node in sorted(needs):
        if node not in index:
            visit(node)
    return found


class Ranks(dict[Value, int]):
    """The rank of every value of a step."""

    def of(self, value: Value) -> int:
        return INVARIANT if isinstance(value, Constant) else self[value]

    def add(self, op: Op) -> None:
        rank = max((self.of(value) for value in op.inputs), default=INVARIANT)
        for value in op.outputs:
            self[value] = rank


def ranks_of(
    consts: Sequence[Value],
    carry: Sequence[Value],
    xs: Sequence[Value],
    ops: Sequence[Op],
    parts: Parts,
) -> Ranks:
    ranks = Ranks()
    ranks.update(dict.fromkeys(consts, INVARIANT))
    ranks.update(dict.fromkeys(xs, PRELUDE))
    ranks.update({value: parts.rank_of(i) for i, value in enumerate(carry)})
    for op in ops:
        ranks.add(op)
    return ranks
