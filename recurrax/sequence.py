"""``unroll``: a cell over a whole sequence."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from recurrax.cells import checks
from recurrax.cells.cell import Cell
from recurrax.cells.options import name_of
from recurrax.cells.params import describe
from recurrax.scan import check_method, scan_along

WHO = "rx.unroll"


def unroll(
    cell: Cell,
    params: Any,
    xs: Any,
    carry: Any = None,
    *,
    lengths: Any = None,
    mask: Any = None,
    resets: Any = None,
    reverse: bool = False,
    time_axis: int = -2,
    method: str = "auto",
    chunk: int | None = None,
    keep: str = "auto",
    return_carries: bool = False,
) -> tuple[Any, Any]:
    """Runs ``cell`` over the time axis of ``xs``.

    Args:
      cell: any :class:`recurrax.Cell`.
      params: its parameters, from ``cell.init(key, in_features)``.
      xs: floating, ``(*batch, time, in_features)``, with any number of batch axes; or a pytree of
        inputs that the cell accepts.
      carry: the carry before the first step, leaves ``(*batch, features)``; ``None`` for
        ``cell.initial_carry``, in the dtype that parameters and inputs promote to.
      lengths, mask, resets: not available yet; an error if given.
      reverse: run from the last step to the first. Outputs stay in the order of ``xs``.
      time_axis: the axis of time in every array of ``xs`` and in every output; 0 is time-major.
      method, chunk, keep: how to evaluate; see :func:`recurrax.scan`.
      return_carries: return the carries after every step, with a time axis, in place of the last.

    Returns:
      ``(carry, ys)``: the last carry (or all of them), and the outputs
      ``(*batch, time, out_features)``. With no time steps, the initial carry and empty outputs.

    Raises:
      ValueError, TypeError: naming the argument, what was expected and what came.

    Example:
      >>> import jax
      >>> import recurrax as rx
      >>> cell = rx.GRU(features=8)
      >>> params = cell.init(jax.random.key(0), in_features=3)
      >>> xs = jax.random.normal(jax.random.key(1), (32, 50, 3))
      >>> carry, ys = rx.unroll(cell, params, xs)
      >>> ys.shape, carry.h.shape
      ((32, 50, 8), (32, 8))
    """
    check_cell(WHO, cell)
    not_available(WHO, lengths=lengths, mask=mask, resets=resets)
    check_flag(WHO, "reverse", reverse)
    check_flag(WHO, "return_carries", return_carries)
    check_method(WHO, method, chunk, keep)
    check_sequence(WHO, "xs", xs, time_axis)
    checks.arguments(cell, WHO, params, carry, first_step(xs, time_axis), "xs")
    return _unroll(cell, params, xs, carry, reverse, time_axis, method, chunk, keep, return_carries)


@partial(jax.jit, static_argnums=(0, 4, 5, 6, 7, 8, 9))
def _unroll(
    cell: Cell,
    params: Any,
    xs: Any,
    carry: Any,
    reverse: bool,
    time_axis: int,
    method: str,
    chunk: int | None,
    keep: str,
    return_carries: bool,
) -> tuple[Any, Any]:
    """Static arguments compare by value, so equal specifications share one trace."""
    x0 = first_step(xs, time_axis)
    if carry is None:
        batch_shape = jax.tree.leaves(x0)[0].shape[:-1]
        carry = checks.cast_floating(cell.initial_carry(batch_shape), promoted(params, xs))
    check_step_keeps_carry(WHO, cell, params, carry, x0)

    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        carry, y = cell.step(params, carry, x)
        return carry, (carry, y) if return_carries else (None, y)

    carry, (carries, ys) = scan_over_time(
        WHO, step, carry, xs, time_axis, reverse=reverse, method=method, chunk=chunk, keep=keep
    )
    return (carries if return_carries else carry), ys


def scan_over_time(
    who: str,
    step: Any,
    carry: Any,
    xs: Any,
    time_axis: int,
    *,
    reverse: bool,
    method: str,
    chunk: int | None,
    keep: str = "auto",
) -> tuple[Any, Any]:
    """``scan`` along another axis than the first; outputs have time where ``xs`` has it."""
    first = jax.tree.leaves(xs)[0]
    position = time_axis % first.ndim  # counted from the front: outputs may have another rank
    xs = jax.tree.map(lambda a: jnp.moveaxis(a, time_axis, position), xs)  # the same in all arrays
    return scan_along(who, step, carry, xs, None, reverse, method, chunk, keep, position, position)


def promoted(*trees: Any) -> Any:
    """The dtype that all floating arrays promote to."""
    leaves = jax.tree.leaves(trees)
    return jnp.result_type(*[a.dtype for a in leaves if jnp.issubdtype(a.dtype, jnp.floating)])


def first_step(xs: Any, time_axis: int) -> Any:
    """Shapes and dtypes of one step of ``xs``."""

    def without_time(a: Any) -> jax.ShapeDtypeStruct:
        axis = time_axis % a.ndim
        return jax.ShapeDtypeStruct(a.shape[:axis] + a.shape[axis + 1 :], a.dtype)

    return jax.tree.map(without_time, xs)


def check_cell(who: str, cell: Any) -> None:
    """A cell must be a specification that can be compared and hashed."""
    if not isinstance(cell, Cell):
        hint = f" Did you mean {cell.__name__}(features)?" if isinstance(cell, type) else ""
        raise TypeError(f"{who}: cell must be a recurrax cell; got {describe(cell)}.{hint}")
    try:
        hash(cell)
    except TypeError as error:
        raise TypeError(
            f"{who}: {name_of(cell)} must be hashable: a @dataclass(frozen=True) of sizes "
            f"and options, with all arrays in params ({error})."
        ) from None


def not_available(who: str, **arguments: Any) -> None:
    """Refuses arguments whose meaning is settled but which this version does not serve."""
    for name, value in arguments.items():
        if value is not None:
            raise NotImplementedError(
                f"{who}: {name} is not available in this version, where all sequences of a batch "
                f"have one length and no resets; leave {name} out and cut the sequences by hand."
            )


def check_flag(who: str, name: str, value: Any) -> None:
    """A flag is True or False, not an array that happens to be true."""
    if not isinstance(value, bool):
        raise TypeError(f"{who}: {name} must be True or False; got {describe(value)}.")


def check_sequence(who: str, name: str, xs: Any, time_axis: int) -> None:
    """Every array must have a time axis before its features, and all the same number of steps."""
    if isinstance(time_axis, bool) or not isinstance(time_axis, int):
        raise TypeError(f"{who}: time_axis must be a whole number; got {time_axis!r}.")
    leaves = jax.tree.leaves(xs)
    if not leaves:
        raise ValueError(f"{who}: {name} has no arrays.")
    for leaf in leaves:
        checks.array(who, name, leaf)
        if leaf.ndim < 2:
            raise ValueError(
                f"{who}: {name} must have a time and a feature axis, (*batch, time, in_features); "
                f"got shape {checks.describe_shape(leaf)}."
            )
        axis = time_axis + leaf.ndim if time_axis < 0 else time_axis
        if not 0 <= axis < leaf.ndim - 1:
            raise ValueError(
                f"{who}: time_axis={time_axis} must name an axis of {name} before the last, which "
                f"holds the features; {name} has shape {checks.describe_shape(leaf)}."
            )
    steps = {leaf.shape[time_axis] for leaf in leaves}
    if len(steps) > 1:
        raise ValueError(f"{who}: the arrays of {name} differ in time steps: {sorted(steps)}.")


def check_step_keeps_carry(who: str, cell: Cell, params: Any, carry: Any, x: Any) -> None:
    """A loop needs a step that returns the carry as it took it."""
    new, _ = jax.eval_shape(cell.step, params, carry, x)
    step = f"{name_of(cell)}.step"
    if jax.tree.structure(new) != jax.tree.structure(carry):
        raise TypeError(
            f"{who}: {step} must return the carry as it took it, {jax.tree.structure(carry)}; "
            f"it returned {jax.tree.structure(new)}."
        )
    for (path, old), out in zip(
        jax.tree_util.tree_leaves_with_path(carry), jax.tree.leaves(new), strict=True
    ):
        if old.shape != out.shape or old.dtype != out.dtype:
            raise TypeError(
                f"{who}: carry{jax.tree_util.keystr(path)} is {describe(old)}, but {step} returns "
                f"it as {describe(out)}. Give a carry of {out.dtype}, or cast params and xs to "
                f"{old.dtype}."
                if old.shape == out.shape
                else f"{who}: carry{jax.tree_util.keystr(path)} is {describe(old)}, but {step} "
                f"returns it as {describe(out)}; a step must keep the shape of its carry."
            )
