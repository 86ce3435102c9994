"""``scan``: a drop-in for ``jax.lax.scan`` that chooses how the loop is evaluated."""

from collections.abc import Callable
from typing import Any

import jax

from recurrax.evaluators import borders, recurrence, reference
from recurrax.program.numbers import typed, weakened
from recurrax.program.program import program_of
from recurrax.program.step import Step
from recurrax.program.trace import NotUnderstood, trace

METHODS = ("auto", "scan", "chunked", "associative", "newton", "kernel")
AVAILABLE = ("auto", "scan", "chunked", "associative")
RESIDUALS = ("auto", "carries", "boundaries")


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    *,
    method: str = "auto",
    chunk: int | None = None,
    residuals: str = "auto",
) -> tuple[Any, Any]:
    """Runs a step function over time, with the signature and the results of ``jax.lax.scan``.

    The meaning is that of this loop::

        carry, ys = init, []
        for x in xs:
            carry, y = f(carry, x)
            ys.append(y)
        return carry, stack(ys)

    Args:
      f: the step, ``(carry, x) -> (carry, y)``. Parameters may be closed over, or travel in the
        carry or in ``xs``; any pytree is fine.
      init: the first carry. Structure, shapes and dtypes must be those that ``f`` returns.
      xs: a pytree of arrays whose leading axis is time, or ``None`` with ``length`` given.
      length: the number of steps; needed only when ``xs`` has no arrays.
      reverse: run from the last step to the first; ``ys`` stays in the order of ``xs``.
      method: how to evaluate. ``"chunked"`` compiles the step: what does not need the carry leaves
        the loop, products are fused, the backward pass keeps little (``residuals``;
        :func:`recurrax.explain` shows the plan). ``"scan"`` is the reference, ``jax.lax.scan``
        itself. ``"associative"`` runs in parallel over time what is linear in the carry, entry by
        entry, as minGRU or an LRU are; its memory grows with the number of steps. ``"auto"`` is
        the fastest of these on the device at hand, and never fails where ``jax.lax.scan`` works.
      chunk: the number of time steps that the chunked evaluator takes at once, any number from 1;
        ``None`` lets it choose from the sizes.
      residuals: what the forward pass saves for the backward pass: the ``"carries"`` of all steps,
        or only those at the ``"boundaries"`` of chunks (of ``chunk`` steps, or of the square root
        of their number), which bounds memory and costs one more forward pass. ``"auto"`` saves the
        carries, and the gates of a matmul whose contraction is 512 or longer, which cost more to
        compute again than to save.

    Returns:
      ``(carry, ys)``: the last carry, and the outputs stacked along a new leading axis.

    Raises:
      ValueError: for an unknown or unavailable ``method``, a ``chunk`` or ``residuals`` that cannot
        be used, ``method="chunked"`` for a step that only ``jax.lax.scan`` can run (one with
        effects, control flow, random keys, or a ``custom_vjp``), or ``method="associative"`` for
        one that is not linear in its carry, entry by entry.

    Example:
      >>> import jax.numpy as jnp
      >>> import recurrax as rx
      >>> def cumulative_sum(total, x):
      ...     total = total + x
      ...     return total, total
      >>> total, sums = rx.scan(cumulative_sum, jnp.zeros(()), jnp.array([1.0, 2.0, 3.0]))
      >>> print(total, sums)
      6.0 [1. 3. 6.]
    """
    return scan_along("rx.scan", f, init, xs, length, reverse, method, chunk, residuals, 0, 0)


def scan_along(
    who: str,
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    length: int | None,
    reverse: bool,
    method: str,
    chunk: int | None,
    residuals: str,
    x_axis: int,
    y_axis: int,
) -> tuple[Any, Any]:
    """``scan`` with time on ``x_axis`` of all arrays of ``xs`` and on ``y_axis`` of all outputs."""
    check_method(who, method, chunk, residuals)
    if method == "scan":
        return reference.run(f, init, xs, length, reverse, x_axis, y_axis)
    traced = trace(f, init, xs, length, reverse, x_axis, y_axis, chunk, residuals == "auto", method)
    if isinstance(traced, NotUnderstood):
        if method in ("chunked", "associative") or residuals == "boundaries":
            asked = f"method={method!r}" if method != "auto" else "residuals='boundaries'"
            raise ValueError(
                f"{who}: {asked} cannot run this step: {traced.reason}. Use method='auto' with "
                "residuals='auto', which falls back to jax.lax.scan."
            )
        return reference.run(f, init, xs, length, reverse, x_axis, y_axis)
    if method == "associative":
        check_parallel(who, traced.step)
    operands = typed(traced.operands, traced.step.jaxpr.in_avals)
    if residuals == "boundaries":
        out = borders.run(operands, traced.step, chunk)
    else:
        out = recurrence.recurrence_p.bind(*operands, step=traced.step)
    return jax.tree.unflatten(traced.tree, weakened(out, traced.weak))


def check_parallel(who: str, step: Step) -> None:
    """Raises unless every loop of the step can run in parallel over time."""
    program = program_of(step)
    for kind in map(program.kind_of, program.loops):
        if not kind.parallel:
            why = (
                "is not linear in its carry"
                if not kind.linear
                else "is linear, but entries of its carry meet in a product or a sum, and whole "
                "matrices would have to be multiplied"
            )
            raise ValueError(
                f"{who}: method='associative' cannot run this step: its loop {why}. Use "
                "method='auto', which runs it step by step."
            )


def check_method(who: str, method: str, chunk: int | None, residuals: str = "auto") -> None:
    """Raises unless ``method`` can serve, and ``chunk`` and ``residuals`` mean something to it."""
    if residuals not in RESIDUALS:
        raise ValueError(
            f"{who}: residuals must be one of {', '.join(RESIDUALS)}; got {residuals!r}."
        )
    if residuals != "auto" and method == "scan":
        raise ValueError(
            f"{who}: residuals={residuals!r} has no meaning with method='scan', which keeps what "
            "JAX's own rule keeps; drop one of the two."
        )
    if method not in METHODS:
        raise ValueError(f"{who}: method must be one of {', '.join(METHODS)}; got {method!r}.")
    if method not in AVAILABLE:
        raise ValueError(
            f"{who}: method={method!r} is not part of this version; use 'auto' (the best there is) "
            "or 'scan' (the reference)."
        )
    if chunk is None:
        return
    if isinstance(chunk, bool) or not isinstance(chunk, int) or chunk < 1:
        raise ValueError(f"{who}: chunk must be a positive number of time steps; got {chunk!r}.")
    if method == "scan":
        raise ValueError(
            f"{who}: chunk={chunk} has no meaning with method='scan', which takes one step at a "
            "time; drop one of the two."
        )
