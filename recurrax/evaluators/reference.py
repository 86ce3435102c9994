"""The reference: ``jax.lax.scan`` itself. Every other evaluator is held to its results."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def run(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    length: int | None,
    reverse: bool,
    x_axis: int,
    y_axis: int,
) -> tuple[Any, Any]:
    """Runs ``f`` over the axis ``x_axis`` of ``xs``; outputs have time on ``y_axis``."""
    if x_axis:
        xs = jax.tree.map(lambda a: jnp.moveaxis(a, x_axis, 0), xs)
    result = jax.lax.scan(f, init, xs, length=length, reverse=reverse)
    if not y_axis:
        return result
    carry, ys = result
    return carry, jax.tree.map(lambda a: jnp.moveaxis(a, 0, y_axis), ys)
