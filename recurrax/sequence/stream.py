"""Streaming: a cell that keeps its carry from call to call."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

from recurrax.cell import checks
from recurrax.cell.cell import Layer
from recurrax.sequence.checks.inputs import as_inputs
from recurrax.sequence.checks.layers import check_forward
from recurrax.sequence.checks.lengths import check_flags
from recurrax.sequence.checks.names import ArgumentNames
from recurrax.sequence.checks.options import check_names
from recurrax.sequence.checks.sequence import check_sequence, layout_of
from recurrax.sequence.options import Run, RunInputs
from recurrax.sequence.padding import where
from recurrax.sequence.prepare import as_options, check_arguments, one_step
from recurrax.sequence.run import run_layer

CALLER = "rx.Stream"
OPTIONS = ("dtype", "carry_dtype", "method", "chunk")


class Stream:
    """A cell at work on an endless sequence: pass inputs as they come, the stream keeps the carry.

    The buffers of the carry are donated from call to call, so that a stream lives in constant
    memory; arrays that the caller passes are never donated. Calls of one shape share one trace.
    Outputs are those of :func:`recurrax.unroll` over the whole sequence, in evaluation.

    Args:
      cell: any cell with a ``step``.
      params: its parameters.
      batch_shape: the batch axes of every input.
      carry: the carry to start from, ``None`` for the cell's own.
      options: ``dtype``, ``carry_dtype``, ``method`` and ``chunk`` of :func:`recurrax.unroll`.

    Attributes:
      carry: the carry now; assign to it to continue from another one.

    Example:
      >>> import jax
      >>> import recurrax as rx
      >>> cell = rx.GRU(8)
      >>> stream = rx.Stream(cell, cell.init(jax.random.key(0), 3), batch_shape=(2,))
      >>> y = stream(jax.numpy.ones((2, 3)))               # one step
      >>> ys = stream.unroll(jax.numpy.ones((2, 50, 3)))   # fifty more
      >>> y.shape, ys.shape
      ((2, 8), (2, 50, 8))
    """

    def __init__(
        self,
        cell: Layer,
        params: Any,
        batch_shape: tuple[int, ...] = (),
        carry: Any = None,
        **options: Any,
    ):
        check_forward(CALLER, cell, "a stream needs")
        check_names(CALLER, options, OPTIONS)
        self.cell, self.params = cell, params
        self.batch_shape = checks.as_batch_shape(cell, batch_shape)
        self._time = len(self.batch_shape) + 1 - cell.num_feature_axes  # space comes after time
        self._options = as_options(CALLER, cell, self._time, **options)
        start = cell.initial_carry_from(params, self.batch_shape)
        if carry is not None:
            self._check_carry(carry)
            start = carry
        self._start = start
        self._traced = any(isinstance(a, Tracer) for a in jax.tree.leaves((params, start)))
        self._carry: Any = None

    @property
    def carry(self) -> Any:
        """The carry after the last input; a copy, which later inputs leave alone."""
        carry = self._start if self._carry is None else self._carry
        return jax.tree.map(jnp.copy, carry)

    @carry.setter
    def carry(self, carry: Any) -> None:
        self._check_carry(carry)
        self._carry = jax.tree.map(jnp.copy, carry)  # its buffers will be donated

    def reset(self, rows: Any = None) -> None:
        """Puts the first carry back, in all rows or where the boolean ``rows`` are true."""
        if rows is None:
            self._carry = None
            return
        batch = self.batch_shape[: self._time]
        check_flags(CALLER, "rows", rows, batch, "batch axes of the stream")
        carry = self.carry
        start = jax.tree.map(lambda s, c: s.astype(c.dtype), self._start, carry)
        self._carry = where(jnp.asarray(rows), start, carry)

    def __call__(self, x: Any) -> Any:
        """One step: ``x`` is ``(*batch, in_features)``, the output ``(*batch, out_features)``."""
        self._check_batch("x", x, "")
        xs = jax.tree.map(lambda a: jnp.expand_dims(a, self._time), x)
        ys = self._advance(xs, RunInputs())
        return jax.tree.map(lambda a: jnp.squeeze(a, self._time), ys)

    def unroll(self, xs: Any, *, lengths: Any = None, mask: Any = None, resets: Any = None) -> Any:
        """Several steps: ``xs`` is ``(*batch, time, in_features)``.

        ``lengths``, ``mask`` and ``resets`` are those of :func:`recurrax.unroll`; a reset puts the
        first carry back.
        """
        names, cell = ArgumentNames(CALLER), self.cell
        self._check_batch("xs", xs, "time, ")
        time = check_sequence(names, xs, self._time, cell.num_feature_axes)
        layout = layout_of(xs, time, cell.num_feature_axes)
        inputs = as_inputs(names, cell, RunInputs(lengths, mask, resets), layout)
        if resets is not None:
            inputs = inputs._replace(reset_carry=self._start)
        return self._advance(xs, inputs)

    def _advance(self, xs: Any, inputs: RunInputs) -> Any:
        run = Run(CALLER, self._options, inputs)
        if self._carry is None:  # the first carry may be the caller's: it is never donated
            self._carry, ys = _first(self.cell, run, self._start, self.params, xs)
        else:
            self._carry, ys = _next(self.cell, run, self._carry, self.params, xs)
        return ys

    def _check_carry(self, carry: Any) -> None:
        checks.check_carry(CALLER, carry, checks.carry_like(self.cell, self.batch_shape))

    def _check_batch(self, name: str, x: Any, time: str) -> None:
        """Inputs must have the batch axes of the stream."""
        axes = len(self.batch_shape)
        for leaf in jax.tree.leaves(x):
            checks.array(CALLER, name, leaf)
            if isinstance(leaf, Tracer) and not self._traced:
                raise TypeError(
                    f"{CALLER}: {name} is traced, but a stream keeps its carry and cannot be used "
                    "inside jax.jit or another transformation; use rx.unroll there."
                )
            at = self._time
            before = leaf.shape[:at] + leaf.shape[at + bool(time) : -1]
            if leaf.ndim != axes + bool(time) + 1 or before != self.batch_shape:
                sizes = [f"{size}, " for size in self.batch_shape]
                batch, time = "".join(sizes[:at]), time + "".join(sizes[at:])
                raise ValueError(
                    f"{CALLER}: {name} must have shape ({batch}{time}in_features), beginning with "
                    f"the batch axes of the stream; got {checks.describe_shape(leaf)}."
                )


def _run(cell: Layer, run: Run, carry: Any, params: Any, xs: Any) -> tuple[Any, Any]:
    """The steps of one call; parameters are checked once for each trace."""
    x = one_step(xs, run.options.time)
    check_arguments(ArgumentNames(CALLER, "x"), cell, params, carry, x)
    result = run_layer(cell, run, params, xs, carry)
    return result.carry, result.ys


_first = partial(jax.jit, static_argnums=0)(_run)
_next = partial(jax.jit, static_argnums=0, donate_argnums=2)(_run)
