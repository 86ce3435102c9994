"""Masks of dropout."""

import jax
import jax.numpy as jnp
from jax import Array

PER = ("step", "run")


def dropped(value: Array, keep: Array, rate: float) -> Array:
    """d(v): zero where not kept, and scaled so that the expectation stays."""
    return jnp.where(keep, value / (1 - rate), jnp.zeros_like(value))


def mask(key: Array, rate: float, shape: tuple[int, ...]) -> Array:
    """What is kept, boolean."""
    return jax.random.bernoulli(key, 1 - rate, shape)
