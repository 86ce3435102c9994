"""Lengths whose values a trace does not know: clamped, and an error under ``checkify``."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.experimental import checkify

from recurrax.program import jax_internals


def clamped(lengths: Array, steps: int, what: str) -> Array:
    """Lengths from 0 to ``steps``, as int32; ``what`` names them in the error under ``checkify``.

    A primitive of its own: ``checkify.debug_check`` has an effect, with which every call of a
    compiled function goes through Python (0.1 to 0.3 ms).
    """
    return clamped_p.bind(lengths, steps=steps, what=what)[0]


def within(lengths: Array, *, steps: int, what: str) -> list[Array]:
    del what
    return [jnp.clip(lengths, 0, highest(lengths, steps)).astype(jnp.int32)]


def refused(lengths: Array, *, steps: int, what: str) -> list[Array]:
    in_range = (lengths >= 0) & (lengths <= highest(lengths, steps))
    checkify.check(jnp.all(in_range), f"{what} must be from 0 to {steps}, the number of steps")
    return within(lengths, steps=steps, what=what)


def highest(lengths: Array, steps: Any) -> Any:
    """The longest of them, in a dtype that may be too narrow for ``steps``."""
    if not isinstance(steps, int):  # a symbol of jax.export
        return jnp.array(steps)
    return min(steps, int(jnp.iinfo(lengths.dtype).max))


clamped_p = jax_internals.define_elementwise("clamped_lengths", evaluate=within, checked=refused)
