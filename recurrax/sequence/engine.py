"""The one engine: a step over time, with padding, resets, direction and order."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from recurrax.program.frontend.trace import ScanCall
from recurrax.program.step import Policy
from recurrax.scan import run_scan
from recurrax.sequence.how import RunInputs, RunOptions
from recurrax.sequence.padding import (
    entered_from_behind,
    held,
    in_order_of_processing,
    steps_before,
    where,
)

ALL = RunInputs()  # every step counts


def over_time(
    who: str,
    step: Callable[[Any, Any], tuple[Any, Any]],
    carry: Any,
    xs: Any,
    how: RunOptions,
    given: RunInputs = ALL,
    *,
    unmasked: Any = None,
    state: Any = None,
) -> tuple[Any, Any]:
    """Runs ``step`` over the axis ``how.time`` of ``xs`` and of the arrays ``given``.

    Args:
      step: ``(carry, x) -> (carry, y)``; it takes ``(x, entry)`` with ``unmasked``, and takes and
        returns ``(carry, state)`` with ``state``.
      carry: the first carry; every array begins with the batch axes.
      xs: the inputs; padding is replaced by zeros before a step sees it.
      unmasked: more sequences, handed to the step as they are.
      state: what goes from step to step whatever counts, such as the statistics of a Flax module.

    Returns:
      ``(carry, ys)``, or with ``how.return_carries`` the carries after every step in place of the
      last; ``((carry, state), ys)`` with ``state``.
    """
    time = how.time
    steps = jax.tree.leaves(xs)[0].shape[time]
    valid, resets = which_count(steps, how, given), given.resets
    start = None
    if resets is not None:
        start = carry if given.reset_carry is None else like(given.reset_carry, carry)
        if how.reverse:
            resets = entered_from_behind(resets, valid, time)

    def guarded(carry: Any, entry: Any) -> tuple[Any, Any]:
        (before, free), (x, beside, counts, reset) = carry, entry
        carry = before
        if reset is not None:
            carry = where(reset, start, carry)
        if counts is not None:
            x = where(counts, x, jax.tree.map(jnp.zeros_like, x))  # NaN there must not enter
        x = x if unmasked is None else (x, beside)
        if state is None:
            carry, y = step(carry, x)
        else:
            (carry, free), y = step((carry, free), x)
        if counts is not None:
            new, carry = carry, where(counts, carry, before)
            y = read_from(carry, new, y)
            y = where(counts, y, jax.tree.map(jnp.zeros_like, y))
        return (carry, free), (carry if how.return_carries else None, y)

    entries = (xs, unmasked, valid, resets)
    (last, free), (carries, ys) = run_scan(
        ScanCall(guarded, (carry, state), entries, None, how.reverse, time, time),
        Policy(how.method, how.chunk, how.residuals),
        who,
    )
    backwards = how.reverse
    if how.order == "processing" and how.reverse:
        ys, carries = in_order_of_processing((ys, carries), given.lengths, time)
        if valid is not None and given.lengths is None:
            valid = jnp.flip(valid, time)
        backwards = False
    if how.pad == "hold" and valid is not None:
        ys = held(ys, valid, time, backwards)
    carry = carries if how.return_carries else last
    return (carry if state is None else (carry, free)), ys


def read_from(held: Any, new: Any, y: Any) -> Any:
    """Outputs that are components of the carry, read from the carry that is kept anyway.

    Where steps count the two are equal, and elsewhere the output is replaced: a loop then has one
    array less to write.
    """
    kept = {id(n): h for n, h in zip(jax.tree.leaves(new), jax.tree.leaves(held), strict=True)}
    return jax.tree.map(lambda a: kept.get(id(a), a), y)


def counted(xs: Any, how: RunOptions, given: RunInputs) -> Any:
    """The inputs, with zeros at the steps that do not count."""
    valid = which_count(jax.tree.leaves(xs)[0].shape[how.time], how, given)
    return xs if valid is None else where(valid, xs, jax.tree.map(jnp.zeros_like, xs))


def which_count(steps: int, how: RunOptions, given: RunInputs) -> Any:
    """The mask of the steps that count, ``None`` if all do."""
    return given.mask if given.lengths is None else steps_before(given.lengths, steps, how.time)


def like(start: Any, carry: Any) -> Any:
    """The carry that a reset puts in place, with the batch axes and dtypes of ``carry``."""
    return jax.tree.map(
        lambda a, c: jnp.broadcast_to(
            jax.lax.expand_dims(a, range(c.ndim - a.ndim)).astype(c.dtype), c.shape
        ),
        start,
        carry,
    )
