"""Backpropagation truncated in time (Williams & Peng 1990; Sutskever 2013, section 2.8.6)."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from recurrax.cell.cell import Layer
from recurrax.sequence.checks.layers import check_forward
from recurrax.sequence.checks.names import ArgumentNames
from recurrax.sequence.checks.options import check_names
from recurrax.sequence.engine import valid_steps
from recurrax.sequence.options import Run, RunInputs, RunResult
from recurrax.sequence.padding import hold_outputs
from recurrax.sequence.prepare import prepare
from recurrax.sequence.run import in_dtypes_of, run_layer

NAMES = ArgumentNames("rx.unroll_truncated")
OPTIONS = ("pad", "dtype", "carry_dtype", "method", "chunk")
UNSUPPORTED = ("reverse", "order", "key", "residuals")


def unroll_truncated(
    cell: Layer,
    params: Any,
    xs: Any,
    carry: Any = None,
    *,
    k1: int,
    k2: int | None = None,
    lengths: Any = None,
    mask: Any = None,
    resets: Any = None,
    reset_carry: Any = None,
    time_axis: int = -2,
    **options: Any,
) -> tuple[Any, Any]:
    """:func:`recurrax.unroll` with gradients that reach a bounded number of steps back.

    Values are those of ``unroll``. For gradients the sequence is cut into segments of ``k1`` steps:
    the outputs of a segment depend on the parameters and inputs of its own steps and of the ``k2 -
    k1`` steps before it; the carry before those is a constant.

    Args:
      cell, params, xs, carry, lengths, mask, resets, reset_carry, time_axis: as for ``unroll``.
      k1: steps per segment; the last segment may be shorter.
      k2: how many steps back from the end of a segment gradients reach, a multiple of ``k1``, which
        is the default. The steps before a segment are run again for it: ``k2 / k1`` of the work.
      options: ``pad``, ``dtype``, ``carry_dtype``, ``method`` and ``chunk`` of ``unroll``.

    Returns:
      ``(carry, ys)`` as ``unroll``. No gradient flows from the outputs of a later segment into the
      first carry, so a training loop may pass the last carry on as it is.

    Example:
      >>> import jax
      >>> import recurrax as rx
      >>> cell = rx.GRU(8)
      >>> params = cell.init(jax.random.key(0), 3)
      >>> xs = jax.numpy.ones((2, 100, 3))
      >>> def loss(params):
      ...     carry, ys = rx.unroll_truncated(cell, params, xs, k1=10, k2=20)
      ...     return (ys**2).mean()
      >>> gradient = jax.grad(loss)(params)
    """
    check_forward(NAMES.caller, cell, "truncated gradients need")
    window = as_window(k1, k2)
    for name in UNSUPPORTED:
        if name in options:
            raise TypeError(
                f"{NAMES.caller}: {name} cannot be combined with truncated gradients; "
                "use rx.unroll."
            )
    check_names(NAMES.caller, options, OPTIONS)
    run, xs = prepare(
        NAMES,
        cell,
        params,
        xs,
        carry,
        inputs=RunInputs(lengths, mask, resets, reset_carry),
        time_axis=time_axis,
        **options,
    )
    result = truncated_run(cell, window, run, (params, xs, carry))
    return result.carry, result.ys


class Window(NamedTuple):
    """How far gradients reach."""

    k1: int
    k2: int


def as_window(k1: Any, k2: Any) -> Window:
    window = Window(k1, k1 if k2 is None else k2)
    for name, value in window._asdict().items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(
                f"{NAMES.caller}: {name} must be a positive number of steps; got {value!r}."
            )
    if window.k2 % k1:
        raise ValueError(f"{NAMES.caller}: k2 must be a multiple of k1={k1}; got {k2}.")
    return window


@partial(jax.jit, static_argnums=(0, 1))
def truncated_run(cell: Layer, window: Window, run: Run, arguments: Any) -> RunResult:
    """Runs segment after segment; ``arguments`` are parameters, sequence and carry."""
    (k1, k2), time = window, run.options.time
    params, xs, carry, _ = in_dtypes_of(run, cell, *arguments)
    steps = jax.tree.leaves(xs)[0].shape[time]

    def segment(boundaries: list[Any], begin: Any, size: int, new: int) -> Any:
        """The last ``new`` of ``size`` steps, and the carries at the last boundaries."""
        part = inputs_of_steps(run, carry, begin, size)
        result = run_layer(cell, part, params, cut(xs, time, begin, size), boundaries[0])
        boundaries = [*boundaries, lax.stop_gradient(result.carry)][-(k2 // k1) :]
        return boundaries, result.carry, cut(result.ys, time, size - new, new)

    boundaries, last, outputs = [carry], carry, []
    early = min(k2 // k1 - 1, steps // k1)  # segments with fewer than k2 - k1 steps before them
    for i in range(early):
        boundaries, last, ys = segment(boundaries, 0, (i + 1) * k1, k1)
        outputs.append(ys)
    whole = steps // k1 - early
    if whole:

        def body(state: Any, i: Any) -> tuple[Any, Any]:
            boundaries, last, ys = segment(state[0], i * k1, k2, k1)
            return (boundaries, last), ys

        indices = jnp.arange(whole, dtype=jnp.int32)
        (boundaries, last), ys = lax.scan(body, (boundaries, last), indices)
        outputs.append(jax.tree.map(lambda a: joined(a, time), ys))
    rest = steps % k1
    if rest or not outputs:
        begin = max(steps - rest - (k2 - k1), 0)
        boundaries, last, ys = segment(boundaries, begin, steps - begin, rest)
        outputs.append(ys)
    ys = jax.tree.map(lambda *a: jnp.concatenate(a, time), *outputs)
    valid = valid_steps(run, xs)
    if run.options.pad == "hold" and valid is not None:
        ys = hold_outputs(ys, valid, time, reverse=False)
    return RunResult(last, ys)


def inputs_of_steps(run: Run, carry: Any, begin: Any, size: int) -> Run:
    """The run over ``size`` steps from ``begin`` on, of a run that starts from ``carry``."""
    inputs, time = run.inputs, run.options.time
    part = {name: cut(getattr(inputs, name), time, begin, size) for name in ("mask", "resets")}
    if inputs.lengths is not None:
        lengths = jnp.asarray(inputs.lengths, jnp.int32)
        part["lengths"] = jnp.clip(lengths - begin, 0, size)
    if inputs.resets is not None and inputs.reset_carry is None:
        part["reset_carry"] = carry
    return run.with_inputs(**part).with_options(pad="zero")  # padding is held over the whole


def cut(tree: Any, axis: int, begin: Any, size: int) -> Any:
    """``size`` steps from ``begin`` on."""
    return jax.tree.map(lambda a: lax.dynamic_slice_in_dim(jnp.asarray(a), begin, size, axis), tree)


def joined(segments: Any, time: int) -> Any:
    """``(segments, ..., steps, ...)`` as one sequence."""
    array = jnp.moveaxis(segments, 0, time)
    return array.reshape(*array.shape[:time], -1, *array.shape[time + 2 :])
