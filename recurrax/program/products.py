"""The operations that multiply and sum: products of matrices, and convolutions."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

PRODUCTS = ("dot_general", "conv_general_dilated")


def numbers_summed(
    name: str, params: Mapping[str, Any], left: Sequence[int], right: Sequence[int]
) -> int:
    """How many numbers a product of arrays of these shapes sums for each of its results."""
    if name == "dot_general":
        (axes, _), _ = params["dimension_numbers"]
        return prod(left[axis] for axis in axes)
    over = params["dimension_numbers"].rhs_spec[1:]  # the input features and the window
    return prod(right[axis] for axis in over)


def is_ungrouped(params: Mapping[str, Any]) -> bool:
    """Whether every result of a convolution is a sum over all input features."""
    return params["feature_group_count"] == params["batch_group_count"] == 1
