"""Python numbers as carries and outputs: JAX types them weakly, by what they meet in the step."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def resized(aval: Any, shape: tuple[int, ...]) -> jax.ShapeDtypeStruct:
    """The type of an array like this one, with this shape; a number stays weakly typed."""
    return jax.ShapeDtypeStruct(shape, aval.dtype, weak_type=aval.weak_type)


def settled(
    f: Callable[[Any, Any], tuple[Any, Any]], init: Any, x: Any
) -> list[jax.ShapeDtypeStruct]:
    """The types that ``lax.scan`` settles on, by its own word: of the last carry and the outputs.

    The carry ``0`` of a step that adds half precision to it is of half precision from the start.
    """
    xs = jax.tree.map(lambda a: resized(a, (1, *a.shape)), x)
    return jax.tree.leaves(jax.eval_shape(lambda c, xs: lax.scan(f, c, xs, length=1), init, xs))


def is_weak(types: Sequence[Any]) -> bool:
    return any(a.weak_type for a in types)


def typed(values: Sequence[Any], types: Sequence[Any]) -> list[Any]:
    """Arrays, of these types where they were numbers of another."""
    return [
        v if jax.typeof(v).dtype == a.dtype else lax.convert_element_type(v, a.dtype)
        for v, a in zip(map(jnp.asarray, values), types, strict=True)
    ]


def weakened(values: Sequence[Any], weak: Sequence[bool]) -> list[Any]:
    """The flagged ones typed weakly, as ``lax.scan`` returns them: they promote like numbers."""
    return [
        lax.convert_element_type_p.bind(v, new_dtype=v.dtype, weak_type=True, sharding=None)
        if flag
        else v
        for v, flag in zip(values, weak, strict=True)
    ]
