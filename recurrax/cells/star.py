r"""STAR, the stackable recurrent cell (Turkoglu et al. 2022, arXiv:1911.11033).

    k  = sigma(W_k x + U_k h + b_k)
    z  = tanh (W_z x + b_z)
    h' = tanh((1 - k) * h + k * z)

Conventions: as in the paper. The authors' code has tanh(sigma(f) h + (1 - sigma(f - 1)) z),
orthogonal kernels, and chrono initialisation of the gate.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class STARCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class STAR(Cell):
    """Stackable recurrent cell; equations in :mod:`recurrax.cells.star`.

    Attributes:
      features: size of h.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    preset: str | Preset = "default"

    Carry = STARCarry
    Params = GateParams

    def init(self, key: Array, in_features: int) -> GateParams:
        return init_gates(key, in_features, self.features, "kz", U="k", preset=self.preset)

    def step(self, params: GateParams, carry: STARCarry, x: Array) -> tuple[STARCarry, Array]:
        W, U, b = params
        h = carry.h
        k = sigmoid(x @ W.k + h @ U.k + b.k)
        z = tanh(x @ W.z + b.z)
        h = tanh((1 - k) * h + k * z)
        return STARCarry(h), h
