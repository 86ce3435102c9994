"""The check of the arguments of one step."""

from typing import Any

import jax

from recurrax.cell.checks.arrays import array, carry_shape, feature_sizes, of_kind, widest
from recurrax.cell.checks.carry import carry_like, check_carry
from recurrax.cell.checks.params import check_params
from recurrax.cell.naming import describe, describe_shape, name_of


def arguments(
    cell: Any,
    who: str,
    params: Any,
    carry: Any,
    x: Any,
    x_name: str = "x",
    carry_name: str = "carry",
) -> None:
    """Checks the arguments of one step; the carry is not checked if it is ``None``."""
    leaves, treedef = jax.tree.flatten(x)
    if not leaves:
        raise ValueError(f"{who}: {x_name} has no arrays.")
    for leaf in leaves:
        array(who, x_name, leaf)
    if widest(x).ndim == 0:
        raise ValueError(
            f"{who}: {x_name} must have a feature axis, (*batch, in_features); got a scalar."
        )
    for leaf in leaves:
        if leaf.shape[-1:] == (0,):
            raise ValueError(f"{who}: {x_name} has no features; got shape {describe_shape(leaf)}.")
    if treedef.num_nodes == 1:
        of_kind(who, x_name, x, cell.input_kinds)
    try:
        like = cell.params_like(feature_sizes(x, cell.num_feature_axes))
    except TypeError as error:
        if treedef.num_nodes == 1:
            raise
        raise TypeError(
            f"{who}: {x_name} is {describe(x)}, which {name_of(cell)} does not take. {error}"
        ) from error
    check_params(who, params, like, x_name)
    if carry is not None:
        check_carry(who, carry, carry_like(cell, carry_shape(x, cell.num_feature_axes)), carry_name)
