"""``scan``: a drop-in for ``jax.lax.scan`` that chooses how the loop is evaluated."""

import operator
from collections.abc import Callable
from typing import Any

import jax

from recurrax.evaluators import EVALUATORS, boundaries, reference
from recurrax.evaluators.contract import context_here
from recurrax.evaluators.recurrence import recurrence
from recurrax.program.errors import Unsupported
from recurrax.program.frontend.trace import ScanCall, trace
from recurrax.program.frontend.weak_types import as_weak, cast_to
from recurrax.program.schedule import plan_of
from recurrax.program.step import Policy, Step

METHODS = ("auto", "scan", "chunked", "associative")
RESIDUALS = ("auto", "carries", "boundaries")


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
    _split_transpose: bool = False,
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
      unroll: how many steps one iteration of a loop runs, as in ``jax.lax.scan``.
      _split_transpose: passed on to ``jax.lax.scan`` where that runs the step; a compiled step
        always splits its transpose, which is what the option asks for.
      method: how to evaluate. ``"chunked"`` compiles the step: what does not need the carry leaves
        the loop, products are fused, the backward pass keeps little (``residuals``;
        :func:`recurrax.explain` shows the plan). ``"scan"`` is the reference, ``jax.lax.scan``
        itself. ``"associative"`` runs in parallel over time what is linear in the carry, entry by
        entry, as minGRU or an LRU are; its memory grows with the number of steps. ``"auto"`` is
        the fastest of these on the current device, and never fails where ``jax.lax.scan`` works.
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
        effects or control flow), or ``method="associative"`` for one that is not linear in its
        carry, entry by entry.

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
    policy = Policy(method, chunk, residuals, as_unroll("rx.scan", unroll))
    call = ScanCall(f, init, xs, length, reverse)
    return run_scan(call, policy, "rx.scan", _split_transpose=_split_transpose)


def run_scan(
    call: ScanCall, policy: Policy, caller: str, *, _split_transpose: bool = False
) -> tuple[Any, Any]:
    """``scan`` with time on any axis; ``caller`` is the function that error messages name."""
    check_policy(caller, policy)
    options = {"unroll": policy.unroll, "_split_transpose": _split_transpose}
    without_jit = jax.config.jax_disable_jit  # type: ignore[attr-defined]
    if policy.method == "scan" or (without_jit and policy.method == "auto"):
        return reference.run(call, **options)
    try:
        traced = trace(call)
    except Unsupported as error:
        check_fallback(caller, policy, error.reason)
        return reference.run(call, **options)
    step = traced.step
    if policy.method == "associative":
        check_parallel(caller, step, policy)
    operands = step.operands(cast_to(traced.operands, [v.dtype for v in step.body.inputs.flat]))
    run = boundaries.run if policy.residuals == "boundaries" else recurrence
    return jax.tree.unflatten(traced.tree, as_weak(run(operands, step, policy), traced.weak))


def check_fallback(caller: str, policy: Policy, reason: str) -> None:
    """Raises if what was asked for needs a compiled step."""
    if policy.method in ("chunked", "associative"):
        asked = f"method={policy.method!r}"
    elif policy.residuals == "boundaries":
        asked = "residuals='boundaries'"
    else:
        return
    raise ValueError(
        f"{caller}: {asked} cannot run this step: {reason}. Use method='auto' with "
        "residuals='auto', which falls back to jax.lax.scan."
    )


def check_parallel(caller: str, step: Step, policy: Policy) -> None:
    """Raises unless every loop of the step can run in parallel over time."""
    context = context_here(step, policy)
    evaluator = next(e for e in EVALUATORS if e.name == policy.method)
    for loop in plan_of(step.body).loops:
        reason = evaluator.can_run(loop, context)
        if reason:
            raise ValueError(
                f"{caller}: method={policy.method!r} cannot run this step: {reason}. Use "
                "method='auto', which runs it step by step."
            )


def check_policy(caller: str, policy: Policy) -> None:
    """Raises unless the method can serve, and ``chunk`` and ``residuals`` mean something to it."""
    method, chunk, residuals = policy.method, policy.chunk, policy.residuals
    if residuals not in RESIDUALS:
        raise ValueError(
            f"{caller}: residuals must be one of {', '.join(RESIDUALS)}; got {residuals!r}."
        )
    if method not in METHODS:
        raise ValueError(f"{caller}: method must be one of {', '.join(METHODS)}; got {method!r}.")
    if residuals != "auto" and method == "scan":
        raise ValueError(
            f"{caller}: residuals={residuals!r} has no meaning with method='scan', which saves "
            "what JAX's own rule saves; drop one of the two."
        )
    if chunk is None:
        return
    if isinstance(chunk, bool) or not isinstance(chunk, int) or chunk < 1:
        raise ValueError(f"{caller}: chunk must be a positive number of time steps; got {chunk!r}.")
    if method == "scan":
        raise ValueError(
            f"{caller}: chunk={chunk} has no meaning with method='scan', which takes one step at a "
            "time; drop one of the two."
        )


def as_unroll(caller: str, unroll: Any) -> int:
    """The number of steps per iteration, 0 for all of them, from what ``jax.lax.scan`` takes."""
    if isinstance(unroll, bool):
        return 0 if unroll else 1
    try:
        steps = operator.index(unroll)
    except TypeError:
        steps = -1
    if steps < 0:
        raise ValueError(
            f"{caller}: unroll must be a number of time steps (0: all of them) or a bool; "
            f"got {unroll!r}."
        )
    return steps
