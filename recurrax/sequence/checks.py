"""The entrance checks of a run over time."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from recurrax.cell import checks
from recurrax.cell.cell import Layer, Noise
from recurrax.cell.checks import as_dtype
from recurrax.cell.options import instead, name_of
from recurrax.cell.params import describe
from recurrax.program.step import Policy
from recurrax.scan import check_policy
from recurrax.sequence.how import ORDERS, PADS, RunInputs, RunOptions
from recurrax.sequence.lengths import clamped
from recurrax.sequence.precision import field_of


def check_layer(who: str, cell: Any) -> None:
    """A cell must be a specification that can be compared and hashed."""
    if not isinstance(cell, Layer):
        hint = instead(cell, Layer)
        raise TypeError(f"{who}: cell must be a recurrax cell; got {describe(cell)}.{hint}")
    try:
        hash(cell)
    except TypeError as error:
        raise TypeError(
            f"{who}: {name_of(cell)} must be hashable: a @dataclass(frozen=True) of sizes "
            f"and options, with all arrays in params ({error})."
        ) from None


def check_forward(who: str, cell: Any, needs: str) -> None:
    """A cell that can be driven step by step, from the first one on."""
    check_layer(who, cell)
    if not cell.has_step:
        raise ValueError(
            f"{who}: {name_of(cell)} runs in both directions and needs the whole sequence; "
            f"{needs} a cell that runs forward."
        )


def check_flag(who: str, name: str, value: Any) -> None:
    """A flag is True or False, not an array that happens to be true."""
    if not isinstance(value, bool):
        raise TypeError(f"{who}: {name} must be True or False; got {describe(value)}.")


def check_one_of(who: str, name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in allowed:
        names = " or ".join(map(repr, allowed))
        raise ValueError(f"{who}: {name} must be {names}; got {value!r}.")


def check_how(who: str, how: RunOptions) -> None:
    """Flags and names."""
    check_flag(who, "reverse", how.reverse)
    check_flag(who, "return_carries", how.return_carries)
    check_one_of(who, "pad", how.pad, PADS)
    check_one_of(who, "order", how.order, ORDERS)
    check_policy(who, Policy(how.method, how.chunk, how.residuals))


def check_sequence(who: str, name: str, xs: Any, time_axis: int, num_feature_axes: int = 1) -> None:
    """Every array must have a time axis before its features, and all the same number of steps."""
    space = num_feature_axes - 1
    layout = "(*batch, time, " + "*space, " * bool(space) + "in_features)"
    if isinstance(time_axis, bool) or not isinstance(time_axis, int):
        raise TypeError(f"{who}: time_axis must be a whole number; got {time_axis!r}.")
    leaves = jax.tree.leaves(xs)
    if not leaves:
        raise ValueError(f"{who}: {name} has no arrays.")
    for leaf in leaves:
        concrete(who, name, leaf)
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "OSUMm":  # JAX has none of these
            checks.floating(who, name, leaf)
        if leaf.ndim < num_feature_axes + 1:
            raise ValueError(
                f"{who}: {name} must have a time and a feature axis, {layout}; "
                f"got shape {checks.describe_shape(leaf)}."
            )
        axis = time_axis + leaf.ndim if time_axis < 0 else time_axis
        if space and leaf.ndim - num_feature_axes <= axis < leaf.ndim:
            raise ValueError(
                f"{who}: {name} must be {layout} for this cell, with {space} axes of space; "
                f"time_axis={time_axis} names one of them, or the features, of shape "
                f"{checks.describe_shape(leaf)}. Give the axis of time, time_axis=."
            )
        if not 0 <= axis < leaf.ndim - 1:
            raise ValueError(
                f"{who}: time_axis={time_axis} must name an axis of {name} before the last, which "
                f"holds the features; {name} has shape {checks.describe_shape(leaf)}."
            )
    steps = {leaf.shape[time_axis] for leaf in leaves}
    if len(steps) > 1:
        raise ValueError(f"{who}: the arrays of {name} differ in time steps: {sorted(steps)}.")


def concrete(who: str, name: str, value: Any) -> None:
    """Refuses what is not an array, also what looks like one."""
    checks.array(who, name, value)
    if not isinstance(value, jax.Array | np.ndarray | np.generic):
        described = isinstance(value, jax.ShapeDtypeStruct)
        hint = " Put the call inside jax.eval_shape." if described else ""
        raise TypeError(f"{who}: {name} must be an array; got {type(value).__name__}.{hint}")


def first_step(xs: Any, time_axis: int) -> Any:
    """Shapes and dtypes of one step of ``xs``."""

    def without_time(a: Any) -> jax.ShapeDtypeStruct:
        axis = time_axis % a.ndim
        return jax.ShapeDtypeStruct(a.shape[:axis] + a.shape[axis + 1 :], a.dtype)

    return jax.tree.map(without_time, xs)


# --- which steps count, and where sequences begin ---

NAMES = RunInputs("lengths", "mask", "resets", "reset_carry")


def check_given(
    who: str,
    cell: Layer | None,
    given: RunInputs,
    how: RunOptions,
    shape: tuple[int, ...],
    num_feature_axes: int,
    x_name: str,
    names: RunInputs = NAMES,
) -> RunInputs:
    """Checks the arrays beside the inputs, whose shape is ``shape``, with time on its axis."""
    axes = len(shape) - num_feature_axes
    shape, space = shape[:axes], shape[axes:-1]
    batch = shape[: how.time] + shape[how.time + 1 :]
    lengths, mask, resets, reset_carry, key = given
    if lengths is not None and mask is not None:
        raise ValueError(
            f"{who}: {names.lengths} and {names.mask} both say which steps count; give one of them."
        )
    if lengths is not None:
        lengths = check_lengths(who, names.lengths, lengths, batch, shape[how.time], x_name)
    if mask is not None:
        mask = check_steps(who, names.mask, mask, shape, x_name)
    if resets is not None:
        resets = check_steps(who, names.resets, resets, shape, x_name)
    if reset_carry is not None:
        if resets is None:
            raise ValueError(
                f"{who}: {names.reset_carry} has no meaning without {names.resets}, which say "
                "where it is put in place."
            )
        if cell is not None:
            rows = partial(checks.carry_like, cell)
            check_reset_carry(who, names.reset_carry, reset_carry, rows(space), rows(batch + space))
    return RunInputs(lengths, mask, resets, reset_carry, key)


def check_lengths(
    who: str, name: str, lengths: Any, batch: tuple[int, ...], steps: int, x_name: str
) -> Any:
    """Lengths are whole numbers from 0 to the number of steps, one for each row."""
    if type(lengths) is int:
        lengths = np.asarray(lengths)
    concrete(who, name, lengths)
    if not jnp.issubdtype(lengths.dtype, jnp.integer):
        hint = " A boolean array is a mask." if lengths.dtype == bool else ""
        raise TypeError(f"{who}: {name} must be integer; got {lengths.dtype}.{hint}")
    if lengths.shape != batch:
        raise ValueError(
            f"{who}: {name} must have shape {batch}, the batch axes of {x_name}; "
            f"got {checks.describe_shape(lengths)}."
        )
    if not known(lengths):
        return clamped(jnp.asarray(lengths), steps, f"{who}: {name}")
    # As NumPy's: inside jax.jit every operation on a JAX array is traced, also on a constant.
    found = np.asarray(lengths)
    lowest, highest = int(found.min()), int(found.max())
    if lowest < 0 or highest > steps:
        raise ValueError(
            f"{who}: {name} must be from 0 to {steps}, the number of steps of {x_name}; "
            f"got {lowest if lowest < 0 else highest}."
        )
    return lengths


def known(array: Any) -> bool:
    """Whether the numbers of an array can be looked at."""
    if isinstance(array, Tracer) or not array.size:
        return False
    return not isinstance(array, jax.Array) or array.is_fully_addressable


def check_steps(
    who: str,
    name: str,
    flags: Any,
    shape: tuple[int, ...],
    x_name: str,
    axes: str = "batch and time axes",
) -> Any:
    """A mask, or resets: one boolean for each step of each row."""
    concrete(who, name, flags)
    if flags.dtype != bool:
        raise TypeError(
            f"{who}: {name} must be boolean; got {flags.dtype}. Convert it with "
            f"{name}.astype(bool)."
        )
    if flags.shape != shape:
        turned = flags.shape == shape[::-1] and len(shape) == 2
        hint = " Time and batch are exchanged." if turned else ""
        raise ValueError(
            f"{who}: {name} must have shape {shape}, the {axes} of {x_name}; "
            f"got {checks.describe_shape(flags)}.{hint}"
        )
    return flags


def check_reset_carry(
    who: str, name: str, carry: Any, row: Any, rows: Any, hint: str = checks.MADE
) -> None:
    """A carry of one row, or of all rows."""
    one = all(
        a.ndim == b.ndim
        for a, b in zip(jax.tree.leaves(carry), jax.tree.leaves(row), strict=False)
        if hasattr(a, "ndim")
    )
    checks.check_carry(who, carry, row if one else rows, name, hint)


# --- what a cell does with a carry, and with random keys ---


def check_key(who: str, cell: Layer, key: Any) -> None:
    """A key goes to cells that draw random numbers, and only to them."""
    if key is None:
        return
    checks.random_key(who, key)
    if not cell.is_stochastic:
        raise ValueError(
            f"{who}: key has no meaning with {name_of(cell)}, which draws no random numbers; "
            "leave it out."
        )


def check_step_keeps_carry(who: str, cell: Any, step: Any, carry: Any, x: Any) -> None:
    """A loop needs a step that returns the carry as it took it."""
    name = f"{name_of(cell)}.step"
    pair = jax.eval_shape(step, carry, x)
    if type(pair) is not tuple or len(pair) != 2:
        raise TypeError(f"{who}: {name} must return a pair, (carry, y); it returned {pair}.")
    new, y = pair
    check_kept(who, name, carry, new)
    shape = jax.tree.leaves(x)[0].shape
    batch = shape[: len(shape) - cell.num_feature_axes]
    for leaf in jax.tree.leaves(y):
        if leaf.shape[: len(batch)] != batch:
            raise ValueError(
                f"{who}: {name} must return outputs that begin with the batch axes of x, {batch}; "
                f"it returned one of shape {checks.describe_shape(leaf)}."
            )


def check_kept(who: str, name: str, carry: Any, new: Any) -> None:
    """What ``name`` returned as the new carry must be like the old one."""
    if jax.tree.structure(new) != jax.tree.structure(carry):
        raise TypeError(
            f"{who}: {name} must return the carry as it took it, {jax.tree.structure(carry)}; "
            f"it returned {jax.tree.structure(new)}."
        )
    for (path, old), out in zip(
        jax.tree_util.tree_leaves_with_path(carry), jax.tree.leaves(new), strict=True
    ):
        if old.shape != out.shape or old.dtype != out.dtype:
            raise TypeError(
                f"{who}: carry{jax.tree_util.keystr(path)} is {describe(old)}, but {name} returns "
                f"it as {describe(out)}. Give a carry of {out.dtype}, cast params and xs to "
                f"{old.dtype}, or say dtype= and carry_dtype=."
                if old.shape == out.shape
                else f"{who}: carry{jax.tree_util.keystr(path)} is {describe(old)}, but {name} "
                f"returns it as {describe(out)}; a step must keep the shape of its carry."
            )


def check_noise(who: str, cell: Any, noise: Any, steps: int) -> None:
    """What a cell draws has one entry for each step."""
    name = f"{name_of(cell)}.noise"
    if not isinstance(noise, Noise):
        raise TypeError(
            f"{who}: {name} must return a Noise or None; it returned {describe(noise)}."
        )
    for leaf in jax.tree.leaves(noise.step):
        if leaf.shape[:1] != (steps,):
            raise ValueError(
                f"{who}: {name} must put time first in step, {steps} entries; it returned "
                f"shape {checks.describe_shape(leaf)}."
            )


# --- dtypes ---


def as_carry_dtype(who: str, cell: Layer | None, carry_dtype: Any) -> Any:
    """One dtype, or pairs ``(field, dtype)`` in place of a dict."""
    if not isinstance(carry_dtype, Mapping):
        return as_dtype(who, "carry_dtype", carry_dtype)
    if not carry_dtype:
        return None
    if cell is not None:
        leaves = jax.tree_util.tree_leaves_with_path(checks.row_like(cell))
        fields = sorted({name for path, _ in leaves if (name := field_of(path))})
        for field in carry_dtype:
            if field not in fields:
                raise ValueError(
                    f"{who}: carry_dtype names {field!r}; the carry of {name_of(cell)} has "
                    f"{', '.join(fields) or 'no fields'}."
                )
    return tuple(
        (field, as_dtype(who, f"carry_dtype[{field!r}]", dtype))
        for field, dtype in sorted(carry_dtype.items())
    )
