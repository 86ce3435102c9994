r"""Orthogonal RNN by the exponential map, expRNN (Lezcano-Casado & Martinez-Rubio 2019,
arXiv:1901.08428).

    R  = exp(A - A^T)
    h' = modrelu(W x + R h; b)
    modrelu(v; b) = sign(v) * relu(|v| + b)        (Arjovsky et al. 2016, arXiv:1511.06464)

The exponential of an antisymmetric matrix is orthogonal: R preserves the norm of h, and of the
gradient. R is computed once per run.

Conventions: A is any matrix, but only A - A^T matters; the authors' code stores the upper triangle.
Initially R consists of rotations in planes of two units, whose angles are Cayley transforms of a
uniform draw from 0 to pi / 2 (``angles="cayley"``), or uniform between -pi and pi
(``angles="henaff"``). b is uniform between -0.01 and 0.01, W is N(0, 2 / in_features).
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import expm

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import BIAS, INPUT, RECURRENT, Gates
from recurrax.initializers import per_gate, variance_scaling


class ExpRNNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


class ExpRNNParams(NamedTuple):
    W: Gates
    """h: (in_features, features)"""
    A: Gates
    """h: (features, features)"""
    b: Gates
    """h: (features,)"""


def rotation(A: Array) -> Array:
    """exp(A - A^T); half precision is computed in float32, because linear solvers need it."""
    skew = A - A.T
    half = jnp.finfo(A.dtype).bits < 32
    return expm(skew.astype(jnp.float32) if half else skew).astype(A.dtype)


def modrelu(v: Array, b: Array) -> Array:
    """A relu with bias b on the absolute value; it keeps the sign."""
    return jnp.sign(v) * jax.nn.relu(jnp.abs(v) + b)


@dataclass(frozen=True)
class ExpRNN(Cell):
    """Orthogonal RNN by the exponential map; equations in :mod:`recurrax.cells.exp_rnn`.

    Attributes:
      features: size of h.
      angles: how the rotations of a new cell are drawn, ``"cayley"`` or ``"henaff"``.
    """

    features: int
    _: KW_ONLY
    angles: str = "cayley"

    Carry = ExpRNNCarry
    Params = ExpRNNParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.one_of(self, "angles", ("cayley", "henaff"))

    def init(self, key: Array, in_features: int) -> ExpRNNParams:
        key_W, key_A, key_b = jax.random.split(key, 3)
        W = per_gate(variance_scaling(2.0, "fan_in", "normal"))
        low, high = (0.0, jnp.pi / 2) if self.angles == "cayley" else (-jnp.pi, jnp.pi)
        angle = jax.random.uniform(key_A, (self.features // 2,), float, low, high)
        if self.angles == "cayley":
            angle = -jnp.tan(angle / 2)
        first = 2 * jnp.arange(self.features // 2)
        A = jnp.zeros((self.features, self.features)).at[first, first + 1].set(angle)
        b = jax.random.uniform(key_b, (self.features,), float, -0.01, 0.01)
        return ExpRNNParams(
            Gates(INPUT, **W(key_W, (in_features, self.features), "h", float)),
            Gates(RECURRENT, h=A),
            Gates(BIAS, h=b),
        )

    def step(self, params: ExpRNNParams, carry: ExpRNNCarry, x: Array) -> tuple[ExpRNNCarry, Array]:
        W, A, b = params
        h = modrelu(x @ W.h + carry.h @ rotation(A.h), b.h)
        return ExpRNNCarry(h), h
