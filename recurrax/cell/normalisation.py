"""Layer normalisation (Ba, Kiros & Hinton 2016, arXiv:1607.06450), as the cells use it.

    LN(z) = (z - mean(z)) / sqrt(variance(z) + eps)

over the features of z, for every row of a batch by itself. Gains and offsets belong to the cells.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from recurrax.cell.params import BIAS, Gates


def layer_norm(z: Array, eps: float) -> Array:
    """``z``, ``(*batch, features)``, with mean 0 and variance 1 over its last axis.

    Inside it is float32 at least: the derivative at a zero carry has eps ** -1.5 on its way, which
    float16 does not hold. The result has the dtype of ``z``.
    """
    dtype = z.dtype
    z = z.astype(jnp.float32 if jnp.finfo(dtype).bits < 32 else dtype)
    centred = z - jnp.mean(z, axis=-1, keepdims=True)
    variance = jnp.mean(centred**2, axis=-1, keepdims=True)
    return (centred / jnp.sqrt(variance + eps)).astype(dtype)


def joint_layer_norm(z: Mapping[str, Array], eps: float) -> Gates:
    """Gates, each ``(*batch, features)``, normalised as the one vector that they are end to end."""
    joint = layer_norm(jnp.concatenate(list(z.values()), axis=-1), eps)
    return Gates(BIAS, **dict(zip(z, jnp.split(joint, len(z), axis=-1), strict=True)))


def unit_gains(gates: str, features: int) -> Gates:
    """The gains of a new cell, ``(features,)`` for every gate: ones."""
    return Gates(BIAS, **{gate: jnp.ones(features) for gate in gates})
