r"""Legendre memory unit (Voelker, Kajic & Eliasmith 2019, NeurIPS).

    u  = W_u x + U_u h + V_u m
    m' = A m + B u
    h' = tanh(W_h x + U_h h + V_h m')

m represents the last ``theta`` steps of u by the coefficients of a polynomial. With (a, b) below,
the system theta dm/dt = a m + b u is the best approximation of order d of a delay of theta, and (A,
B) is its discretisation over one step with constant u (zero-order hold).

    a_ij = (2 i + 1) * (-1 if i < j else (-1)^(i - j + 1)),  b_i = (2 i + 1) * (-1)^i

Conventions: A and B are not learned. There are no biases. u may have several ``channels``, each
with a memory of its own; m is their concatenation. The paper writes e_x, e_h, e_m for W_u, U_u,
V_u; its initial values: W_u and U_u LeCun uniform, V_u zero, the others Glorot normal.
"""

from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.numpy import tanh

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import INPUT, RECURRENT, Gates
from recurrax.initializers import per_gate, variance_scaling


class LMUCarry(NamedTuple):
    h: Array
    """(*batch, features)"""
    m: Array
    """(*batch, channels * order)"""


class LMUParams(NamedTuple):
    W: Gates
    """u: (in_features, channels), h: (in_features, features)"""
    U: Gates
    """u: (features, channels), h: (features, features)"""
    V: Gates
    """u: (channels * order, channels), h: (channels * order, features)"""


LECUN = per_gate(variance_scaling(1.0, "fan_in", "uniform"))
GLOROT = per_gate(variance_scaling(1.0, "fan_avg", "normal"))


@lru_cache
def delay(order: int, theta: float) -> tuple[Any, Any]:
    """A and B in float64, computed with SciPy because JAX may have float64 disabled."""
    from scipy.linalg import expm

    i, j = np.arange(order)[:, None], np.arange(order)[None, :]
    a = (2 * i + 1) * np.where(i < j, -1.0, (-1.0) ** (i - j + 1))
    b = (2 * i + 1) * (-1.0) ** i
    held = expm(np.block([[a, b], [np.zeros((1, order + 1))]]) / theta)
    return held[:order, :order], held[:order, order]


@dataclass(frozen=True)
class LMU(Cell):
    """Legendre memory unit; equations in :mod:`recurrax.cells.lmu`.

    Attributes:
      features: size of h.
      order: d, the number of coefficients of each memory.
      theta: the length of the window that a memory holds, in steps.
      channels: the number of memories, the size of u.
    """

    features: int
    order: int
    theta: float
    _: KW_ONLY
    channels: int = 1

    Carry = LMUCarry
    Params = LMUParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_int(self, "order")
        options.positive_float(self, "theta")
        options.positive_int(self, "channels")

    def init(self, key: Array, in_features: int) -> LMUParams:
        keys = jax.random.split(key, 5)
        memory = self.channels * self.order

        def group(axes: Any, key_u: Any, key_h: Any, n: int) -> Gates:
            u = LECUN(key_u, (n, self.channels), "u", float)
            return Gates(axes, **u, **GLOROT(key_h, (n, self.features), "h", float))

        V = GLOROT(keys[4], (memory, self.features), "h", float)
        return LMUParams(
            group(INPUT, keys[0], keys[1], in_features),
            group(RECURRENT, keys[2], keys[3], self.features),
            Gates(("m", "gate"), u=jnp.zeros((memory, self.channels)), **V),
        )

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> LMUCarry:
        sizes = (self.features, self.channels * self.order)
        return LMUCarry(*(jnp.zeros((*batch_shape, n)) for n in sizes))

    def step(self, params: LMUParams, carry: LMUCarry, x: Array) -> tuple[LMUCarry, Array]:
        W, U, V = params
        h, m = carry
        A, B = (jnp.asarray(a, m.dtype) for a in delay(self.order, float(self.theta)))
        u = x @ W.u + h @ U.u + m @ V.u
        memories = m.reshape(*m.shape[:-1], self.channels, self.order)
        m = (memories @ A.T + u[..., None] * B).reshape(m.shape)
        h = tanh(x @ W.h + h @ U.h + m @ V.h)
        return LMUCarry(h, m), h
