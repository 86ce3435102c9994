"""The entrance of a run over time: all arguments are checked and brought into one form, once.

:func:`prepare` serves the functions, which have parameters at hand. The Flax layers make their
parameters after they know the sizes of the inputs, and a stream checks its parameters once: they
call its parts, :func:`prepare_run` and :func:`check_arguments`.
"""

from typing import Any

import jax
import jax.numpy as jnp

from recurrax.cell import checks
from recurrax.cell.cell import Layer
from recurrax.cell.checks import as_dtype
from recurrax.program.step import Policy
from recurrax.sequence.checks.inputs import as_inputs
from recurrax.sequence.checks.layers import check_layer
from recurrax.sequence.checks.names import ArgumentNames
from recurrax.sequence.checks.options import as_carry_dtype, check_options
from recurrax.sequence.checks.sequence import check_sequence, layout_of
from recurrax.sequence.options import Run, RunInputs, RunOptions


def prepare(
    names: ArgumentNames,
    cell: Layer,
    params: Any,
    xs: Any,
    carry: Any,
    *,
    inputs: RunInputs,
    time_axis: int,
    **options: Any,
) -> tuple[Run, Any]:
    """The run, and the sequence with time on one axis, after all checks."""
    check_layer(names.caller, cell)
    run, xs = prepare_run(names, cell, xs, inputs, time_axis=time_axis, **options)
    check_arguments(names, cell, params, carry, one_step(xs, run.options.time))
    return run, xs


def prepare_run(
    names: ArgumentNames,
    cell: Any,
    xs: Any,
    inputs: RunInputs,
    *,
    time_axis: int,
    **options: Any,
) -> tuple[Run, Any]:
    """The run, and the sequence with time on one axis; parameters and carry are not looked at.

    ``cell`` is a recurrax cell, or one of Flax's.
    """
    time = check_sequence(names, xs, time_axis, cell.num_feature_axes)
    checked = as_options(names.caller, cell, time, **options)
    xs = jax.tree.map(jnp.asarray, xs)
    inputs = as_inputs(names, cell, inputs, layout_of(xs, time, cell.num_feature_axes))
    return Run(names.caller, checked, inputs), xs


def as_options(
    caller: str,
    cell: Any,
    time: int,
    *,
    dtype: Any = None,
    carry_dtype: Any = None,
    method: str = "auto",
    chunk: int | None = None,
    residuals: str = "auto",
    unroll: int = 1,
    **options: Any,
) -> RunOptions:
    """The static options after their checks, dtypes by their names."""
    checked = RunOptions(
        time,
        policy=Policy(method, chunk, residuals, unroll),
        dtype=as_dtype(caller, "dtype", dtype),
        carry_dtype=as_carry_dtype(caller, cell, carry_dtype),
        **options,
    )
    check_options(caller, checked)
    return checked


def check_arguments(names: ArgumentNames, cell: Layer, params: Any, carry: Any, x: Any) -> None:
    """Parameters and carry must be those of the cell, for inputs of the shape of ``x``."""
    checks.arguments(cell, names.caller, params, carry, x, x_name=names.xs, carry_name=names.carry)


def one_step(xs: Any, time: int) -> Any:
    """Shapes and dtypes of one step of a sequence with time on the axis ``time``."""
    return jax.tree.map(
        lambda a: jax.ShapeDtypeStruct(a.shape[:time] + a.shape[time + 1 :], a.dtype), xs
    )
