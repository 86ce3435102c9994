"""Flax's own cells over time."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from recurrax.cell.checks import cast_floating
from recurrax.cell.params import describe
from recurrax.flax_common.call import Call
from recurrax.sequence.checks.inputs import check_reset_carry
from recurrax.sequence.checks.steps import check_carry_is_kept
from recurrax.sequence.engine import State, over_time
from recurrax.sequence.prepare import one_step


def run_flax_cell(
    call: Call, step: Callable[..., Any], carry: Any, collections: Any = None, unmasked: Any = None
) -> tuple[State, Any]:
    """One of Flax's cells over time: the last state, and the outputs.

    ``step`` is ``(state, x, unmasked) -> (state, y)``. A Flax cell makes its carry in
    ``param_dtype`` and may return it in its ``dtype``; the carry is kept in the dtype that the
    step returns.
    """
    caller, inputs = call.run.caller, call.run.inputs
    # Where lax.scan takes a number, so does this.
    carry = jax.tree.map(lambda c: c if hasattr(c, "dtype") else jnp.asarray(c), carry)
    new = carry_after_one_step(call, step, State(carry, collections), unmasked)
    if jax.tree.structure(new) == jax.tree.structure(carry):
        carry = jax.tree.map(lambda c, n: cast_floating(c, n.dtype), carry, new)
    check_carry_is_kept(caller, "the Flax cell", carry, new)
    if inputs.reset_carry is not None:
        axes = len(inputs.rows(call.run.options.time))
        row = jax.tree.map(lambda c: jax.ShapeDtypeStruct(c.shape[axes:], c.dtype), carry)
        hint = " cell.initialize_carry makes one."
        check_reset_carry(caller, inputs.reset_carry, row, carry, hint)
    state, outputs = over_time(call.run, step, State(carry, collections), call.inputs, unmasked)
    return state, outputs.y


def carry_after_one_step(call: Call, step: Any, state: State, unmasked: Any) -> Any:
    """Shapes and dtypes of the carry that the step returns."""
    now = one_step(unmasked, call.run.options.time)
    try:
        new, _ = jax.eval_shape(step, state, call.x, now)
    except (TypeError, ValueError, IndexError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        x, carry = (jax.tree.map(describe, tree) for tree in (call.x, state.carry))
        raise kind(
            f"{call.run.caller}: the Flax cell does not take a step of inputs, {x}, with the carry "
            f"{carry}: {error}"
        ) from error
    return new.carry


def in_dtype_of(cell: Any, carry: Any) -> Any:
    """The carry of a Flax cell in its ``dtype``: Flax makes it in ``param_dtype``."""
    dtype = getattr(cell, "dtype", None)
    return carry if dtype is None else cast_floating(carry, dtype)
