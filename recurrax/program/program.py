"""A step, understood: what runs once, what runs for many steps at once, what must run in a loop."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from recurrax.program import make
from recurrax.program.convolutions import in_natural_order
from recurrax.program.dependence import (
    INVARIANT,
    PRELUDE,
    Parts,
    Ranks,
    parts_of_carry,
    ranks_of,
)
from recurrax.program.fuse import fused_over_shared_operand, fused_sums, straightened
from recurrax.program.ir import Body, Constant, Op, Uses, Value, flatten
from recurrax.program.linear import Kind, kind_of
from recurrax.program.products import PRODUCTS
from recurrax.program.regroup import FACTORS, SUMS, factored, regrouped
from recurrax.program.simplify import simplified
from recurrax.program.step import Step
from recurrax.program.sums import leaves_of_sum


@dataclass
class Loop:
    """One strongly connected part of the carry, and what must run step by step for it."""

    components: list[int]  # of the carry
    ops: list[Op]
    inputs: list[Value]  # one entry per step, made in bulk before
    exports: list[Value]  # kept for every step, because something after the loop reads them


@dataclass
class Phase:
    """Work for many steps at once, and then a loop (the last phase has none)."""

    bulk: list[Op]
    loop: Loop | None


@dataclass
class Program:
    """The plan of a step."""

    consts: list[Value]
    carry: list[Value]
    past: list[Value]
    xs: list[Value]
    new_carry: list[Value]
    ys: list[Value]
    parts: Parts
    ranks: Ranks
    invariant: list[Op]
    phases: list[Phase]
    sums: dict[int, Value]  # components that only add up a value over time
    delays: list[int]  # components that only hand a value to the next step
    maker: dict[Value, Op] = field(default_factory=dict)
    looped: set[Value] = field(default_factory=set)  # what loops make

    def is_sequence(self, value: Value) -> bool:
        return self.ranks.of(value) > INVARIANT

    @property
    def loops(self) -> list[Loop]:
        return [phase.loop for phase in self.phases if phase.loop is not None]

    def kind_of(self, loop: Loop) -> Kind:
        """Whether a loop is linear and diagonal in its carry."""
        return kind_of(loop.ops, [self.carry[i] for i in loop.components])


@lru_cache(maxsize=4096)
def program_of(step: Step) -> Program:
    """Analyses a step."""
    return build(flatten(step.jaxpr), step)


def build(body: Body, step: Step) -> Program:
    body = simplified(in_natural_order(body))
    consts, carry, past, xs = step.split(body.inputs)
    new = body.outputs[: step.carry]
    parts = parts_of_carry(carry, body.ops, new)

    def ranked(ops: Sequence[Op]) -> Ranks:
        return ranks_of(consts, carry, [*past, *xs], ops, parts)

    def inside_loops(body: Body, ranks: Ranks) -> set[Op]:
        new = body.outputs[: step.carry]
        loops = loops_of(parts, carry, new, body.ops, body.outputs, ranks)
        return {op for ops in loops.values() for op in ops}

    ranks = ranked(body.ops)
    ops = regrouped(body.ops, body.outputs, ranks, SUMS, make.add)
    if step.derived:
        ops = regrouped(ops, body.outputs, ranks, FACTORS, make.mul)
        ops = factored(Body(body.inputs, ops, body.outputs), ranks)
        ops = regrouped(ops, body.outputs, ranks, FACTORS, make.mul)
    body = fused(Body(body.inputs, ops, body.outputs), ranked, inside_loops)
    new, ys = body.outputs[: step.carry], body.outputs[step.carry :]
    ranks = ranked(body.ops)
    uses = Uses.of(body.ops, body.outputs)

    sums = sums_of(parts, carry, new, uses)
    delays = [
        group[0]
        for group, recurrent in zip(parts.groups, parts.recurrent, strict=True)
        if not recurrent
    ]
    invariant = [op for op in body.ops if ranks.of(op.out) == INVARIANT]
    loops = loops_of(parts, carry, new, body.ops, body.outputs, ranks)
    in_loop = {op for ops in loops.values() for op in ops}
    summing = {uses.maker[new[i]] for i in sums}
    bulk = [
        op
        for op in body.ops
        if ranks.of(op.out) > INVARIANT and op not in in_loop and op not in summing
    ]
    program = Program(
        consts, carry, past, xs, new, ys, parts, ranks, invariant, [], sums, delays, uses.maker
    )
    program.looped.update(value for op in in_loop for value in op.outputs)
    bulk = needed_in_bulk(program, bulk, loops)
    arrange(program, bulk, loops)
    return program


def fused(
    body: Body,
    ranked: Callable[[Sequence[Op]], Ranks],
    inside_loops: Callable[[Body, Ranks], set[Op]],
) -> Body:
    """The body with as few products as there can be, in loops first and then at all.

    ``x A + h B`` and ``x C + h D`` are ``[x h] [A C; B D]`` if sums are fused first; where not all
    gates have both terms it can be better to begin with shared operands, ``x [A C ...]``.
    """

    def over_shared_operands(body: Body) -> Body:
        ranks = ranked(body.ops)
        ops = fused_over_shared_operand(body, ranks, inside_loops(body, ranks))
        return simplified(Body(body.inputs, invariant_first(ops, ranks), body.outputs))

    def sums(body: Body) -> Body:
        ops = fused_sums(body, ranked(body.ops))
        return simplified(Body(body.inputs, ops, body.outputs))

    def products(body: Body) -> tuple[int, int]:
        found = {op for op in body.ops if op.name in PRODUCTS}
        return len(found & inside_loops(body, ranked(body.ops))), len(found)

    body = simplified(Body(body.inputs, invariant_first(body.ops, ranked(body.ops)), body.outputs))
    results = [
        over_shared_operands(over_shared_operands(sums(body.copy()))),
        over_shared_operands(sums(over_shared_operands(body.copy()))),
    ]
    body = min(results, key=products)
    ranks = ranked(body.ops)
    ops = straightened(body.ops, ranks, inside_loops(body, ranks))
    return simplified(Body(body.inputs, ops, body.outputs))


def invariant_first(ops: Sequence[Op], ranks: Ranks) -> list[Op]:
    """What depends on parameters alone comes first; the order is otherwise kept."""
    return sorted(ops, key=lambda op: ranks.of(op.out) != INVARIANT)


def sums_of(
    parts: Parts, carry: Sequence[Value], new: Sequence[Value], uses: Uses
) -> dict[int, Value]:
    """The components that only add up a value, with that value."""
    return {
        group[0]: found
        for group in parts.groups
        if len(group) == 1 and (found := summand(carry[group[0]], new[group[0]], uses)) is not None
    }


def loops_of(
    parts: Parts,
    carry: Sequence[Value],
    new: Sequence[Value],
    ops: Sequence[Op],
    outputs: Sequence[Value],
    ranks: Ranks,
) -> dict[int, list[Op]]:
    """For every part that needs a loop, by rank: the operations that must be in it."""
    sums = sums_of(parts, carry, new, Uses.of(ops, outputs))
    return {
        rank: slice_of(rank, [new[i] for i in group], ops, ranks)
        for rank, (group, recurrent) in enumerate(
            zip(parts.groups, parts.recurrent, strict=True), 1
        )
        if recurrent and group[0] not in sums
    }


def summand(old: Value, new: Value, uses: Uses) -> Value | None:
    """``u`` if the component is ``old + u`` and is read for nothing else."""
    op = uses.maker.get(new)
    if op is None or op.name not in SUMS or not uses.single(old) or not uses.single(new):
        return None
    a, b = op.inputs
    return b if a is old else a if b is old else None


def slice_of(rank: int, wanted: Sequence[Value], ops: Sequence[Op], ranks: Ranks) -> list[Op]:
    """The operations of a rank that the values ``wanted`` need."""
    needed = set(wanted)
    kept = []
    for op in reversed(ops):
        if ranks.of(op.out) == rank and any(value in needed for value in op.outputs):
            needed.update(op.inputs)
            kept.append(op)
    return kept[::-1]


def needed_in_bulk(program: Program, bulk: list[Op], loops: dict[int, list[Op]]) -> list[Op]:
    """Leaves out what is only ever summed over time by a product's own contraction."""
    needed = set(program.ys)
    for value in program.sums.values():
        needed.update(leaves_of_sum(value, program))
    needed.update(program.new_carry[i] for i in program.delays)
    for ops in loops.values():
        needed.update(value for op in ops for value in op.inputs)
    kept = []
    for op in reversed(bulk):
        if any(value in needed for value in op.outputs):
            needed.update(op.inputs)
            kept.append(op)
    return kept[::-1]


def arrange(program: Program, bulk: list[Op], loops: dict[int, list[Op]]) -> None:
    """Puts bulk work and loops in the order in which they can run."""
    ranks = program.ranks
    read_in_bulk = {value for op in bulk for value in op.inputs} | set(program.ys)
    for value in program.sums.values():
        read_in_bulk.update(leaves_of_sum(value, program))
    read_in_bulk.update(program.new_carry[i] for i in program.delays)
    read_by_loop = {
        rank: ordered(value for op in ops for value in op.inputs) for rank, ops in loops.items()
    }
    # A component that the next step only receives has no loop, but its value before each step is
    # a sequence that only bulk work in a later phase can read.
    last = 0
    for rank, group in enumerate(program.parts.groups, 1):
        if group[0] in program.delays:
            early = [op for op in bulk if last <= ranks.of(op.out) < rank]
            program.phases.append(Phase(early, None))
            last = rank
        if rank not in loops:
            continue
        ops = loops[rank]
        inputs = [
            value
            for value in read_by_loop[rank]
            if not isinstance(value, Constant) and PRELUDE <= ranks.of(value) < rank
        ]
        made = {value for op in ops for value in op.outputs}
        made.update(program.carry[i] for i in group)
        readers = set(read_in_bulk)
        for later, values in read_by_loop.items():
            if later > rank:
                readers.update(values)
        exports = exported(program, group, ops, ordered(v for v in made if v in readers))
        program.phases.append(
            Phase(
                [op for op in bulk if last <= ranks.of(op.out) < rank],
                Loop(group, ops, inputs, exports),
            )
        )
        last = rank
    program.phases.append(Phase([op for op in bulk if ranks.of(op.out) >= last], None))
    cut_from_exports(program)


def exported(program: Program, group: list[int], ops: list[Op], wanted: list[Value]) -> list[Value]:
    """What a loop must keep: a carry before a step is read from the carry after the one before."""
    after = {program.carry[i]: program.new_carry[i] for i in group}
    exports = []
    for value in wanted:
        for _ in group:  # components may hand their values round before one is computed
            value = after.get(value, value)
        exports.append(value)
    order = {value: i for i, value in enumerate(v for op in ops for v in op.outputs)}
    return sorted(ordered(exports), key=lambda v: order.get(v, -1))


def cut_from_exports(program: Program) -> None:
    """A value that an exported concatenation contains is cut from it instead of kept twice."""
    pieces: list[Op] = []
    for phase in program.phases:
        phase.bulk[:0] = pieces
        pieces = []
        if phase.loop is None:
            continue
        kept = list(phase.loop.exports)
        ends = [program.new_carry[i] for i in phase.loop.components]
        for op in phase.loop.ops:
            if op.name != "concatenate" or op.out not in phase.loop.exports:
                continue
            start, axis = 0, op.params["dimension"]
            for value in op.inputs:
                if value in kept and value not in ends:
                    kept.remove(value)
                    piece = make.cut(op.out, axis, start, value)
                    pieces.append(piece)
                    program.maker[value] = piece
                    program.looped.discard(value)
                start += value.shape[axis]
        phase.loop.exports = kept


def ordered(values: Iterable[Value]) -> list[Value]:
    """Each value once, in order of first appearance."""
    return list(dict.fromkeys(values))
