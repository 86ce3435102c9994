"""The plan of a step: what runs once, what runs for many steps at once, what runs in a loop."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from recurrax.program.contractions import is_contraction
from recurrax.program.ir import Body, Op, Value, evaluate
from recurrax.program.levels import Levels
from recurrax.program.linearity import Linearity, linearity_of
from recurrax.program.plan_text import plan_text
from recurrax.program.reductions import Summation


class Stage(NamedTuple):
    """Operations of a loop that can run together: contractions, or all others between them."""

    kind: str  # "matmul" or "pointwise"
    ops: tuple[Op, ...]


@dataclass(frozen=True, eq=False)
class Loop:
    """One strongly connected component of the carry, and what runs step by step for it."""

    members: tuple[int, ...]  # positions in the carry
    carry: tuple[Value, ...]
    live_in: tuple[Value, ...]  # one entry per step, computed in bulk before the loop
    stages: tuple[Stage, ...]  # in order; matmul stages depend on one another
    new_carry: tuple[Value, ...]
    live_out: tuple[Value, ...]  # stored at every step, because something after the loop reads it

    @property
    def ops(self) -> tuple[Op, ...]:
        return tuple(op for stage in self.stages for op in stage.ops)

    @cached_property
    def linearity(self) -> Linearity:
        return linearity_of(self.ops, self.carry)

    def step(self, env: dict[Value, Any]) -> None:
        """One step: adds its results to ``env``, which has invariants, carry and live-in values."""
        evaluate(self.ops, env)


@dataclass(frozen=True, eq=False)
class Phase:
    """Work for many steps at once, and then a loop (the last phase has none)."""

    bulk: tuple[Op, ...]
    loop: Loop | None


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that the evaluators need to know about a step."""

    body: Body  # after all passes
    levels: Levels
    invariant: tuple[Op, ...]  # run once
    phases: tuple[Phase, ...]  # the bulk of the first is the prelude, that of the last the epilogue
    reductions: dict[int, Value]  # entries of the carry that only add up a value
    delays: tuple[int, ...]  # entries that only hand a value to the next step
    summation: Summation

    @property
    def loops(self) -> list[Loop]:
        return [phase.loop for phase in self.phases if phase.loop is not None]

    def is_sequence(self, value: Value) -> bool:
        return self.levels.is_sequence(value)

    def __str__(self) -> str:
        return plan_text(self)


def stages_of(ops: Sequence[Op]) -> tuple[Stage, ...]:
    """Operations grouped by how many contractions must run before them."""
    depth: dict[Value, int] = {}
    groups: dict[tuple[int, bool], list[Op]] = {}
    for op in ops:
        pointwise = not is_contraction(op)
        level = max((depth.get(v, 0) for v in op.inputs), default=0) + (not pointwise)
        depth.update(dict.fromkeys(op.outputs, level))
        groups.setdefault((level, pointwise), []).append(op)
    return tuple(
        Stage("pointwise" if pointwise else "matmul", tuple(group))
        for (_, pointwise), group in sorted(groups.items(), key=lambda item: item[0])
    )
