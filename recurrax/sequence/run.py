"""A cell, or what is composed of cells, over time."""

from typing import Any

import jax
import jax.numpy as jnp

from recurrax.cell.cell import Cell, Layer, Noise
from recurrax.cell.checks import cast_floating
from recurrax.cell.options import name_of
from recurrax.sequence.checks import check_noise, check_step_keeps_carry, first_step
from recurrax.sequence.engine import over_time, which_count
from recurrax.sequence.how import RunInputs, RunOptions
from recurrax.sequence.padding import held
from recurrax.sequence.precision import cast_carry, in_precision, promoted


def run_layer(
    who: str, layer: Layer, params: Any, xs: Any, carry: Any, how: RunOptions, given: RunInputs
) -> tuple[Any, Any]:
    """Runs a cell by the engine; what has no step of its own runs its parts by this function."""
    if not layer.has_step:
        return run_parts(who, layer, params, xs, carry, how, given)
    assert isinstance(layer, Cell)
    precise = how.dtype is not None or how.carry_dtype is not None
    dtype = promoted(who, params, xs) if how.dtype is None else how.dtype
    if precise:
        params, xs = cast_floating((params, xs), dtype)
    x0 = first_step(xs, how.time)
    if carry is None:
        carry = cast_floating(layer.initial_carry_from(params, batch_shape(x0)), dtype)
    if precise:
        carry = cast_carry(carry, dtype, how.carry_dtype)

    noise = None
    if given.key is not None:
        steps = jax.tree.leaves(xs)[0].shape[how.time]
        noise = layer.noise(given.key, x0, steps)
        if noise is not None:
            check_noise(who, layer, noise, steps)
    if noise is None:

        def step(carry: Any, x: Any) -> tuple[Any, Any]:
            return layer.step(params, carry, x)

        drawn = None
    else:

        def step(carry: Any, x: Any) -> tuple[Any, Any]:
            x, now = x
            return layer.training_step(params, carry, x, Noise(noise.run, now))

        drawn = jax.tree.map(lambda a: jnp.moveaxis(a, 0, how.time), noise.step)
    step = in_precision(step, dtype) if precise else step
    now = jax.tree.map(lambda a: first_step(a, how.time), drawn)
    check_step_keeps_carry(who, layer, step, carry, x0 if drawn is None else (x0, now))
    return over_time(who, step, carry, xs, how, given, unmasked=drawn)


def run_parts(
    who: str, layer: Layer, params: Any, xs: Any, carry: Any, how: RunOptions, given: RunInputs
) -> tuple[Any, Any]:
    """Runs what goes over a sequence in both directions."""
    if how.order == "processing":
        raise ValueError(
            f"{who}: the outputs of {name_of(layer)}, which runs in both directions, have no order "
            "of processing; leave the outputs in the order of the inputs."
        )
    carry, ys = layer.over_time(run_layer, who, params, xs, carry, how._replace(pad="zero"), given)
    valid = which_count(jax.tree.leaves(xs)[0].shape[how.time], how, given)
    if how.pad == "hold" and valid is not None:
        ys = held(ys, valid, how.time, how.reverse)
    return carry, ys


def batch_shape(x0: Any) -> tuple[int, ...]:
    """The batch axes of one step."""
    return jax.tree.leaves(x0)[0].shape[:-1]
