"""The public function."""

from typing import Any

import jax

from recurrax.explain.layers import explain_run, runner_of
from recurrax.explain.report import Explanation
from recurrax.explain.step_report import explain_step
from recurrax.program.errors import Unsupported
from recurrax.program.frontend.trace import ScanCall, trace
from recurrax.program.passes import PASSES
from recurrax.program.step import Policy
from recurrax.scan import as_unroll, check_fallback, check_parallel, check_policy


def explain(f: Any, *args: Any, after: str | None = None, **options: Any) -> Any:
    """Says how :func:`recurrax.scan` runs a step, or how a layer is run; nothing is computed.

    ``rx.explain(f, init, xs, length=None, reverse=False)`` takes a step function and the arguments
    of :func:`recurrax.scan`; ``f`` may close over parameters. ``rx.explain(layer, params, xs,
    lengths=...)`` takes a cell or another layer and the arguments of :func:`recurrax.unroll`. A
    Flax layer takes those of its call: ``rx.explain(linen_layer, variables, inputs)``,
    ``rx.explain(nnx_layer, inputs)``. Arrays may be ``jax.ShapeDtypeStruct``.

    Args:
      f: a step function, a layer of recurrax, or one of its Flax layers.
      args, options: those of the run, ``method``, ``chunk`` and ``residuals`` among them.
      after: the name of a pass of the compiler; ``text`` is then the step after that pass, instead
        of the plan.

    Returns:
      An :class:`Explanation` for a step function; for a layer a :class:`LayerExplanation` that has
      one for each recurrence. They say which matmuls left the loop, which were fused, which
      evaluator runs each loop and why others do not, and what is saved for the backward pass with
      respect to all floating arrays. ``print`` shows a short report; ``.text`` is the whole
      program.

    Raises:
      ValueError: for an unknown pass, or an option that a run would refuse.

    Example:
      >>> import jax
      >>> import recurrax as rx
      >>> from functools import partial
      >>> cell = rx.GRU(16)
      >>> params = cell.init(jax.random.key(0), 8)
      >>> xs = jax.ShapeDtypeStruct((100, 32, 8), "float32")
      >>> plan = rx.explain(partial(cell.step, params), cell.initial_carry((32,)), xs)
      >>> plan.method, len(plan.forward.loops), plan.forward.loops[0].stages
      ('chunked', 1, 1)
      >>> plan.forward.prelude[0].parts  # x W of three gates, for many steps at once
      3
    """
    names = [p.__name__ for p in PASSES]
    if after is not None and after not in names:
        raise ValueError(
            f"rx.explain: after must be one of {', '.join(dict.fromkeys(names))}; got {after!r}."
        )
    run = runner_of(f)
    if run is not None:
        return explain_run(run, (f, *args), options, after)
    return explain_function(f, *args, after=after, **options)


def explain_function(
    f: Any,
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    *,
    after: str | None,
    method: str = "auto",
    chunk: int | None = None,
    residuals: str = "auto",
    unroll: int | bool = 1,
) -> Explanation:
    """The explanation of a step function."""
    caller = "rx.explain"
    policy = Policy(method, chunk, residuals, as_unroll(caller, unroll))
    check_policy(caller, policy)
    init, xs = jax.tree.map(abstract, (init, xs))
    if method == "scan":
        return Explanation("scan", "method='scan' was asked for", length)
    try:
        traced = trace(ScanCall(f, init, xs, length, reverse))
    except Unsupported as error:
        check_fallback(caller, policy, error.reason)
        return Explanation("scan", error.reason, length)
    if method == "associative":
        check_parallel(caller, traced.step, policy)
    return explain_step(traced.step, policy, traced.hoisted, after)


def abstract(a: Any) -> Any:
    """Arrays and shapes as they are; NumPy's arrays and numbers as JAX's."""
    return a if isinstance(a, (jax.Array, jax.ShapeDtypeStruct)) else jax.numpy.asarray(a)
