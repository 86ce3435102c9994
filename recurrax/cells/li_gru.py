r"""Light GRU (Ravanelli, Brakel, Omologo & Bengio 2018, arXiv:1803.10225).

    z  = sigma(W_z x + U_z h + b_z)
    n  = relu (W_n x + U_n h + b_n)
    h' = z * h + (1 - z) * n

This is a GRU without a reset gate and with a relu candidate.

Conventions: the paper applies batch normalisation to W x, which keeps the relu bounded. A cell is a
function of one sequence; if you need batch normalisation, apply it to x before the cell.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import relu, sigmoid

from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class LiGRUCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class LiGRU(Cell):
    """Light GRU; equations in :mod:`recurrax.cells.li_gru`.

    Attributes:
      features: size of h.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    preset: str | Preset = "default"

    Carry = LiGRUCarry
    Params = GateParams

    def init(self, key: Array, in_features: int) -> GateParams:
        return init_gates(key, in_features, self.features, gates="zn", preset=self.preset)

    def step(self, params: GateParams, carry: LiGRUCarry, x: Array) -> tuple[LiGRUCarry, Array]:
        W, U, b = params
        h = carry.h
        z = sigmoid(x @ W.z + h @ U.z + b.z)
        n = relu(x @ W.n + h @ U.n + b.n)
        h = z * h + (1 - z) * n
        return LiGRUCarry(h), h
