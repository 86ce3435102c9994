"""The one engine: a step over time, with padding, resets, direction and order."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from recurrax.program.frontend.trace import ScanCall
from recurrax.scan import run_scan
from recurrax.sequence.checks.steps import check_rows
from recurrax.sequence.options import Run
from recurrax.sequence.padding import (
    filling,
    hold_outputs,
    resets_of_reversed_run,
    steps_before,
    to_processing_order,
    where,
)


class State(NamedTuple):
    """What goes from step to step."""

    carry: Any
    """Held at steps that are not valid, replaced by resets."""
    collections: Any = None
    """Goes on at every step, such as the statistics of a Flax module."""


class Entry(NamedTuple):
    """What the loop reads at one step."""

    x: Any
    valid: Any = None
    """Whether the step is valid, for each row; ``None`` if all steps are."""
    reset: Any = None
    """Whether the carry is replaced before the step, for each row."""
    unmasked: Any = None
    """What the step reads at every step as it is, such as random numbers."""


class Output(NamedTuple):
    """What the loop writes at one step."""

    y: Any
    carry: Any = None
    """The carry after the step, where every carry is asked for."""


Step = Callable[[State, Any, Any], tuple[State, Any]]
"""``(state, x, unmasked) -> (state, y)``."""


def over_time(
    run: Run, step: Step, state: State, xs: Any, unmasked: Any = None
) -> tuple[State, Output]:
    """Runs ``step`` over the time axis of ``xs`` and of ``unmasked``.

    The arrays of ``state.carry`` begin with the batch axes. Where a step is not valid, ``step``
    sees another input of its row in place of ``x``.

    Returns:
      The last state, and the outputs of all steps.
    """
    options = run.options
    valid = valid_steps(run, xs)
    resets, start, fill = run.inputs.resets, None, None
    if run.inputs.selects_rows:
        check_rows(run.caller, run.inputs.rows(options.time), state.carry)
    if valid is not None:
        fill = filling(xs, valid, options.time)
    if resets is not None:
        start = reset_carry_of(run, state.carry)
        if options.reverse:
            resets = resets_of_reversed_run(resets, valid, options.time)
    call = ScanCall(
        f=loop_step(step, start, fill, options.every_carry),
        init=state,
        xs=Entry(xs, valid, resets, unmasked),
        reverse=options.reverse,
        x_axis=options.time,
        y_axis=options.time,
        roots=("", ""),  # State and Entry name their fields
    )
    last, outputs = run_scan(call, options.policy, run.caller)
    return last, arranged(run, outputs, valid)


def loop_step(
    step: Step, start: Any, fill: Any, every_carry: bool
) -> Callable[[State, Entry], Any]:
    """The step of the loop: ``step`` where a step is valid, from ``start`` where it is reset.

    ``fill`` stands in for the input of a step that is not valid.
    """

    def one_step(state: State, entry: Entry) -> tuple[State, Output]:
        before, x, valid = state, entry.x, entry.valid
        if entry.reset is not None:
            state = state._replace(carry=where(entry.reset, start, state.carry))
        if valid is not None:
            x = where(valid, x, fill)  # NaN there must not enter
        state, y = step(state, x, entry.unmasked)
        if valid is not None:
            new = state.carry
            state = state._replace(carry=where(valid, new, before.carry))
            y = read_from(state.carry, new, y)
            y = where(valid, y, jax.tree.map(jnp.zeros_like, y))
        return state, Output(y, state.carry if every_carry else None)

    return one_step


def arranged(run: Run, outputs: Output, valid: Any) -> Output:
    """The outputs in the order that was asked for, with padding filled."""
    options, lengths = run.options, run.inputs.lengths
    reverse = options.reverse
    if options.order == "processing" and reverse:
        outputs = to_processing_order(outputs, lengths, options.time)
        if valid is not None and lengths is None:
            valid = jnp.flip(valid, options.time)
        reverse = False
    if options.pad == "hold" and valid is not None:
        outputs = outputs._replace(y=hold_outputs(outputs.y, valid, options.time, reverse))
    return outputs


def read_from(held: Any, new: Any, y: Any) -> Any:
    """Outputs that are components of the carry, read from the carry that is kept anyway.

    Where a step is valid the two are equal, and elsewhere the output is replaced: the loop then
    has one array less to write.
    """
    kept = {id(n): h for n, h in zip(jax.tree.leaves(new), jax.tree.leaves(held), strict=True)}
    return jax.tree.map(lambda a: kept.get(id(a), a), y)


def valid_steps(run: Run, xs: Any) -> Any:
    """The mask of the valid steps of ``xs``; ``None`` if all are valid."""
    lengths, mask, time = run.inputs.lengths, run.inputs.mask, run.options.time
    if lengths is None:
        return mask
    return steps_before(lengths, jax.tree.leaves(xs)[0].shape[time], time)


def with_zero_padding(run: Run, xs: Any) -> Any:
    """The sequence with zeros at the steps that are not valid."""
    valid = valid_steps(run, xs)
    return xs if valid is None else where(valid, xs, jax.tree.map(jnp.zeros_like, xs))


def reset_carry_of(run: Run, carry: Any) -> Any:
    """The carry that a reset puts in place, with the batch axes and dtypes of ``carry``."""
    if run.inputs.reset_carry is None:
        return carry

    def like(a: Any, c: Any) -> Any:
        rows = jax.lax.expand_dims(a, range(c.ndim - a.ndim))
        return jnp.broadcast_to(rows.astype(c.dtype), c.shape)

    return jax.tree.map(like, run.inputs.reset_carry, carry)
