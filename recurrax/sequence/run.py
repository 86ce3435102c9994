"""A cell, or a layer composed of cells, over time."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from recurrax.cell.cell import Cell, Layer, Noise
from recurrax.cell.checks import carry_shape, cast_floating, unguarded, widest
from recurrax.cell.options import name_of
from recurrax.sequence.checks.steps import check_carry_is_kept, check_noise, check_outputs
from recurrax.sequence.engine import State, over_time, valid_steps
from recurrax.sequence.options import Run, RunResult
from recurrax.sequence.padding import hold_outputs
from recurrax.sequence.precision import cast_carry, in_precision, promoted
from recurrax.sequence.prepare import one_step


def run_layer(layer: Layer, run: Run, params: Any, xs: Any, carry: Any) -> RunResult:
    """Runs a cell by the engine; a layer without a step runs its parts by this function.

    The arguments have passed :mod:`recurrax.sequence.prepare`. ``carry`` may be ``None``, for the
    initial carry of the layer.
    """
    if not layer.has_step:
        return run_parts(layer, run, params, xs, carry)
    assert isinstance(layer, Cell)
    params, xs, carry, dtype = in_dtypes_of(run, layer, params, xs, carry)
    noise = draw(layer, run, xs)
    step = step_of(layer, params, noise)
    if run.options.sets_precision:
        step = in_precision(step, dtype)
    unmasked = None
    if noise is not None:
        unmasked = jax.tree.map(lambda a: jnp.moveaxis(a, 0, run.options.time), noise.step)

    def step_with_state(state: State, x: Any, noise: Any) -> tuple[State, Any]:
        returned = step(state.carry, x, noise)
        check_returned(run, layer, state.carry, x, returned)
        return State(returned[0]), returned[1]

    last, outputs = over_time(run, step_with_state, State(carry), xs, unmasked)
    return RunResult(last.carry, outputs.y, outputs.carry)


def run_parts(layer: Layer, run: Run, params: Any, xs: Any, carry: Any) -> RunResult:
    """Runs a layer that goes over a sequence in both directions."""
    options = run.options
    if options.order == "processing":
        raise ValueError(
            f"{run.caller}: the outputs of {name_of(layer)}, which runs in both directions, have "
            "no order of processing; leave the outputs in the order of the inputs."
        )
    result = layer.over_time(run.with_options(pad="zero"), params, xs, carry)
    valid = valid_steps(run, xs)
    if options.pad == "hold" and valid is not None:
        result = result._replace(ys=hold_outputs(result.ys, valid, options.time, options.reverse))
    return result


class TypedArguments(NamedTuple):
    """The arguments of a run in the dtypes that it computes in."""

    params: Any
    xs: Any
    carry: Any
    dtype: Any
    """The dtype of the computation."""


def in_dtypes_of(run: Run, layer: Layer, params: Any, xs: Any, carry: Any) -> TypedArguments:
    """Casts the arguments of a run; the initial carry of the layer in place of ``None``."""
    options = run.options
    dtype = promoted(run.caller, params, xs) if options.dtype is None else options.dtype
    if options.sets_precision:
        params, xs = cast_floating((params, xs), dtype)
    if carry is None:
        batch = carry_shape(one_step(xs, options.time), layer.num_feature_axes)
        carry = cast_floating(layer.initial_carry_from(params, batch), dtype)
    if options.sets_precision:
        carry = cast_carry(carry, dtype, options.carry_dtype)
    return TypedArguments(params, xs, carry, dtype)


def draw(cell: Cell, run: Run, xs: Any) -> Noise | None:
    """The random numbers of a run in training; ``None`` in evaluation."""
    if run.inputs.key is None:
        return None
    steps = jax.tree.leaves(xs)[0].shape[run.options.time]
    noise = cell.noise(run.inputs.key, one_step(xs, run.options.time), steps)
    if noise is not None:
        check_noise(run.caller, cell, noise, steps)
    return noise


def step_of(cell: Cell, params: Any, noise: Noise | None) -> Callable[..., tuple[Any, Any]]:
    """The step of a cell as ``(carry, x, entry of the noise) -> (carry, y)``."""
    if noise is None:
        step = unguarded(cell)  # the arguments were checked at the entrance
        return lambda carry, x, _: step(params, carry, x)
    constant = noise.run
    return lambda carry, x, now: cell.training_step(params, carry, x, Noise(constant, now))


def check_returned(run: Run, cell: Cell, carry: Any, x: Any, returned: Any) -> None:
    """A loop needs a step that returns outputs of the batch, and a carry like the one it takes."""
    name = f"{name_of(cell)}.step"
    returned = jax.tree.map(type_of, returned)
    shape = widest(x).shape
    if type(returned) is tuple and len(returned) == 2:
        check_carry_is_kept(run.caller, name, carry, returned[0])
    check_outputs(run.caller, name, returned, shape[: len(shape) - cell.num_feature_axes])


def type_of(array: Any) -> jax.ShapeDtypeStruct:
    """Shape and dtype of an array or a number."""
    aval = jax.typeof(array)
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype)
