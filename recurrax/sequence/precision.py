"""The precision that a run computes in, and the precision of its carry."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from recurrax.cell.checks import cast_floating


def promoted(caller: str, *trees: Any) -> Any:
    """The dtype that all floating arrays promote to."""
    leaves = jax.tree.leaves(trees)
    dtypes = [a.dtype for a in leaves if jnp.issubdtype(a.dtype, jnp.floating)]
    try:
        return jnp.result_type(*dtypes)
    except ValueError:
        found = ", ".join(sorted(set(map(str, dtypes))))
        raise ValueError(
            f"{caller}: params and inputs have the dtypes {found}, "
            "which do not promote to one (see jax_numpy_dtype_promotion). Cast them, or pass dtype."
        ) from None


def cast_carry(carry: Any, dtype: Any, carry_dtype: Any) -> Any:
    """Casts the floating leaves of a carry.

    ``carry_dtype`` is one dtype, pairs ``(field, dtype)``, or ``None``; fields that it does not
    name have ``dtype``.
    """
    fields = dict(carry_dtype) if isinstance(carry_dtype, tuple) else {}
    rest = dtype if carry_dtype is None or fields else carry_dtype

    def cast(path: Any, leaf: Any) -> Any:
        return cast_floating(leaf, fields.get(field_of(path), rest))

    return jax.tree_util.tree_map_with_path(cast, carry)


def field_of(path: Any) -> str | None:
    """The name of the innermost field on the way to a leaf."""
    names = [key.name for key in path if hasattr(key, "name")]
    return names[-1] if names else None


def in_precision(step: Callable[..., Any], dtype: Any) -> Callable[..., Any]:
    """A step ``(carry, x, ...)`` whose carry keeps its dtypes, and whose outputs have ``dtype``.

    In between, JAX promotes: with bfloat16 gates and a float32 cell state, ``f * c + i * g`` is
    computed in float32.
    """

    def precise(carry: Any, *inputs: Any) -> tuple[Any, Any]:
        with jax.numpy_dtype_promotion("standard"):
            new, y = step(carry, *inputs)
        new = jax.tree.map(lambda n, c: cast_floating(n, c.dtype), new, carry)
        return new, cast_floating(y, dtype)

    return precise
