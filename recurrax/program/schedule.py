"""From a step to its plan: the passes, and then an order in which the work can run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from recurrax.program import builders
from recurrax.program.ir import Body, Constant, Op, Uses, Value, ordered
from recurrax.program.levels import (
    CARRY_FREE,
    INVARIANT,
    Levels,
    levels_of,
    loops_of,
    reduced_entries,
)
from recurrax.program.passes import PASSES, Pass, optimize
from recurrax.program.passes.dead_code import needed_ops
from recurrax.program.plan import Loop, Phase, Plan, stages_of
from recurrax.program.primitives import CONCATENATE
from recurrax.program.reductions import Summation


def plan_of(body: Body) -> Plan:
    """The plan of a step, by the passes that are in the list now."""
    return cached_plan(body, tuple(PASSES))


@lru_cache(maxsize=4096)
def cached_plan(body: Body, passes: tuple[Pass, ...]) -> Plan:
    return schedule(optimize(body, passes))


def schedule(body: Body) -> Plan:
    """The plan of a body whose passes have run."""
    dependence = Dependence.of(body)
    bulk = dependence.bulk()
    phases = list(arranged(dependence, bulk))
    phases, sliced = sliced_from_live_out(phases)
    return Plan(
        body=body,
        levels=dependence.levels,
        invariant=tuple(op for op in body.ops if dependence.levels.of(op.out) == INVARIANT),
        phases=tuple(phases),
        reductions=dependence.reductions,
        delays=dependence.delays,
        summation=replace(
            dependence.summation,
            producer={**dependence.summation.producer, **sliced},
            looped=dependence.summation.looped - sliced.keys(),
        ),
    )


@dataclass(frozen=True)
class Dependence:
    """What is known about a body before its work is put in order."""

    body: Body
    levels: Levels
    loops: Mapping[int, list[Op]]  # the operations of every loop, by the level of its component
    reductions: dict[int, Value]
    delays: tuple[int, ...]
    summation: Summation

    @classmethod
    def of(cls, body: Body) -> "Dependence":
        levels = levels_of(body)
        loops = loops_of(body, levels)
        looped = {value for ops in loops.values() for op in ops for value in op.outputs}
        return cls(
            body,
            levels,
            loops,
            reduced_entries(body, levels),
            tuple(c.members[0] for c in levels.components if not c.recurrent),
            Summation(Uses.of(body.ops).producer, levels, looped),
        )

    def bulk(self) -> list[Op]:
        """The operations that run for many steps at once, in order.

        What only a reduction reads is left out: a weight gradient is never formed step by step.
        """
        inside = {op for ops in self.loops.values() for op in ops}
        producer = self.summation.producer
        adding = {producer[self.body.new_carry[i]] for i in self.reductions}
        ops = [
            op
            for op in self.body.ops
            if self.levels.is_sequence(op.out) and op not in inside and op not in adding
        ]
        return needed_ops(ops, [*self.read_at_the_end(), *inputs_of(inside)])

    def read_at_the_end(self) -> list[Value]:
        """What is read of the run as sequences, besides what loops and bulk work read."""
        values = list(self.body.ys)
        for value in self.reductions.values():
            values += self.summation.leaves(value)
        return values + [self.body.new_carry[i] for i in self.delays]


def inputs_of(ops: Iterable[Op]) -> list[Value]:
    return [value for op in ops for value in op.inputs]


def arranged(dependence: Dependence, bulk: list[Op]) -> Iterable[Phase]:
    """Bulk work and loops, in the order in which they can run.

    A delayed entry has no loop, but its value before each step is a sequence that only bulk work in
    a later phase can read.
    """
    levels = dependence.levels
    last = 0
    for level, component in enumerate(levels.components, 1):
        delayed = component.members[0] in dependence.delays
        if delayed or level in dependence.loops:
            early = tuple(op for op in bulk if last <= levels.of(op.out) < level)
            loop = loop_at(dependence, bulk, level) if level in dependence.loops else None
            yield Phase(early, loop)
            last = level
    yield Phase(tuple(op for op in bulk if levels.of(op.out) >= last), None)


def loop_at(dependence: Dependence, bulk: list[Op], level: int) -> Loop:
    """The loop of the component of a level."""
    body, levels = dependence.body, dependence.levels
    members, ops = levels.components[level - 1].members, dependence.loops[level]
    live_in = [
        value
        for value in ordered(inputs_of(ops))
        if not isinstance(value, Constant) and CARRY_FREE <= levels.of(value) < level
    ]
    later = [op for n, ops in dependence.loops.items() if n > level for op in ops]
    readers = {*inputs_of(bulk), *inputs_of(later), *dependence.read_at_the_end()}
    return Loop(
        members=members,
        carry=tuple(body.inputs.carry[i] for i in members),
        live_in=tuple(live_in),
        stages=stages_of(ops),
        new_carry=tuple(body.new_carry[i] for i in members),
        live_out=tuple(stored(body, members, ops, readers)),
    )


def stored(body: Body, members: tuple[int, ...], ops: list[Op], readers: set[Value]) -> list[Value]:
    """What a loop stores: the carry before a step is read from the carry after the step before."""
    after = {body.inputs.carry[i]: body.new_carry[i] for i in members}
    produced = [value for op in ops for value in op.outputs]
    wanted = []
    for value in (*produced, *after):
        if value in readers:
            for _ in members:  # an entry may pass through several others before it is computed
                value = after.get(value, value)
            wanted.append(value)
    position = {value: i for i, value in enumerate(produced)}
    return sorted(ordered(wanted), key=lambda v: position.get(v, -1))


def sliced_from_live_out(phases: list[Phase]) -> tuple[list[Phase], dict[Value, Op]]:
    """A value that a stored concatenation contains is sliced from it instead of stored twice."""
    result: list[Phase] = []
    sliced: dict[Value, Op] = {}
    before: list[Op] = []  # slices of what the loop before has stored
    for phase in phases:
        bulk, before = (*before, *phase.bulk), []
        loop = phase.loop
        if loop is not None:
            before = slices(loop)
            gone = {op.out for op in before}
            sliced.update((op.out, op) for op in before)
            live_out = tuple(v for v in loop.live_out if v not in gone)
            loop = replace(loop, live_out=live_out)
        result.append(Phase(bulk, loop))
    return result, sliced


def slices(loop: Loop) -> list[Op]:
    """Operations that slice stored values from stored concatenations of them."""
    left = [v for v in loop.live_out if v not in loop.new_carry]
    found: list[Op] = []
    for op in loop.ops:
        if op.name != CONCATENATE or op.out not in loop.live_out:
            continue
        start, axis = 0, op.params["dimension"]
        for value in op.inputs:
            if value in left:
                left.remove(value)
                found.append(builders.slice_op(op.out, axis, start, value))
            start += value.shape[axis]
    return found
