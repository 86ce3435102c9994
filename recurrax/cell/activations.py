"""The activations that have a name. Any other function may be passed to a cell as it is."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import Array

Activation: TypeAlias = str | Callable[[Array], Array]


def identity(x: Array) -> Array:
    """Returns x."""
    return x


def positive(v: Array) -> Array:
    """``v + 1/2`` for v >= 0, ``sigmoid(v)`` below: positive, and continuous (arXiv:2410.01201)."""
    return jnp.where(v >= 0, v + 0.5, jax.nn.sigmoid(v))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "relu": jax.nn.relu,
    "identity": identity,
    "positive": positive,
}


def get(activation: Activation) -> Callable[[Array], Array]:
    """The function behind a name; a function is returned unchanged."""
    return ACTIVATIONS[activation] if isinstance(activation, str) else activation


def name_of_activation(activation: Any) -> Any:
    """The name of a known function, so that a cell is equal whether it got name or function."""
    for name, function in ACTIVATIONS.items():
        if activation is function:
            return name
    return activation
