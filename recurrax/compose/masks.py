"""Dropout masks."""

import jax
import jax.numpy as jnp
from jax import Array

PER = ("step", "run")


def dropped(value: Array, keep: Array, rate: float) -> Array:
    """Sets entries to zero where ``keep`` is false, and scales the others by 1 / (1 - rate)."""
    return jnp.where(keep, value / (1 - rate), jnp.zeros_like(value))


def mask(key: Array, rate: float, shape: tuple[int, ...]) -> Array:
    """A boolean mask that is true for the entries to keep."""
    return jax.random.bernoulli(key, 1 - rate, shape)
