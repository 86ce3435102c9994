"""``jax.lax.scan`` itself. Every other evaluator is held to its results."""

from typing import Any

import jax
import jax.numpy as jnp

from recurrax.program.frontend.trace import ScanCall


def run(call: ScanCall, **options: Any) -> tuple[Any, Any]:
    """Runs a step over time; ``options`` are those of ``lax.scan`` beyond its first arguments."""
    xs = call.xs
    if call.x_axis:
        xs = jax.tree.map(lambda a: jnp.moveaxis(a, call.x_axis, 0), xs)
    result = jax.lax.scan(call.f, call.init, xs, call.length, call.reverse, **options)
    if not call.y_axis:
        return result
    carry, ys = result
    return carry, jax.tree.map(lambda a: jnp.moveaxis(a, 0, call.y_axis), ys)
