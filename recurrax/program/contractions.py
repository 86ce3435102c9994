"""The geometry of contractions: matrix products and convolutions."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from recurrax.program.ir import Op
from recurrax.program.primitives import CONTRACTIONS, DOT


def is_contraction(op: Op) -> bool:
    return op.name in CONTRACTIONS


def contraction_size(
    name: str, params: Mapping[str, Any], left: Sequence[int], right: Sequence[int]
) -> int:
    """How many numbers a contraction of arrays of these shapes sums for each of its results."""
    if name == DOT:
        (axes, _), _ = params["dimension_numbers"]
        return prod(left[axis] for axis in axes)
    over = params["dimension_numbers"].rhs_spec[1:]  # the input features and the window
    return prod(right[axis] for axis in over)


def is_ungrouped(params: Mapping[str, Any]) -> bool:
    """Whether every result of a convolution is a sum over all input features."""
    return params["feature_group_count"] == params["batch_group_count"] == 1


def flops_of(op: Op) -> int:
    """Multiplications and additions of a contraction."""
    left, right = (v.shape for v in op.inputs)
    return 2 * op.out.size * contraction_size(op.name, op.params, left, right)


def joinable_axes(op: Op) -> tuple[int, int] | None:
    """The axis of each operand that a contraction sums over, along which others can be joined.

    ``a A + b B`` is ``[a b] [A; B]`` along these axes. ``None`` if there is no such pair.
    """
    numbers = op.params["dimension_numbers"]
    if op.name == DOT:
        (left, right), _ = numbers
        return (left[0], right[0]) if len(left) == 1 else None
    inputs = numbers.lhs_spec[1], numbers.rhs_spec[1]  # the axes of the input features
    return inputs if is_ungrouped(op.params) else None


def has_out_sharding(op: Op) -> bool:
    return op.params.get("out_sharding") is not None
