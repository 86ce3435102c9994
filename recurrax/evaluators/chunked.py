"""The driver over time: chunks of time, and in each of them bulk work and short loops."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jax import lax

from recurrax.evaluators import EVALUATORS
from recurrax.evaluators.chunk import Chunk
from recurrax.evaluators.chunk_length import default_chunk
from recurrax.evaluators.contract import Arrays, Context, Evaluator, choose
from recurrax.evaluators.window import Window, zeros
from recurrax.program.ir import Value, evaluate
from recurrax.program.plan import Plan
from recurrax.program.schedule import plan_of
from recurrax.program.step import Operands, Policy, Step, with_time

State = tuple[Arrays, Arrays, list[Arrays]]  # carry, outputs, buffers of the loops


def run(*operands: Any, step: Step, policy: Policy, jaxpr: Any, platform: str) -> Arrays:
    """Evaluates a recurrence: ``(*consts, *carry, *edges, *lagged, *xs) -> (*carry, *ys)``."""
    del jaxpr  # the step, for tools
    return Run(step, policy, platform, step.operands(operands)).run()


@dataclass(frozen=True)
class Run:
    """One evaluation of a recurrence."""

    step: Step
    policy: Policy
    platform: str
    operands: Operands

    @cached_property
    def plan(self) -> Plan:
        return plan_of(self.step.body)

    @cached_property
    def evaluators(self) -> list[Evaluator]:
        """The evaluator of every loop."""
        context = Context(self.platform, self.step.length, self.policy)
        return [choose(EVALUATORS, loop, context) for loop in self.plan.loops]

    @cached_property
    def known(self) -> dict[Value, Any]:
        """Everything that is the same at every step; constant entries of the carry are, too."""
        plan, inputs = self.plan, self.plan.body.inputs
        known = dict(zip(inputs.consts, self.operands.consts, strict=True))
        known.update((inputs.carry[i], self.operands.carry[i]) for i in plan.levels.constant)
        evaluate(plan.invariant, known)
        return known

    @property
    def chunk(self) -> int:
        return chunk_length(self.plan, self.step, self.policy, self.evaluators)

    def run(self) -> Arrays:
        step, chunk = self.step, self.chunk
        whole, rest = divmod(step.length, chunk)
        self.known  # noqa: B018  (computed here, outside of the loop over chunks)
        carry: Arrays = list(self.operands.carry)
        ys = [
            zeros(with_time(y.shape, axis, step.length), y.dtype)
            for y, axis in zip(step.body.ys, step.y_axes, strict=True)
        ]
        if whole == 1:
            start = rest if step.reverse else 0
            carry, ys, _ = self.piece(start, chunk, (carry, ys, self.buffers(chunk)))
        elif whole > 1:

            def body(i: Any, state: State) -> State:
                start = step.length - (i + 1) * chunk if step.reverse else i * chunk
                return self.piece(start, chunk, state)

            state = carry, ys, self.buffers(chunk)
            carry, ys, _ = lax.fori_loop(0, whole, body, state)
        if rest:
            start = 0 if step.reverse else step.length - rest
            carry, ys, _ = self.piece(start, rest, (carry, ys, self.buffers(rest)))
        return [*carry, *ys]

    def buffers(self, steps: int) -> list[Arrays]:
        """Arrays into which the loops of a chunk write; all chunks share them."""
        return [
            [zeros((steps, *v.shape), v.dtype) for v in loop.live_out] for loop in self.plan.loops
        ]

    def piece(self, start: Any, steps: int, state: State) -> State:
        """The steps from ``start`` on: their outputs are written into those of the whole run."""
        step, plan = self.step, self.plan
        carry, ys, buffers = state
        window = Window(step, start, steps)
        chunk = Chunk(
            plan,
            reverse=step.reverse,
            steps=steps,
            known=self.known,
            carry=carry,
        )
        inputs = plan.body.inputs
        for value, x, axis in zip(inputs.xs, self.operands.xs, step.x_axes, strict=True):
            chunk.sequences[value] = window.read(x, axis)
        lagged = zip(inputs.lagged, self.operands.edges, self.operands.lagged, strict=True)
        layout = zip(step.lagged_axes, step.lags, strict=True)
        for (value, edge, array), (axis, lag) in zip(lagged, layout, strict=True):
            chunk.sequences[value] = window.read_lagged(edge, array, axis, lag)
        stored: list[Arrays] = []
        for phase in plan.phases:
            chunk.run_bulk(phase.bulk)
            if phase.loop is not None:
                n = len(stored)
                stored.append(
                    chunk.run_loop(phase.loop, self.evaluators[n], buffers[n], self.policy.unroll)
                )
        carry, new = chunk.finish()
        ys = [window.write(y, n, axis) for y, n, axis in zip(ys, new, step.y_axes, strict=True)]
        return carry, ys, stored


def chunk_length(plan: Plan, step: Step, policy: Policy, evaluators: list[Evaluator]) -> int:
    """The steps that are taken at once."""
    at_once = bool(evaluators) and all(e.whole_run for e in evaluators)
    size = step.length if at_once else default_chunk(plan, step)
    return min(policy.chunk or size, max(step.length, 1))
