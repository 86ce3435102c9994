r"""Light recurrent unit, LightRU (Electronics 2023).

    f  = sigma(W_f x + U_f h + b_f)
    n  = tanh (W_c x + b_c)
    h' = (1 - f) * h + f * n

This is :class:`recurrax.STAR` without the outer tanh. The candidate does not see the state.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class LightRUCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class LightRU(Cell):
    """Light recurrent unit; equations in :mod:`recurrax.cells.light_ru`.

    Attributes:
      features: size of h.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    preset: str | Preset = "default"

    Carry = LightRUCarry
    Params = GateParams

    def init(self, key: Array, in_features: int) -> GateParams:
        return init_gates(key, in_features, self.features, "fc", U="f", preset=self.preset)

    def step(self, params: GateParams, carry: LightRUCarry, x: Array) -> tuple[LightRUCarry, Array]:
        W, U, b = params
        h = carry.h
        f = sigmoid(x @ W.f + h @ U.f + b.f)
        n = tanh(x @ W.c + b.c)
        h = (1 - f) * h + f * n
        return LightRUCarry(h), h
