r"""Minimal gated unit (Zhou et al. 2016, arXiv:1603.09420).

    f  = sigmoid(W_f x + U_f h + b_f)
    n  = tanh(W_n x + U_n (f * h) + b_n)
    h' = (1 - f) * h + f * n

Conventions: as in the paper. ``flax.linen.MGUCell`` mixes the other way round, (1 - f) * n + f * h,
and applies f after the product with U_n.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class MGUCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class MGU(Cell):
    """Minimal gated unit; equations in :mod:`recurrax.cells.mgu`.

    Attributes:
      features: size of h.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    preset: str | Preset = "default"

    Carry = MGUCarry
    Params = GateParams

    def init(self, key: Array, in_features: int) -> GateParams:
        return init_gates(key, in_features, self.features, gates="fn", preset=self.preset)

    def step(self, params: GateParams, carry: MGUCarry, x: Array) -> tuple[MGUCarry, Array]:
        W, U, b = params
        f = sigmoid(x @ W.f + carry.h @ U.f + b.f)
        n = tanh(x @ W.n + (f * carry.h) @ U.n + b.n)
        h = (1 - f) * carry.h + f * n
        return MGUCarry(h), h
