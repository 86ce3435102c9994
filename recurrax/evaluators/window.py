"""Reading and writing pieces of time."""

from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import lax

from recurrax.program.step import Step

# No index here is negative; a loop that asks whether one is does so at every step.
index = partial(lax.dynamic_index_in_dim, keepdims=False, allow_negative_indices=False)
piece_of = partial(lax.dynamic_slice_in_dim, allow_negative_indices=False)
write_piece = partial(lax.dynamic_update_slice_in_dim, allow_negative_indices=False)


def entry(array: Any, t: Any) -> Any:
    """Entry ``t`` of an array with time leading."""
    return index(array, t, 0)


def written_at(array: Any, value: Any, t: Any) -> Any:
    """The array, with time leading, with ``value`` as its entry ``t``."""
    return lax.dynamic_update_index_in_dim(array, value, t, 0, allow_negative_indices=False)


def shifted(start: Any, after: Any, reverse: bool) -> Any:
    """The carry before each step, from the first carry and the carry after each step."""
    if reverse:
        return jnp.concatenate([after[1:], start[None]])
    return jnp.concatenate([start[None], after[:-1]])


class Window:
    """A piece of ``steps`` entries that begins at ``start``."""

    def __init__(self, step: Step, start: Any, steps: int) -> None:
        self.step, self.start, self.steps = step, start, steps
        self.whole = steps == step.length

    def read(self, array: Any, axis: int) -> Any:
        """The entries of ``array`` in the window, time leading."""
        if not self.whole:
            array = piece_of(array, self.start, self.steps, axis)
        return jnp.moveaxis(array, axis, 0)

    def read_lagged(self, edge: Any, array: Any, axis: int, lag: int) -> Any:
        """The entries that each step of the window reads with a lag; ``edge`` is at the end."""
        length, steps = self.step.length, self.steps
        end = self.start if lag < 0 else self.start + steps - 1
        outside = end == (0 if lag < 0 else length - 1)
        outer = index(array, jnp.clip(end + lag, 0, length - 1), axis)
        outer = jnp.where(outside, edge, outer)[None]
        if steps == 1:
            return outer
        inner = piece_of(array, self.start + (0 if lag < 0 else 1), steps - 1, axis)
        inner = jnp.moveaxis(inner, axis, 0)
        return jnp.concatenate([outer, inner] if lag < 0 else [inner, outer])

    def write(self, buffer: Any, entries: Any, axis: int) -> Any:
        """The buffer with the entries of the window written into it."""
        entries = jnp.moveaxis(entries, 0, axis)
        if self.whole:
            return entries
        return write_piece(buffer, entries, self.start, axis)
