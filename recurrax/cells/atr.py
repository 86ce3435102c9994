r"""Addition-subtraction twin-gated recurrent network (Zhang, Xiong, Su, Lin & Zhang 2018,
arXiv:1810.12546).

    p  = W_p x
    q  = U_q h
    i  = sigma(p + q)
    f  = sigma(p - q)
    h' = i * p + f * h

The two gates share one pair of kernels.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import sigmoid

from recurrax.cell.cell import Cell
from recurrax.cell.params import Gates, init_gates
from recurrax.initializers import Preset


class ATRCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


class ATRParams(NamedTuple):
    W: Gates
    """p: (in_features, features)"""
    U: Gates
    """q: (features, features)"""


@dataclass(frozen=True)
class ATR(Cell):
    """Twin-gated recurrent network; equations in :mod:`recurrax.cells.atr`.

    Attributes:
      features: size of h.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    preset: str | Preset = "default"

    Carry = ATRCarry
    Params = ATRParams

    def init(self, key: Array, in_features: int) -> ATRParams:
        W, U, _ = init_gates(
            key, in_features, self.features, "pq", W="p", U="q", b="", preset=self.preset
        )
        return ATRParams(W, U)

    def step(self, params: ATRParams, carry: ATRCarry, x: Array) -> tuple[ATRCarry, Array]:
        W, U = params
        p = x @ W.p
        q = carry.h @ U.q
        i, f = sigmoid(p + q), sigmoid(p - q)
        h = i * p + f * carry.h
        return ATRCarry(h), h
