"""Layer normalisation (Ba, Kiros & Hinton 2016, arXiv:1607.06450) for the cells.

    LN(z) = (z - mean(z)) / sqrt(variance(z) + eps)

Mean and variance are over the features of each row. Gains and offsets are parameters of the cells.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from recurrax.cell.params import BIAS, Gates


def layer_norm(z: Array, eps: float) -> Array:
    """Normalises ``z``, ``(*batch, features)``, to mean 0 and variance 1 over its last axis.

    The computation is in float32 or wider, because the derivative at a zero carry contains
    eps ** -1.5, which overflows in float16. The result has the dtype of ``z``.
    """
    dtype = z.dtype
    z = z.astype(jnp.float32 if jnp.finfo(dtype).bits < 32 else dtype)
    centred = z - jnp.mean(z, axis=-1, keepdims=True)
    variance = jnp.mean(centred**2, axis=-1, keepdims=True)
    return (centred / jnp.sqrt(variance + eps)).astype(dtype)


def joint_layer_norm(z: Mapping[str, Array], eps: float) -> Gates:
    """Normalises gates, each ``(*batch, features)``, as one concatenated vector."""
    joint = layer_norm(jnp.concatenate(list(z.values()), axis=-1), eps)
    return Gates(BIAS, **dict(zip(z, jnp.split(joint, len(z), axis=-1), strict=True)))


def unit_gains(gates: str, features: int) -> Gates:
    """The initial gains, ones of shape ``(features,)`` for every gate."""
    return Gates(BIAS, **{gate: jnp.ones(features) for gate in gates})
