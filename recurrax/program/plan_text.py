"""A plan as text, for people: one line per operation, in the order in which they run."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from recurrax.program.text import Namer, op_lines

# The plan prints itself with these functions.
Plan: TypeAlias = Any
Loop: TypeAlias = Any


def plan_text(plan: Plan) -> str:
    namer = Namer(plan.body.inputs.flat)
    lines = []
    for part, values in zip(plan.body.inputs._fields, plan.body.inputs, strict=True):
        if values:
            lines.append(f"{part}: {', '.join(map(namer.typed, values))}")
    lines += section("invariant (once)", plan.invariant, namer)
    for i, phase in enumerate(plan.phases):
        last = i == len(plan.phases) - 1
        title = "epilogue" if last and plan.loops else "prelude"
        lines += section(f"{title} (many steps at once)", phase.bulk, namer)
        if phase.loop is not None:
            lines += loop_lines(phase.loop, namer)
    for i in plan.delays:
        value = namer.of(plan.body.new_carry[i])
        lines.append(f"lagged: {plan.body.inputs.carry[i].name} is {value} of the step before")
    if plan.reductions:
        listed = {op for phase in plan.phases for op in (*phase.bulk, *loop_ops(phase.loop))}
        rest = [op for op in plan.body.ops if op not in listed and op not in plan.invariant]
        last = {plan.body.new_carry[i] for i in plan.reductions}
        rest = [op for op in rest if op.out not in last]
        lines += section("reductions (sums over time)", rest, namer) or ["reductions"]
        for i, value in plan.reductions.items():
            lines.append(f"  {plan.body.inputs.carry[i].name} += {namer.of(value)}")
    if plan.body.ys:
        lines.append(f"outputs: {', '.join(map(namer.of, plan.body.ys))}")
    return "\n".join(lines)


def loop_ops(loop: Loop | None) -> Sequence[Any]:
    return () if loop is None else loop.ops


def section(title: str, ops: Any, namer: Namer) -> list[str]:
    return [title, *op_lines(ops, namer, "  ")] if ops else []


def loop_lines(loop: Loop, namer: Namer) -> list[str]:
    """The loop with its stages, what it reads at every step and what it stores."""
    namer.add_ops(loop.ops)
    lines = [f"loop over {', '.join(map(namer.of, loop.carry))}"]
    if loop.live_in:
        lines.append(f"  reads {', '.join(map(namer.of, loop.live_in))}")
    for stage in loop.stages:
        lines += [f"  {stage.kind}", *op_lines(stage.ops, namer, "    ")]
    lines.append(f"  new carry {', '.join(map(namer.of, loop.new_carry))}")
    if loop.live_out:
        lines.append(f"  stores {', '.join(map(namer.of, loop.live_out))}")
    return lines
