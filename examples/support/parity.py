"""Parity, a problem with two states that only a non-linear recurrence can hold for ever."""

import jax.numpy as jnp
from jax import Array
from jax.random import bernoulli

from support.training import Split


def parity(key: Array, batch: int, length: int) -> Split:
    """Fair bits, and at every step whether the number of ones so far is odd: two classes."""
    bits = bernoulli(key, 0.5, (batch, length))
    return Split(bits[..., None].astype(float), jnp.cumsum(bits, axis=1) % 2)
