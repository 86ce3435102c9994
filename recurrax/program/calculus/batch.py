"""``vmap`` of a step is a step."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import jax

from recurrax.program.calculus.derivative import traced
from recurrax.program.calculus.reach import Flags, reached
from recurrax.program.inline import PLAIN
from recurrax.program.ir import Inputs, Value
from recurrax.program.step import Step

Axis = int | None


@lru_cache(maxsize=4096)
def batched_step(step: Step, size: int, axes: Inputs[Axis]) -> tuple[Step, Flags, Flags]:
    """``vmap`` of a step; also which entries of the carry, and which outputs, are batched.

    Args:
      step: any step.
      size: of the batch axis.
      axes: where the batch axis is in each operand, with the axis of time counted; of the carry,
        any number for a batched entry, which has the axis in front.
    """
    body = step.body
    carry, outputs = reached(step, axes.map(lambda axis: axis is not None))
    lagged_axes = time_axes(axes.lagged, step.lagged_axes)
    x_axes = time_axes(axes.xs, step.x_axes)
    in_axes = Inputs[Axis](
        axes.consts,
        tuple(0 if flag else None for flag in carry),
        tuple(map(entry_axis, axes.lagged, lagged_axes)),
        tuple(map(entry_axis, axes.xs, x_axes)),
    )
    out_axes = [0 if flag else None for flag in (*carry, *outputs)]
    f = jax.vmap(body, in_axes=in_axes.flat, out_axes=out_axes, axis_size=size)
    structs = [
        batched_struct(value, axis, size)
        for value, axis in zip(body.inputs.flat, in_axes.flat, strict=True)
    ]
    fragment = traced(f, structs, [v.name for v in body.inputs.flat], PLAIN)
    n = len(body.new_carry)
    batched = replace(
        body,
        inputs=body.inputs.unflatten(fragment.inputs),
        ops=fragment.ops,
        new_carry=fragment.outputs[:n],
        ys=fragment.outputs[n:],
    )
    result = replace(
        step,
        body=batched,
        lagged_axes=lagged_axes,
        x_axes=x_axes,
        y_axes=tuple(axis + flag for axis, flag in zip(step.y_axes, outputs, strict=True)),
    )
    return result, carry, outputs


def batched_struct(value: Value, axis: Axis, size: int) -> jax.ShapeDtypeStruct:
    if axis is None:
        return value.struct
    return jax.ShapeDtypeStruct((*value.shape[:axis], size, *value.shape[axis:]), value.dtype)


def time_axes(batch: Sequence[Axis], time: Sequence[int]) -> tuple[int, ...]:
    """Where time is in each array once the batch axis is counted."""
    return tuple(t if b is None else t + (b <= t) for b, t in zip(batch, time, strict=True))


def entry_axis(batch: Axis, time: int) -> Axis:
    """Where the batch axis is in one entry, which has no axis of time."""
    return None if batch is None else batch - (time < batch)
