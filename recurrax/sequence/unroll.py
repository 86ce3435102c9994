"""``unroll``: a cell over a whole sequence."""

from functools import partial
from typing import Any

import jax

from recurrax.cell import checks
from recurrax.cell.cell import Layer
from recurrax.sequence.checks import (
    as_carry_dtype,
    as_dtype,
    check_given,
    check_how,
    check_key,
    check_layer,
    check_sequence,
    first_step,
)
from recurrax.sequence.how import RunInputs, RunOptions
from recurrax.sequence.run import run_layer

WHO = "rx.unroll"


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
    return_carries: bool = False,
) -> tuple[Any, Any]:
    """Runs ``cell`` over the time axis of ``xs``.

    Args:
      cell: any :class:`recurrax.Cell`, or what :class:`recurrax.Bidirectional` and
        :class:`recurrax.Stack` make of cells.
      params: its parameters, from ``cell.init(key, in_features)``.
      xs: floating, ``(*batch, time, in_features)``, with any number of batch axes; or a pytree of
        inputs that the cell accepts.
      carry: the carry before the first step, leaves ``(*batch, features)``; ``None`` for
        the cell's initial carry, in the dtype that parameters and inputs promote to.
      lengths: integer, ``(*batch,)``: how many steps of each row count, from 0 to ``time``; the
        rest is padding.
      mask: boolean, ``(*batch, time)`` with time where ``xs`` has it: which steps count, in any
        pattern. One of ``lengths`` and ``mask`` at most.
      resets: boolean, ``(*batch, time)`` with time where ``xs`` has it: where a new sequence
        begins. Before such a step the carry is replaced by ``reset_carry``. A reversed run enters
        a sequence at its end, and there the carry is replaced.
      reset_carry: what a reset puts in place, leaves ``(*batch, features)`` or ``(features,)``;
        ``None`` for the carry that this run starts from. Who hands on a ``carry`` from the piece
        before gives the carry that new sequences start from here.
      reverse: run from the last step to the first, within each row's length. Outputs stay in the
        order of ``xs``.
      time_axis: the axis of time in every array of ``xs`` and in every output; 0 is time-major.
      pad: what the output is at steps that do not count: ``"zero"``, or ``"hold"`` for the last
        output that counted (zero before there is one).
      order: of the outputs of a reversed run: that of the ``"input"``, or of ``"processing"``
        (with ``lengths``, each row's valid steps first; otherwise the whole axis turned round).
      key: a JAX random key, for cells that draw random numbers in training (dropout, zoneout);
        ``None`` is evaluation.
      dtype: of the computation; parameters and inputs are cast to it, outputs have it. ``None``
        for what they promote to.
      carry_dtype: of the floating arrays of the carry: one dtype, or by field, such as
        ``{"c": "float32"}`` for a float32 cell state under ``dtype="bfloat16"``.
      method, chunk, residuals: how to evaluate; see :func:`recurrax.scan`.
      return_carries: return the carries after every step, with a time axis, in place of the last.

    At a step that does not count the carry is held, whatever the input there is: NaN in padding
    reaches no output and no gradient. Lengths, masks and resets are data: one trace serves all.

    Returns:
      ``(carry, ys)``: the last carry (or all of them), and the outputs
      ``(*batch, time, out_features)``. With no time steps, or in a row of length 0, the carry is
      the one before the first step.

    Raises:
      ValueError, TypeError: naming the argument, what was expected and what came. Lengths out of
        range can only be seen where they are known: under ``jax.jit`` they are clamped, and an
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
    check_layer(WHO, cell)
    check_sequence(WHO, "xs", xs, time_axis, cell.num_feature_axes)
    first = jax.tree.leaves(xs)[0]
    how = RunOptions(
        time=time_axis % first.ndim,
        reverse=reverse,
        pad=pad,
        order=order,
        method=method,
        chunk=chunk,
        residuals=residuals,
        return_carries=return_carries,
        dtype=as_dtype(WHO, "dtype", dtype),
        carry_dtype=as_carry_dtype(WHO, cell, carry_dtype),
    )
    check_how(WHO, how)
    x0 = first_step(xs, time_axis)
    checks.arguments(cell, WHO, params, carry, x0, "xs")
    given = RunInputs(lengths, mask, resets, reset_carry, key)
    given = check_given(WHO, cell, given, how, first.shape, cell.num_feature_axes, "xs")
    check_key(WHO, cell, key)
    return _unroll(cell, params, aligned(xs, time_axis, how.time), carry, how, given)


@partial(jax.jit, static_argnums=(0, 4))
def _unroll(
    cell: Layer, params: Any, xs: Any, carry: Any, how: RunOptions, given: RunInputs
) -> tuple[Any, Any]:
    """Static arguments compare by value, so equal specifications share one trace."""
    return run_layer(WHO, cell, params, xs, carry, how, given)


def aligned(xs: Any, time_axis: int, time: int) -> Any:
    """Arrays of different ranks with time on the same axis, counted from the front."""
    return jax.tree.map(lambda a: jax.numpy.moveaxis(a, time_axis, time), xs)
