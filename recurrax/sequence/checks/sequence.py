"""The sequence of a run, and where its axes are."""

from typing import Any, NamedTuple

import jax
import numpy as np

from recurrax.cell import checks
from recurrax.sequence.checks.names import ArgumentNames


class Layout(NamedTuple):
    """The sizes of the axes of a sequence, by what they are."""

    batch: tuple[int, ...]
    """The axes in front of the features and of any axes of space, without time."""
    space: tuple[int, ...]
    """Axes between time and the features, as a convolutional cell has them."""
    time: int
    """The place of the time axis, counted from the front."""
    steps: int
    """The size of the time axis."""

    @property
    def flags(self) -> tuple[int, ...]:
        """The shape of an array with one flag for each step of each row."""
        return (*self.batch[: self.time], self.steps, *self.batch[self.time :])


def layout_of(xs: Any, time: int, num_feature_axes: int) -> Layout:
    """The layout of a sequence whose arrays have time on the axis ``time``."""
    shape = checks.widest(xs).shape
    axes = len(shape) - num_feature_axes
    batch = shape[:time] + shape[time + 1 : axes]
    return Layout(batch, shape[axes:-1], time, shape[time])


def check_sequence(names: ArgumentNames, xs: Any, time_axis: int, num_feature_axes: int) -> int:
    """Every array must have a time axis before its features, and all the same number of steps.

    All arrays must begin with the batch and time axes of the one with the most axes. ``time_axis``
    is an axis of that one; what is returned is counted from the front.
    """
    if isinstance(time_axis, bool) or not isinstance(time_axis, int):
        raise TypeError(f"{names.caller}: time_axis must be a whole number; got {time_axis!r}.")
    leaves = jax.tree.leaves(xs)
    if not leaves:
        raise ValueError(f"{names.caller}: {names.xs} has no arrays.")
    for leaf in leaves:
        check_concrete(names.caller, names.xs, leaf)
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "OSUMm":  # JAX has none of these
            checks.floating(names.caller, names.xs, leaf)
    most = checks.widest(xs)
    _check_axes(names, most, time_axis, num_feature_axes)
    time = time_axis % most.ndim
    steps = {leaf.shape[time] for leaf in leaves if leaf.ndim > time}
    if len(steps) > 1:
        raise ValueError(
            f"{names.caller}: the arrays of {names.xs} differ in time steps: {sorted(steps)}."
        )
    _check_batch(names, xs, time, num_feature_axes)
    return time


def _check_batch(names: ArgumentNames, xs: Any, time: int, num_feature_axes: int) -> None:
    """Every array must begin with the batch and time axes of the one that has the most axes."""
    most = checks.widest(xs)
    batch = most.shape[: most.ndim - num_feature_axes]
    for path, leaf in jax.tree_util.tree_leaves_with_path(xs):
        if leaf.shape[: len(batch)] != batch:
            raise ValueError(
                f"{names.caller}: {names.xs}{jax.tree_util.keystr(path)} must begin with the batch "
                f"and time axes {batch} of the other arrays; it has shape "
                f"{checks.describe_shape(leaf)}."
            )


def _check_axes(names: ArgumentNames, leaf: Any, time_axis: int, num_feature_axes: int) -> None:
    """One array must have the axes of the cell's inputs, with time where ``time_axis`` says."""
    caller, xs, shape = names.caller, names.xs, checks.describe_shape(leaf)
    space = num_feature_axes - 1
    layout = "(*batch, time, " + "*space, " * bool(space) + "in_features)"
    if leaf.ndim < num_feature_axes + 1:
        raise ValueError(
            f"{caller}: {xs} must have a time and a feature axis, {layout}; got shape {shape}."
        )
    axis = time_axis + leaf.ndim if time_axis < 0 else time_axis
    if space and leaf.ndim - num_feature_axes <= axis < leaf.ndim:
        raise ValueError(
            f"{caller}: {xs} must be {layout} for this cell, with {space} axes of space; "
            f"time_axis={time_axis} names one of them, or the features, of shape {shape}. "
            "Pass the position of the time axis as time_axis."
        )
    if not 0 <= axis < leaf.ndim - num_feature_axes:
        raise ValueError(
            f"{caller}: time_axis={time_axis} must name an axis of {xs} before the last, which "
            f"holds the features; {xs} has shape {shape}."
        )


def check_concrete(caller: str, name: str, value: Any) -> None:
    """A value must be an array, not a description of one."""
    checks.array(caller, name, value)
    if not isinstance(value, jax.Array | np.ndarray | np.generic):
        described = isinstance(value, jax.ShapeDtypeStruct)
        hint = " Put the call inside jax.eval_shape." if described else ""
        raise TypeError(f"{caller}: {name} must be an array; got {type(value).__name__}.{hint}")
