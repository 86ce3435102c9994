"""A chunk of time: bulk work and loops in turn."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from recurrax.evaluators.contract import Arrays, Evaluator, LoopInputs
from recurrax.evaluators.window import shifted
from recurrax.program.ir import Constant, Op, Value, evaluate, ordered
from recurrax.program.plan import Loop, Plan
from recurrax.program.primitives import runs_step_by_step
from recurrax.program.reductions import SumOverTime


def at_once(one_step: Callable[[Arrays], Arrays], entries: Arrays) -> Arrays:
    return jax.vmap(one_step)(entries)


class Chunk:
    """``steps`` steps of a run; all sequences have time as their first axis."""

    def __init__(
        self,
        plan: Plan,
        *,
        reverse: bool,
        steps: int,
        known: dict[Value, Any],
        carry: Arrays,
    ) -> None:
        self.plan, self.reverse, self.steps, self.known = plan, reverse, steps, known
        self.start = list(carry)  # before the first step
        self.end = list(carry)  # after the last one
        self.sequences: dict[Value, Any] = {}

    def read(self, value: Value) -> Any:
        """A value: with time for a sequence, without for an invariant."""
        if isinstance(value, Constant):
            return value.value
        return self.sequence(value) if self.plan.is_sequence(value) else self.known[value]

    def sequence(self, value: Value) -> Any:
        """A value at every step of the chunk."""
        carry = self.plan.body.inputs.carry
        if value not in self.sequences and value in carry:
            i = carry.index(value)  # the carry before a step is the one after the step before
            after = self.at_every_step(self.plan.body.new_carry[i])
            self.sequences[value] = shifted(self.start[i], after, self.reverse)
        return self.sequences[value]

    def at_every_step(self, value: Value) -> Any:
        array = self.read(value)
        if self.plan.is_sequence(value):
            return array
        return jnp.broadcast_to(array, (self.steps, *value.shape))

    def run_bulk(self, ops: Sequence[Op]) -> None:
        """Runs operations for all steps at once, but for those that have to run step by step."""
        for one_by_one, group in groupby(ops, runs_step_by_step):
            self.run_many(tuple(group), lax.map if one_by_one else at_once)

    def run_many(self, ops: Sequence[Op], over_time: Callable[..., Any]) -> None:
        """Runs operations for all steps; ``over_time(f, entries)`` maps a function over them."""
        outputs = [value for op in ops for value in op.outputs]
        produced = set(outputs)
        needed = ordered(v for op in ops for v in op.inputs if v not in produced)
        moving = [v for v in needed if self.plan.is_sequence(v)]
        fixed = {v: self.read(v) for v in needed if not self.plan.is_sequence(v)}

        def one_step(entries: Arrays) -> Arrays:
            env = {**fixed, **dict(zip(moving, entries, strict=True))}
            evaluate(ops, env)
            return [env[value] for value in outputs]

        results = over_time(one_step, [self.read(v) for v in moving])
        self.sequences.update(zip(outputs, results, strict=True))

    def run_loop(self, loop: Loop, evaluator: Evaluator, buffers: Arrays, unroll: int) -> Arrays:
        """Runs a loop, and returns what it has stored."""
        inputs = LoopInputs(
            known=self.known,
            carry=[self.end[i] for i in loop.members],
            entries=[self.read(v) for v in loop.live_in],
            steps=self.steps,
            reverse=self.reverse,
            buffers=buffers,
            unroll=unroll,
        )
        ends, stored = evaluator.run(loop, inputs)
        # XLA would split an array that later chunks write into where a concatenation reads it.
        stored = lax.optimization_barrier(stored)
        self.sequences.update(zip(loop.live_out, stored, strict=True))
        for i, end in zip(loop.members, ends, strict=True):
            self.end[i] = end
        return stored

    def finish(self) -> tuple[Arrays, Arrays]:
        """The carry after the chunk, and the outputs of its steps."""
        new_carry = self.plan.body.new_carry
        for i in self.plan.delays:
            self.end[i] = self.at_every_step(new_carry[i])[0 if self.reverse else -1]
        total = SumOverTime(self.plan.summation, self.read, self.steps, {})
        for i, value in self.plan.reductions.items():
            self.end[i] = self.end[i] + total(value)
        return self.end, [self.at_every_step(y) for y in self.plan.body.ys]
