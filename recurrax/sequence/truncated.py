"""Backpropagation truncated in time (Williams & Peng 1990; Sutskever 2013, section 2.8.6)."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from recurrax.cell.cell import Layer
from recurrax.sequence.checks import check_forward, check_given, check_sequence
from recurrax.sequence.how import RunInputs, RunOptions
from recurrax.sequence.unroll import unroll

WHO = "rx.unroll_truncated"


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

    Values are those of ``unroll``. For gradients the sequence is cut into pieces of ``k1`` steps:
    the outputs of a piece depend on the parameters and inputs of its own steps and of the ``k2 -
    k1`` steps before it, and take the carry before those as given.

    Args:
      cell, params, xs, carry, lengths, mask, resets, reset_carry, time_axis: as for ``unroll``.
      k1: steps per piece; the last piece may be shorter.
      k2: how many steps back from the end of a piece gradients reach, a multiple of ``k1``, which
        is the default. The steps before a piece are run again for it: ``k2 / k1`` of the work.
      options: more of the arguments of ``unroll``: ``pad``, ``dtype``, ``method``, ``chunk``, ...

    Returns:
      ``(carry, ys)`` as ``unroll``. No gradient flows from the outputs of a later piece into the
      first carry, so a training loop may hand the last carry on as it is.

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
    check_forward(WHO, cell, "truncated gradients need")
    check_sequence(WHO, "xs", xs, time_axis, cell.num_feature_axes)
    k2 = k1 if k2 is None else k2
    check_pieces(k1, k2)
    for name in ("reverse", "order", "return_carries", "key", "residuals"):
        if name in options:
            raise TypeError(
                f"{WHO}: {name} cannot be combined with truncated gradients; use rx.unroll."
            )
    first = jax.tree.leaves(xs)[0]
    time = time_axis % first.ndim
    steps = first.shape[time]
    beside = {"mask": mask, "resets": resets}
    options = {**options, "time_axis": time_axis}
    given = RunInputs(lengths, mask, resets, reset_carry)
    given = check_given(
        WHO, cell, given, RunOptions(time), first.shape, cell.num_feature_axes, "xs"
    )
    lengths = None if lengths is None else jnp.asarray(given.lengths, jnp.int32)
    carry, _ = unroll(cell, params, cut(xs, time_axis, 0, 0), carry, **options)  # with its dtypes
    start = carry if reset_carry is None else reset_carry

    def run(carry: Any, begin: Any, size: int) -> tuple[Any, Any]:
        """The steps from ``begin`` on."""
        given: dict[str, Any] = {
            name: cut(flags, time, begin, size)
            for name, flags in beside.items()
            if flags is not None
        }
        if lengths is not None:
            given["lengths"] = jnp.clip(lengths - begin, 0, size)
        if resets is not None:
            given["reset_carry"] = start
        return unroll(cell, params, cut(xs, time_axis, begin, size), carry, **given, **options)

    def piece(borders: list[Any], begin: Any, size: int, new: int) -> tuple[Any, Any, Any]:
        """The last ``new`` of ``size`` steps; borders are the carries before the last pieces."""
        carry, ys = run(borders[0], begin, size)
        borders = [*borders, lax.stop_gradient(carry)]
        return borders[-(k2 // k1) :], carry, cut(ys, time, size - new, new)

    borders, last, outputs = [carry], carry, []
    early = min(k2 // k1 - 1, steps // k1)  # pieces with less than k2 - k1 steps before them
    for i in range(early):
        borders, last, ys = piece(borders, 0, (i + 1) * k1, k1)
        outputs.append(ys)
    whole = steps // k1 - early
    if whole:

        def body(state: Any, i: Any) -> tuple[Any, Any]:
            borders, last, ys = piece(state[0], i * k1, k2, k1)
            return (borders, last), ys

        (borders, last), ys = lax.scan(body, (borders, last), jnp.arange(whole, dtype=jnp.int32))
        outputs.append(jax.tree.map(lambda a: joined(a, time), ys))
    rest = steps % k1
    if rest or not outputs:
        begin = max(steps - rest - (k2 - k1), 0)
        borders, last, ys = piece(borders, begin, steps - begin, rest)
        outputs.append(ys)
    return last, jax.tree.map(lambda *a: jnp.concatenate(a, time), *outputs)


def check_pieces(k1: Any, k2: Any) -> None:
    for name, value in (("k1", k1), ("k2", k2)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{WHO}: {name} must be a positive number of steps; got {value!r}.")
    if k2 % k1:
        raise ValueError(f"{WHO}: k2 must be a multiple of k1={k1}; got {k2}.")


def cut(tree: Any, axis: int, begin: Any, size: int) -> Any:
    """``size`` steps from ``begin`` on."""
    return jax.tree.map(
        lambda a: lax.dynamic_slice_in_dim(jnp.asarray(a), begin, size, axis % a.ndim), tree
    )


def joined(pieces: Any, time: int) -> Any:
    """``(pieces, ..., steps, ...)`` as one sequence."""
    array = jnp.moveaxis(pieces, 0, time)
    return array.reshape(*array.shape[:time], -1, *array.shape[time + 2 :])
