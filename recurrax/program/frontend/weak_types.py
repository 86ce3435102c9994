"""Python numbers as carries and outputs: JAX types them weakly, by the arrays around them."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def struct_with_shape(aval: Any, shape: tuple[int, ...]) -> jax.ShapeDtypeStruct:
    """The type of an array like this one, with this shape; a number stays weakly typed."""
    return jax.ShapeDtypeStruct(shape, aval.dtype, weak_type=aval.weak_type)


def scan_result_types(
    f: Callable[[Any, Any], tuple[Any, Any]], init: Any, x: Any
) -> list[jax.ShapeDtypeStruct]:
    """The types of the last carry and the outputs, as ``lax.scan`` itself determines them.

    The carry ``0`` of a step that adds half precision to it is of half precision from the start.
    """
    xs = jax.tree.map(lambda a: struct_with_shape(a, (1, *a.shape)), x)
    return jax.tree.leaves(jax.eval_shape(lambda c, xs: lax.scan(f, c, xs, length=1), init, xs))


def any_weak(types: Sequence[Any]) -> bool:
    return any(a.weak_type for a in types)


def cast_to(values: Sequence[Any], dtypes: Sequence[Any]) -> list[Any]:
    """Arrays of these dtypes; numbers of another dtype are converted."""
    return [
        v if jax.typeof(v).dtype == dtype else lax.convert_element_type(v, dtype)
        for v, dtype in zip(map(jnp.asarray, values), dtypes, strict=True)
    ]


def as_weak(values: Sequence[Any], weak: Sequence[bool]) -> list[Any]:
    """The flagged values typed weakly, as ``lax.scan`` returns them: they promote like numbers."""
    return [
        lax.convert_element_type_p.bind(v, new_dtype=v.dtype, weak_type=True, sharding=None)
        if flag
        else v
        for v, flag in zip(values, weak, strict=True)
    ]
