"""Checks of one array: that it is an array, that it is floating, that it is a random key."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from recurrax.cell.naming import describe


def array(who: str, what: str, value: Any) -> Any:
    """Rejects non-arrays, deleted arrays, and masked arrays, whose mask JAX would drop."""
    if _of_jax(type(value)):
        if value.is_deleted():
            raise ValueError(
                f"{who}: {what} is an array that has been deleted, {describe(value)}. It was "
                "donated to a call of jax.jit, which took its memory; use what that call returned."
            )
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{who}: {what} is a masked array, whose mask would be lost; pass .data.")
    if not hasattr(value, "shape") or not hasattr(value, "dtype") or not _is_dtype(value.dtype):
        raise TypeError(f"{who}: {what} must be an array; got {describe(value)}.")
    return value


@functools.cache
def _of_jax(kind: type) -> bool:
    """Whether this is the type of a JAX array that is not a tracer."""
    return issubclass(kind, jax.Array) and not issubclass(kind, Tracer)


def _is_dtype(dtype: Any) -> bool:
    """Whether a dtype is one of NumPy or JAX, not of another framework."""
    if isinstance(dtype, np.dtype):
        return True
    try:
        return jnp.issubdtype(dtype, jax.dtypes.extended)
    except TypeError:
        return False


def widest(x: Any) -> Any:
    """The array of an input with the most axes, which begin with all batch axes of the input."""
    return max(jax.tree.leaves(x), key=lambda leaf: leaf.ndim)


def carry_shape(x: Any, num_feature_axes: int) -> tuple[int, ...]:
    """What ``initial_carry`` takes for an input of one step: all axes but that of the features."""
    shape = widest(x).shape
    return shape[:-1] if num_feature_axes else shape


def feature_sizes(x: Any, num_feature_axes: int) -> Any:
    """The size of the last axis of every array of an input; 1 for one of batch axes alone."""
    batch = widest(x).ndim - num_feature_axes
    return jax.tree.map(lambda a: a.shape[-1] if a.ndim > batch else 1, x)


def floating(who: str, what: str, value: Any) -> None:
    """Rejects arrays that are not real floating."""
    array(who, what, value)
    if not jnp.issubdtype(value.dtype, jnp.floating):
        advice = f"Convert it, for instance with {what}.astype(jnp.float32)."
        if jnp.issubdtype(value.dtype, jnp.complexfloating):
            advice = "Pass its real and imaginary parts as features."
        raise TypeError(f"{who}: {what} must be floating; got {value.dtype}. {advice}")


def of_kind(who: str, what: str, value: Any, kinds: tuple[Any, ...]) -> None:
    """Rejects an array of a dtype that is of none of these kinds."""
    if kinds == (jnp.floating,):
        floating(who, what, value)
    elif not any(jnp.issubdtype(value.dtype, kind) for kind in kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"{who}: {what} must be {names}; got {value.dtype}.")


def random_key(who: str, key: Any) -> None:
    """Rejects everything but one random key, typed or raw."""
    if not isinstance(key, jax.Array | np.ndarray):
        got = repr(key) if isinstance(key, int) else describe(key)
        raise TypeError(
            f"{who}: key must be a JAX random key such as jax.random.key(0); got {got}."
        )
    array(who, "key", key)
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    shape = () if typed else _raw_key_shape(jax.config.jax_default_prng_impl)  # type: ignore[attr-defined]
    if key.shape != shape or not (typed or key.dtype == jnp.uint32):
        raise TypeError(
            f"{who}: key must be one JAX random key such as jax.random.key(0); got {describe(key)}."
        )


@functools.cache
def _raw_key_shape(impl: str) -> tuple[int, ...]:
    return jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0, impl=impl))).shape
