"""How many steps the driver takes at once."""

from math import prod
from typing import Any

from recurrax.program.plan import Plan
from recurrax.program.step import Step

ENTRIES = 1 << 17  # of the carry in a chunk, whose arrays then stay in a core's cache
SHARE = {False: 4, True: 8}  # at most this part of the run, for a step and for a derivative


def known_size(shape: tuple[Any, ...]) -> int:
    """The number of entries; an axis whose size is a symbol of ``jax.export`` counts 1."""
    return prod(n for n in shape if isinstance(n, int))


def default_chunk(plan: Plan, step: Step) -> int:
    """Steps per chunk: enough for large matmuls, few enough for cache and memory.

    ``ENTRIES`` divided by the size of the largest entry of the carry that loops, between 8 and 256.
    A chunk of a backward pass holds some twenty arrays where the whole run holds two to four, so it
    may be an eighth of the run at most; a chunk of a forward pass a quarter. A divisor of the run's
    length is preferred, because a shorter last chunk is compiled apart.
    """
    looped = [v for loop in plan.loops for v in loop.carry]
    width = max((known_size(v.shape) for v in looped), default=1)
    length = max(step.length, 1)
    best = min(ENTRIES // max(width, 1), 256, length // SHARE[step.body.linear])
    best = min(max(best, 8), length)
    for chunk in range(best, best // 2, -1):
        if length % chunk == 0:
            return chunk
    return best
