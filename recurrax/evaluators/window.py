"""Reading and writing pieces of time."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import lax

from recurrax.program.jax_internals import is_key
from recurrax.program.step import Step

# No index here is negative; a loop that asks whether one is does so at every step.
index = partial(lax.dynamic_index_in_dim, keepdims=False, allow_negative_indices=False)
piece_of = partial(lax.dynamic_slice_in_dim, allow_negative_indices=False)
write_piece = partial(lax.dynamic_update_slice_in_dim, allow_negative_indices=False)


def zeros(shape: Sequence[int], dtype: Any) -> Any:
    """An array to write into; also of random keys."""
    return lax.empty(shape, dtype) if is_key(dtype) else jnp.zeros(shape, dtype)


def entry(array: Any, t: Any) -> Any:
    """Entry ``t`` of an array with time leading."""
    return index(array, t, 0)


def written_at(array: Any, value: Any, t: Any) -> Any:
    """The array, with time leading, with ``value`` as its entry ``t``."""
    return lax.dynamic_update_index_in_dim(array, value, t, 0, allow_negative_indices=False)


def shifted(start: Any, after: Any, reverse: bool) -> Any:
    """The carry before each step, from the first carry and the carry after each step."""
    steps = after.shape[0]
    start = lax.expand_dims(start, [0])
    if reverse:
        return lax.concatenate([lax.slice_in_dim(after, 1, steps), start], 0)
    return lax.concatenate([start, lax.slice_in_dim(after, 0, steps - 1)], 0)


def moved(array: Any, axis: int, to: int) -> Any:
    """The array with one axis moved; the array itself if that changes nothing."""
    return array if axis == to else jnp.moveaxis(array, axis, to)


class Window:
    """A piece of ``steps`` entries that begins at ``start``."""

    def __init__(self, step: Step, start: Any, steps: int) -> None:
        self.step, self.start, self.steps = step, start, steps
        self.whole = steps == step.length

    def read(self, array: Any, axis: int) -> Any:
        """The entries of ``array`` in the window, time leading."""
        if not self.whole:
            array = piece_of(array, self.start, self.steps, axis)
        return moved(array, axis, 0)

    def read_lagged(self, edge: Any, array: Any, axis: int, lag: int) -> Any:
        """The entries that each step of the window reads with a lag; ``edge`` is at the end."""
        length, steps = self.step.length, self.steps
        end = self.start if lag < 0 else self.start + steps - 1
        last = 0 if lag < 0 else length - 1  # beyond it there is only the edge
        if isinstance(end, int):
            outer = edge if end == last else index(array, end + lag, axis)
        else:
            inside = lax.max(end + lag, 0) if lag < 0 else lax.min(end + lag, last)
            outer = lax.select(end == last, edge, index(array, inside, axis))
        outer = lax.expand_dims(outer, [0])
        if steps == 1:
            return outer
        inner = piece_of(array, self.start + (0 if lag < 0 else 1), steps - 1, axis)
        inner = moved(inner, axis, 0)
        return lax.concatenate([outer, inner] if lag < 0 else [inner, outer], 0)

    def write(self, buffer: Any, entries: Any, axis: int) -> Any:
        """The buffer with the entries of the window written into it."""
        entries = moved(entries, 0, axis)
        if self.whole:
            return entries
        return write_piece(buffer, entries, self.start, axis)
