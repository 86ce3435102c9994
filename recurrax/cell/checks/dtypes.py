"""Floating dtypes: the check of one that a caller names, and the cast of a tree to one."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def as_dtype(who: str, name: str, dtype: Any) -> Any:
    """The name of a floating dtype that JAX can compute in, or ``None``.

    The result is a name and not a dtype, because NumPy considers ``dtype("float64")`` equal to
    ``None``, so that JAX's compilation cache would confuse the two.
    """
    if dtype is None:
        return None
    try:
        named = isinstance(dtype, str | type | np.dtype)
        found = jnp.result_type(float) if dtype is float else jnp.dtype(dtype) if named else None
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise TypeError(
            f"{who}: {name} must be a floating dtype such as 'bfloat16'; got {dtype!r}."
        )
    if not jnp.issubdtype(found, jnp.floating) or found.itemsize > 8:
        raise TypeError(f"{who}: {name} must be a floating dtype; got {found}.")
    if found == jnp.float64 and not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        raise ValueError(
            f"{who}: {name}=float64 needs jax.config.update('jax_enable_x64', True); without it "
            "JAX computes in float32."
        )
    return found.name


def cast_floating(tree: Any, dtype: Any) -> Any:
    """The tree with its floating arrays cast to ``dtype``; other leaves are unchanged."""

    def cast(leaf: Any) -> Any:
        return leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    return jax.tree.map(cast, tree)
