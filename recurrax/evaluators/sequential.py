"""A loop step by step: ``jax.lax.fori_loop`` over the operations that must be in it."""

from typing import Any

from jax import lax

from recurrax.evaluators.contract import Arrays, Context, Evaluator, LoopInputs
from recurrax.evaluators.window import entry, written_at
from recurrax.program.plan import Loop


def can_run(loop: Loop, context: Context) -> None:
    """Every loop can run step by step."""
    return


def run(loop: Loop, inputs: LoopInputs) -> tuple[Arrays, Arrays]:
    """Runs the loop; what it stores is written into the buffers."""

    def body(i: Any, state: tuple[Arrays, Arrays]) -> tuple[Arrays, Arrays]:
        now, stored = state
        t = inputs.steps - 1 - i if inputs.reverse else i
        env = {**inputs.known, **dict(zip(loop.carry, now, strict=True))}
        env.update((v, entry(e, t)) for v, e in zip(loop.live_in, inputs.entries, strict=True))
        loop.step(env)
        stored = [
            written_at(whole, env[v], t) for whole, v in zip(stored, loop.live_out, strict=True)
        ]
        return [env[v] for v in loop.new_carry], stored

    unroll = min(inputs.unroll or inputs.steps, inputs.steps)
    state = (inputs.carry, inputs.buffers)
    if unroll == 1:
        return lax.fori_loop(0, inputs.steps, body, state)
    return lax.fori_loop(0, inputs.steps, body, state, unroll=unroll)


SEQUENTIAL = Evaluator("sequential", can_run, run)
