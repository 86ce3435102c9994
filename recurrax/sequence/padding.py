"""Valid steps and padding: lengths, masks, resets, and the order of outputs."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax


def where(flag: Any, a: Any, b: Any) -> Any:
    """``a`` where ``flag`` holds, else ``b``: trees of arrays that begin with the axes of flag."""

    def leaf(x: Any, y: Any) -> Any:
        return lax.select(lax.broadcast_in_dim(flag, x.shape, range(flag.ndim)), x, y)

    return jax.tree.map(leaf, a, b)


def steps_before(lengths: Any, steps: int, time: int) -> Array:
    """Which steps of each row come before its length; time is put on the axis ``time``."""
    lengths = jnp.expand_dims(jnp.asarray(lengths, jnp.int32), time)
    return lax.broadcasted_iota(lengths.dtype, with_size(lengths, steps, time), time) < lengths


def resets_of_reversed_run(resets: Array, valid: Array | None, time: int) -> Array:
    """The resets of a reversed run, which enters a sequence at its last step.

    ``resets`` mark the first step of each sequence in the order of the inputs. In a reversed run,
    the carry is replaced where the next valid step begins a sequence.
    """
    steps = resets.shape[time]
    if not steps:
        return resets
    if valid is None:
        later = lax.slice_in_dim(resets, 1, steps, axis=time)
    else:
        at = next_valid(valid, time)
        marked = take(resets & valid, jnp.minimum(at, steps - 1), time) & (at < steps)
        later = lax.slice_in_dim(marked, 1, steps, axis=time)
    last = jnp.zeros(with_size(later, 1, time), bool)
    return lax.concatenate([later, last], time)


def filling(xs: Any, valid: Array, time: int) -> Any:
    """What a step sees in place of padding: an input that its row has at a valid step.

    The derivative of a step may not be finite at zero, nor at what stands in the padding. A row
    without a valid step gets the input of another row; zeros, if no row has one.
    """
    if 0 in valid.shape:
        return jax.tree.map(lambda x: lax.full_like(one_entry(x, time), 0), xs)
    rows = jnp.any(valid, axis=time)
    first = jnp.expand_dims(jnp.argmax(valid, axis=time), time)
    row = jnp.argmax(rows.reshape(-1))  # the first one that has a valid step

    def fill(x: Any) -> Any:
        entry = jnp.squeeze(take(x, first, time), time)
        flat = entry.reshape(-1, *entry.shape[rows.ndim :])
        other = lax.dynamic_index_in_dim(flat, row, keepdims=False)
        other = jnp.where(jnp.any(rows), other, lax.full_like(other, 0))
        return where(rows, entry, jnp.broadcast_to(other, entry.shape))

    return lax.stop_gradient(jax.tree.map(fill, xs))


def one_entry(x: Any, time: int) -> Any:
    return jax.ShapeDtypeStruct((*x.shape[:time], *x.shape[time + 1 :]), x.dtype)


def hold_outputs(ys: Any, valid: Array, time: int, reverse: bool) -> Any:
    """Outputs in which a step that is not valid repeats the last valid one."""
    steps = valid.shape[time]
    if not steps:
        return ys
    at = next_valid(valid, time) if reverse else last_valid(valid, time)
    found = (at >= 0) & (at < steps)
    at = jnp.clip(at, 0, steps - 1)

    def hold(y: Any) -> Any:
        there = take(y, at, time)
        return where(found, there, jnp.zeros_like(there))

    return jax.tree.map(hold, ys)


def last_valid(valid: Array, time: int) -> Array:
    """The index of the last valid step up to each step; -1 if there is none."""
    places = lax.broadcasted_iota(jnp.int32, valid.shape, time)
    return lax.cummax(jnp.where(valid, places, -1), axis=time)


def next_valid(valid: Array, time: int) -> Array:
    """The index of the first valid step from each step on; the number of steps if there is none."""
    places = lax.broadcasted_iota(jnp.int32, valid.shape, time)
    return lax.cummin(jnp.where(valid, places, valid.shape[time]), axis=time, reverse=True)


def to_processing_order(ys: Any, lengths: Array | None, time: int) -> Any:
    """The outputs of a reversed run, with the step that was run first in front.

    With ``lengths``, the valid steps of each row come first and its padding stays at the end, as in
    Flax; otherwise the whole axis is flipped, as in Keras.
    """

    def flip(y: Any) -> Any:
        steps = y.shape[time]
        if lengths is None or not steps:
            return jnp.flip(y, time)
        length = jnp.expand_dims(jnp.asarray(lengths, jnp.int32), time)
        place = lax.broadcasted_iota(length.dtype, with_size(length, steps, time), time)
        return take(y, jnp.where(place < length, length - 1 - place, place), time)

    return jax.tree.map(flip, ys)


def take(array: Any, at: Array, time: int) -> Any:
    """Entries ``at`` along ``time``; ``at`` has the leading axes of the array."""
    at = lax.expand_dims(at, range(at.ndim, array.ndim))
    return jnp.take_along_axis(array, at, time)


def with_size(array: Any, size: int, axis: int) -> tuple[int, ...]:
    return (*array.shape[:axis], size, *array.shape[axis + 1 :])
