"""The carry that a caller hands to a cell: its structure, shapes and dtypes."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recurrax.cell.checks.arrays import array, floating
from recurrax.cell.checks.structure import explain_structure
from recurrax.cell.naming import describe_shape, name_of

NOT_SIZES = bool | float | np.floating | str | None | tuple | list
MADE = " cell.initial_carry(batch_shape) makes one."


def as_batch_shape(cell: Any, shape: Any) -> tuple[int, ...]:
    """The batch shape as a tuple of sizes."""
    sizes = shape if isinstance(shape, tuple | list) else None
    if sizes is None or any(isinstance(n, NOT_SIZES) for n in sizes):
        raise TypeError(
            f"{name_of(cell)}.initial_carry: batch_shape must be a tuple of sizes such as () or "
            f"(32,); got {shape!r}."
        )
    if any(n < 0 for n in sizes):
        raise ValueError(
            f"{name_of(cell)}.initial_carry: batch_shape must not be negative; got {shape!r}."
        )
    return tuple(sizes)


@functools.lru_cache
def carry_like(cell: Any, shape: tuple[Any, ...]) -> Any:
    """Shapes and dtypes of the carry for a batch shape, cached for equal cells."""
    return jax.eval_shape(lambda: cell.initial_carry(shape))


def row_like(cell: Any) -> Any:
    """Shapes and dtypes of the carry of a batch of one row; axes of space have size 1 as well."""
    return carry_like(cell, (1,) * cell.num_feature_axes)


def check_carry(who: str, carry: Any, like: Any, name: str = "carry", hint: str = MADE) -> None:
    """Rejects a carry whose structure, shapes or kind of dtype differ from ``like``."""
    if jax.tree.structure(carry) != jax.tree.structure(like):
        explain_structure(who, name, carry, like, hint)
    for (path, got), want in zip(
        jax.tree_util.tree_leaves_with_path(carry), jax.tree.leaves(like), strict=True
    ):
        where = f"{name}{jax.tree_util.keystr(path)}"
        array(who, where, got)
        if got.shape != want.shape:
            raise ValueError(
                f"{who}: {where} must have shape {describe_shape(want)}, the batch axes of x and "
                f"the state; got {describe_shape(got)}."
            )
        if jnp.issubdtype(want.dtype, jnp.floating):
            floating(who, where, got)
