"""Streaming: a cell that keeps its carry from call to call."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

from recurrax.cell import checks
from recurrax.cell.cell import Layer
from recurrax.program.step import Policy
from recurrax.scan import check_policy
from recurrax.sequence.checks import (
    as_carry_dtype,
    as_dtype,
    check_forward,
    check_given,
    check_sequence,
    check_steps,
    first_step,
)
from recurrax.sequence.how import RunInputs, RunOptions
from recurrax.sequence.padding import where
from recurrax.sequence.unroll import unroll

WHO = "rx.Stream"


class Stream:
    """A cell at work on an endless sequence: give it inputs as they come, it keeps the carry.

    The buffers of the carry are donated from call to call, so that a stream lives in constant
    memory; what the caller gave stays the caller's. Calls of one shape share one trace. Outputs are
    those of :func:`recurrax.unroll` over the whole sequence, in evaluation.

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
        check_forward(WHO, cell, "a stream needs")
        unknown = sorted(set(options) - {"dtype", "carry_dtype", "method", "chunk"})
        if unknown:
            raise TypeError(
                f"{WHO}: unknown options {', '.join(unknown)}; there are dtype, carry_dtype, "
                "method and chunk."
            )
        options["dtype"] = as_dtype(WHO, "dtype", options.get("dtype"))
        options["carry_dtype"] = as_carry_dtype(WHO, cell, options.get("carry_dtype"))
        check_policy(WHO, Policy(options.get("method", "auto"), options.get("chunk")))
        self.cell, self.params = cell, params
        self._options = tuple(sorted(options.items()))
        self.batch_shape = checks.as_batch_shape(cell, batch_shape)
        self._time = len(self.batch_shape) + 1 - cell.num_feature_axes  # space comes after time
        start = cell.initial_carry_from(params, self.batch_shape)
        if carry is not None:
            checks.check_carry(WHO, carry, checks.carry_like(cell, self.batch_shape))
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
        checks.check_carry(WHO, carry, checks.carry_like(self.cell, self.batch_shape))
        self._carry = jax.tree.map(jnp.copy, carry)  # its buffers will be donated

    def reset(self, rows: Any = None) -> None:
        """Puts the first carry back, in all rows or where the boolean ``rows`` hold."""
        if rows is None:
            self._carry = None
            return
        rows = check_steps(
            WHO, "rows", rows, self.batch_shape[: self._time], "the stream", "batch axes"
        )
        carry = self.carry
        start = jax.tree.map(lambda s, c: s.astype(c.dtype), self._start, carry)
        self._carry = where(jnp.asarray(rows), start, carry)

    def __call__(self, x: Any) -> Any:
        """One step: ``x`` is ``(*batch, in_features)``, the output ``(*batch, out_features)``."""
        self._check_batch("x", x, "")
        xs = jax.tree.map(lambda a: jnp.expand_dims(a, self._time), x)
        ys = self.unroll(xs)
        return jax.tree.map(lambda a: jnp.squeeze(a, self._time), ys)

    def unroll(self, xs: Any, *, lengths: Any = None, mask: Any = None, resets: Any = None) -> Any:
        """Several steps: ``xs`` is ``(*batch, time, in_features)``.

        ``lengths``, ``mask`` and ``resets`` are those of :func:`recurrax.unroll`; a reset puts the
        first carry back.
        """
        self._check_batch("xs", xs, "time, ")
        check_sequence(WHO, "xs", xs, self._time, self.cell.num_feature_axes)
        if not (lengths is mask is resets is None):
            how, given = RunOptions(self._time), RunInputs(lengths, mask, resets)
            shape = jax.tree.leaves(xs)[0].shape
            check_given(WHO, self.cell, given, how, shape, self.cell.num_feature_axes, "xs")
        beside = {"lengths": lengths, "mask": mask, "resets": resets}
        if resets is not None:
            beside["reset_carry"] = self._start
        # The first carry may be the caller's, or one array in two places: never donated.
        run = _first if self._carry is None else _next
        carry = self._start if self._carry is None else self._carry
        self._carry, ys = run(self.cell, self._options, carry, self.params, xs, beside)
        return ys

    def _check_batch(self, name: str, x: Any, time: str) -> None:
        """Inputs must have the batch axes of the stream."""
        axes = len(self.batch_shape)
        for leaf in jax.tree.leaves(x):
            checks.array(WHO, name, leaf)
            if isinstance(leaf, Tracer) and not self._traced:
                raise TypeError(
                    f"{WHO}: {name} is traced, but a stream keeps its carry and cannot be used "
                    "inside jax.jit and its like; use rx.unroll there."
                )
            at = self._time
            before = leaf.shape[:at] + leaf.shape[at + bool(time) : -1]
            if leaf.ndim != axes + bool(time) + 1 or before != self.batch_shape:
                sizes = [f"{size}, " for size in self.batch_shape]
                batch, time = "".join(sizes[:at]), time + "".join(sizes[at:])
                raise ValueError(
                    f"{WHO}: {name} must have shape ({batch}{time}in_features), beginning with the "
                    f"batch axes of the stream; got {checks.describe_shape(leaf)}."
                )


def _run(cell: Layer, pairs: Any, carry: Any, params: Any, xs: Any, beside: Any) -> Any:
    options = dict(pairs)
    if isinstance(options["carry_dtype"], tuple):  # by field
        options["carry_dtype"] = dict(options["carry_dtype"])
    batch = jax.tree.leaves(xs)[0].ndim - 1 - cell.num_feature_axes
    checks.arguments(cell, WHO, params, carry, first_step(xs, batch), "x")  # while it is traced
    return unroll(cell, params, xs, carry, time_axis=batch, **beside, **options)


_first = partial(jax.jit, static_argnums=(0, 1))(_run)
_next = partial(jax.jit, static_argnums=(0, 1), donate_argnums=2)(_run)
