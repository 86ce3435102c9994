"""What an evaluator is: a way to run a loop over time.

An evaluator says whether it can run a loop, and runs it. The driver over time
(:mod:`recurrax.evaluators.chunked`) asks the evaluators in the order of
``recurrax.evaluators.EVALUATORS`` and takes the first one that can. ``docs/extending.md`` adds one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax

from recurrax.program.ir import Value
from recurrax.program.plan import Loop
from recurrax.program.step import Policy, Step

Arrays = list[Any]


class Context(NamedTuple):
    """What an evaluator may want to know besides the loop."""

    platform: str  # "cpu", or the name of an accelerator
    length: int  # steps of the whole run
    policy: Policy  # what the user asked for


@dataclass(frozen=True)
class LoopInputs:
    """The arrays that a loop runs on."""

    known: dict[Value, Any]  # invariants: the same at every step
    carry: Arrays  # before the first step, in the order of ``loop.carry``
    entries: Arrays  # time leading, in the order of ``loop.live_in``
    steps: int  # of this chunk of time
    reverse: bool
    buffers: Arrays  # arrays (steps, *shape) into which ``loop.live_out`` may be written
    unroll: int  # steps per iteration; 0 for all of them


class Evaluator(NamedTuple):
    """A way to run a loop.

    ``can_run(loop, context)`` returns ``None``, or the reason why this evaluator does not run the
    loop: a clause that reads on after "because". ``run(loop, inputs)`` returns the carry after the
    last step and ``loop.live_out`` with time leading. ``whole_run``: it takes all steps at once
    rather than chunk by chunk.
    """

    name: str
    can_run: Callable[[Loop, Context], str | None]
    run: Callable[[Loop, LoopInputs], tuple[Arrays, Arrays]]
    whole_run: bool = False


def context_here(step: Step, policy: Policy) -> Context:
    """The context of a run on JAX's default backend."""
    return Context(jax.default_backend(), step.length, policy)


def choose(evaluators: Sequence[Evaluator], loop: Loop, context: Context) -> Evaluator:
    """The first evaluator that can run a loop."""
    return next(e for e in evaluators if e.can_run(loop, context) is None)


def reasons(evaluators: Sequence[Evaluator], loop: Loop, context: Context) -> dict[str, str | None]:
    """What every evaluator says of a loop."""
    return {e.name: e.can_run(loop, context) for e in evaluators}
