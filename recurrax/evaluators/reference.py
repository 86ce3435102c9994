"""The reference: ``jax.lax.scan`` itself. Every other evaluator is held to its results."""

from collections.abc import Callable
from typing import Any

import jax


def run(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    length: int | None,
    reverse: bool,
) -> tuple[Any, Any]:
    """Runs ``f`` over the leading axis of ``xs``, one step after the other."""
    return jax.lax.scan(f, init, xs, length=length, reverse=reverse)
