"""The sum of a value over time, taken through the operations that made it.

Where a step adds up ``x_t^T d_t``, the sum over many steps is one product that also contracts time:
each weight gradient becomes one matrix product, by the operation's own rule.
"""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from recurrax.program.ir import Op, Value
from recurrax.program.products import is_ungrouped

if TYPE_CHECKING:
    from recurrax.program.program import Program

LINEAR = {
    "add", "add_any", "sub", "neg", "transpose", "reshape", "squeeze", "expand_dims", "slice",
    "concatenate", "split", "broadcast_in_dim", "reduce_sum", "rev", "copy",
}  # fmt: skip


def parts_of_sum(value: Value, program: "Program") -> tuple[Op, list[Value]] | None:
    """The operation that the sum passes through, and the sequences that it needs as such.

    ``None``: the value itself is summed. An empty list: the operation is applied to sums.
    """
    op = program.maker.get(value)
    if op is None or not program.is_sequence(value):
        return None
    if value in program.looped:  # made already, step by step
        return None
    moving = [v for v in op.inputs if program.is_sequence(v)]
    if op.name in LINEAR and len(moving) == len(op.inputs):
        return op, []
    if op.name in ("mul", "dot_general", "conv_general_dilated") and len(moving) == 1:
        return op, []
    if op.name == "dot_general" or (op.name == "conv_general_dilated" and is_ungrouped(op.params)):
        return op, moving
    return None


def leaves_of_sum(value: Value, program: "Program") -> list[Value]:
    """The sequences from which the sum of ``value`` over time is computed."""
    found = parts_of_sum(value, program)
    if found is None:
        return [value] if program.is_sequence(value) else []
    op, sequences = found
    if sequences:
        return sequences
    return [leaf for v in op.inputs for leaf in leaves_of_sum(v, program)]


def sum_over_time(value: Value, program: "Program", read: Any, steps: int, memo: dict) -> Any:
    """The sum of ``value`` over ``steps`` steps; ``read`` gives sequences with time leading."""
    if value in memo:
        return memo[value]
    found = parts_of_sum(value, program)
    if not program.is_sequence(value):
        result = read(value) * jnp.asarray(steps, value.dtype)
    elif found is None:
        result = jnp.sum(read(value), axis=0, dtype=value.dtype)
    elif found[1]:
        result = contracted(found[0], *[read(v) for v in found[0].inputs])
    elif found[0].name == "reduce_sum" and (cut := cut_of_sequence(found[0], program)) is not None:
        result = reduced(found[0], *cut, read, memo)
    else:
        op = found[0]
        arguments = [
            sum_over_time(v, program, read, steps, memo) if program.is_sequence(v) else read(v)
            for v in op.inputs
        ]
        result = op.primitive.bind(*arguments, **op.params)
        if op.primitive.multiple_results:
            memo.update(zip(op.outputs, result, strict=True))
            return memo[value]
    memo[value] = result
    return result


def cut_of_sequence(op: Op, program: "Program") -> tuple[Value, Any, Any] | None:
    """The sequence that a ``reduce_sum`` reads, and where a cut of it begins and ends."""
    value = op.inputs[0]
    found = parts_of_sum(value, program)
    if found is None:
        return value, (0,) * value.ndim, value.shape
    cut, _ = found
    if cut.name != "slice" or parts_of_sum(cut.inputs[0], program) is not None:
        return None
    whole = cut.inputs[0]
    if cut.params["strides"] is not None or any(
        value.shape[axis] != whole.shape[axis] for axis in op.params["axes"]
    ):
        return None
    return whole, cut.params["start_indices"], cut.params["limit_indices"]


def reduced(op: Op, whole: Value, start: Any, stop: Any, read: Any, memo: dict) -> Any:
    """The sum over time and over the axes of ``op``; one sum serves all cuts of ``whole``."""
    axes = op.params["axes"]
    if (whole, axes) not in memo:
        over = (0, *[axis + 1 for axis in axes])
        memo[whole, axes] = jnp.sum(read(whole), axis=over, dtype=whole.dtype)
    left = [axis for axis in range(whole.ndim) if axis not in axes]
    return jax.lax.slice(memo[whole, axes], [start[i] for i in left], [stop[i] for i in left])


def contracted(op: Op, left: Any, right: Any) -> Any:
    """A product of two sequences, contracted over time as well."""
    if op.name == "conv_general_dilated":
        numbers = op.params["dimension_numbers"]
        operands = merged(left, numbers.lhs_spec[1]), merged(right, numbers.rhs_spec[1])
        return op.primitive.bind(*operands, **op.params)
    contracting, batch = op.params["dimension_numbers"]

    def shifted(axes: Any) -> tuple[int, ...]:
        return tuple(axis + 1 for axis in axes)

    return jax.lax.dot_general(
        left,
        right,
        (
            ((0, *shifted(contracting[0])), (0, *shifted(contracting[1]))),
            (shifted(batch[0]), shifted(batch[1])),
        ),
        precision=op.params.get("precision"),
        preferred_element_type=op.params.get("preferred_element_type"),
    )


def merged(sequence: Any, axis: int) -> Any:
    """Time made part of an axis of each step: more features for a convolution to sum over."""
    steps, *shape = sequence.shape
    shape[axis] *= steps
    return jnp.moveaxis(sequence, 0, axis).reshape(shape)
