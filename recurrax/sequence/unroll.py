"""``unroll`` and ``unroll_carries``: a cell over a whole sequence."""

from functools import partial
from typing import Any

import jax

from recurrax.cell.cell import Layer
from recurrax.sequence.checks.names import ArgumentNames
from recurrax.sequence.checks.options import check_names
from recurrax.sequence.options import Run, RunInputs, RunResult
from recurrax.sequence.prepare import prepare
from recurrax.sequence.run import run_layer

RUN_ARGUMENTS = (
    *RunInputs._fields,
    "reverse",
    "time_axis",
    "pad",
    "order",
    "dtype",
    "carry_dtype",
    "method",
    "chunk",
    "residuals",
)
"""The keyword arguments of ``unroll``."""


def unroll(
    cell: Layer,
    params: Any,
    xs: Any,
    carry: Any = None,
    *,
    lengths: Any = None,
    mask: Any = None,
    resets: Any = None,
    reset_carry: Any = None,
    reverse: bool = False,
    time_axis: int = -2,
    pad: str = "zero",
    order: str = "input",
    key: Any = None,
    dtype: Any = None,
    carry_dtype: Any = None,
    method: str = "auto",
    chunk: int | None = None,
    residuals: str = "auto",
) -> tuple[Any, Any]:
    """Runs ``cell`` over the time axis of ``xs``.

    Args:
      cell: any :class:`recurrax.Cell`, or a :class:`recurrax.Bidirectional` or
        :class:`recurrax.Stack` of cells.
      params: its parameters, from ``cell.init(key, in_features)``.
      xs: floating, ``(*batch, time, in_features)``, with any number of batch axes; or a pytree of
        inputs that the cell accepts.
      carry: the carry before the first step, leaves ``(*batch, features)``; ``None`` for
        the cell's initial carry, in the dtype that parameters and inputs promote to.
      lengths: integer, ``(*batch,)``: how many steps of each row are valid, from 0 to ``time``; the
        rest is padding.
      mask: boolean, ``(*batch, time)`` with time where ``xs`` has it: which steps are valid, in any
        pattern. At most one of ``lengths`` and ``mask`` may be given.
      resets: boolean, ``(*batch, time)`` with time where ``xs`` has it: where a new sequence
        begins. Before such a step the carry is replaced by ``reset_carry``. A reversed run enters
        a sequence at its last step, and the carry is replaced there.
      reset_carry: the carry that a reset puts in place, leaves ``(*batch, features)`` or
        ``(features,)``; ``None`` for the carry that this run starts from. If ``carry`` comes from a
        previous chunk, pass the fresh starting carry here.
      reverse: run from the last step to the first, within each row's length. Outputs stay in the
        order of ``xs``.
      time_axis: the axis of time in every array of ``xs`` and in every output; 0 is time-major.
      pad: the output at steps that are not valid: ``"zero"``, or ``"hold"`` for the last
        valid output (zero before there is one).
      order: the order of the outputs of a reversed run: that of the ``"input"``, or of
        ``"processing"`` (with ``lengths``, each row's valid steps first; otherwise the whole axis
        is flipped).
      key: a JAX random key, for cells that draw random numbers in training (dropout, zoneout);
        ``None`` is evaluation.
      dtype: the dtype of the computation; parameters and inputs are cast to it, outputs have it.
        ``None`` for the dtype that they promote to.
      carry_dtype: the dtype of the floating arrays of the carry: one dtype, or one by field, such
        as ``{"c": "float32"}`` for a float32 cell state under ``dtype="bfloat16"``.
      method, chunk, residuals: how to evaluate; see :func:`recurrax.scan`.

    At a step that is not valid the carry is held, whatever the input there is: NaN in padding
    reaches no output and no gradient. Lengths, masks and resets are data: one trace serves all.

    Returns:
      ``(carry, ys)``: the last carry, and the outputs ``(*batch, time, out_features)``. With no
      time steps, or in a row of length 0, the carry is the one before the first step.
      :func:`unroll_carries` returns the carries of all steps as well.

    Raises:
      ValueError, TypeError: naming the argument, what was expected and what came. Lengths out of
        range raise where their values are known; under ``jax.jit`` they are clamped, and an
        error under ``checkify``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> import recurrax as rx
      >>> cell = rx.GRU(features=8)
      >>> params = cell.init(jax.random.key(0), in_features=3)
      >>> xs = jax.random.normal(jax.random.key(1), (2, 50, 3))
      >>> carry, ys = rx.unroll(cell, params, xs, lengths=jnp.array([50, 20]))
      >>> ys.shape, carry.h.shape
      ((2, 50, 8), (2, 8))
      >>> bool((carry.h[1] == ys[1, 19]).all()), float(abs(ys[1, 20:]).max())
      (True, 0.0)
    """
    run, xs = prepare(
        ArgumentNames("rx.unroll"),
        cell,
        params,
        xs,
        carry,
        inputs=RunInputs(lengths, mask, resets, reset_carry, key),
        time_axis=time_axis,
        reverse=reverse,
        pad=pad,
        order=order,
        dtype=dtype,
        carry_dtype=carry_dtype,
        method=method,
        chunk=chunk,
        residuals=residuals,
    )
    result = compiled_run(cell, run, params, xs, carry)
    return result.carry, result.ys


def unroll_carries(
    cell: Layer, params: Any, xs: Any, carry: Any = None, **arguments: Any
) -> tuple[Any, tuple[Any, Any]]:
    """:func:`recurrax.unroll` that returns the carry after every step as well.

    Args:
      cell, params, xs, carry: as for :func:`recurrax.unroll`.
      arguments: any of the keyword arguments of :func:`recurrax.unroll`.

    Returns:
      ``(carry, (carries, ys))``: ``carry`` and ``ys`` are those of ``unroll``. ``carries`` is a
      carry whose arrays have a time axis where ``xs`` has it; its entry at a step is the carry
      after that step was run. Its order is that of the outputs: the order of ``xs``, unless
      ``order="processing"``.

      After a step that is not valid the carry is the one before it. The last step of a reversed
      run is the first one of ``xs``, so ``carry`` is the first entry there.

      A :class:`recurrax.Bidirectional` returns a pair of ``carries``, ``(forward, backward)``, both
      in the order of ``xs``: those of the backward cell at a step are what that cell knows of the
      step and of all later ones. A :class:`recurrax.Stack` returns a tuple of ``carries``, with one
      entry for each of its parts.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> import recurrax as rx
      >>> cell = rx.LSTM(8)
      >>> params = cell.init(jax.random.key(0), in_features=3)
      >>> carry, (carries, ys) = rx.unroll_carries(cell, params, jnp.ones((2, 5, 3)))
      >>> carries.c.shape, bool(jnp.allclose(carries.c[:, -1], carry.c, atol=1e-6))
      ((2, 5, 8), True)
    """
    check_names("rx.unroll_carries", arguments, RUN_ARGUMENTS)
    inputs = {name: arguments.pop(name, None) for name in RunInputs._fields}
    run, xs = prepare(
        ArgumentNames("rx.unroll_carries"),
        cell,
        params,
        xs,
        carry,
        inputs=RunInputs(**inputs),
        time_axis=arguments.pop("time_axis", -2),
        every_carry=True,
        **arguments,
    )
    result = compiled_run(cell, run, params, xs, carry)
    return result.carry, (result.carries, result.ys)


@partial(jax.jit, static_argnums=0)
def compiled_run(cell: Layer, run: Run, params: Any, xs: Any, carry: Any) -> RunResult:
    """Cells and options compare by value, so equal specifications share one trace."""
    return run_layer(cell, run, params, xs, carry)
