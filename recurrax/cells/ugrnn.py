r"""Update gate RNN (Collins, Sohl-Dickstein & Sussillo 2017, arXiv:1611.09913).

    c  = tanh (W_c x + U_c h + b_c)
    g  = sigma(W_g x + U_g h + b_g)
    h' = g * h + (1 - g) * c

Conventions: the paper adds 1 to the bias of the gate; here 1 is the initial value of ``b.g``.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class UGRNNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class UGRNN(Cell):
    """Update gate RNN; equations in :mod:`recurrax.cells.ugrnn`.

    Attributes:
      features: size of h.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    preset: str | Preset = "default"

    Carry = UGRNNCarry
    Params = GateParams

    def init(self, key: Array, in_features: int) -> GateParams:
        return init_gates(
            key, in_features, self.features, gates="cg", forget="g", preset=self.preset
        )

    def step(self, params: GateParams, carry: UGRNNCarry, x: Array) -> tuple[UGRNNCarry, Array]:
        W, U, b = params
        h = carry.h
        c = tanh(x @ W.c + h @ U.c + b.c)
        g = sigmoid(x @ W.g + h @ U.g + b.g)
        h = g * h + (1 - g) * c
        return UGRNNCarry(h), h
