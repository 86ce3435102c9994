r"""The cell of neural architecture search (Zoph & Le 2017, arXiv:1611.01578), as TensorFlow has it.

    X_k = W_k x,  H_k = U_k h + b_k        k = a0 .. a7
    u  = tanh(tanh(sigma(X_0 + H_0) * relu(X_1 + H_1)) + c)
    c' = u * tanh(sigma(X_2 + H_2) + relu(X_3 * H_3))
    v  = tanh(tanh(X_4 + H_4) * sigma(X_5 + H_5))
    w  = sigma(tanh(X_6 + H_6) + sigma(X_7 + H_7))
    h' = tanh(c' * tanh(v + w))

Conventions: gate 3 multiplies X and H where all other gates add them, and the biases are part of H,
as in NASCell of TensorFlow Addons. torchrecurrent and RecurrentLayers.jl add in gate 3 too, which
is a different cell.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import relu, sigmoid
from jax.numpy import tanh

from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class NASCarry(NamedTuple):
    h: Array
    """(*batch, features)"""
    c: Array
    """(*batch, features)"""


GATES = tuple(f"a{k}" for k in range(8))


@dataclass(frozen=True)
class NAS(Cell):
    """The cell of neural architecture search; equations in :mod:`recurrax.cells.nas`.

    Attributes:
      features: size of h and c.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    preset: str | Preset = "default"

    Carry = NASCarry
    Params = GateParams

    def init(self, key: Array, in_features: int) -> GateParams:
        return init_gates(key, in_features, self.features, gates=GATES, preset=self.preset)

    def step(self, params: GateParams, carry: NASCarry, x: Array) -> tuple[NASCarry, Array]:
        W, U, b = params
        h, c = carry
        X = [x @ W[k] for k in GATES]
        H = [h @ U[k] + b[k] for k in GATES]
        u = tanh(tanh(sigmoid(X[0] + H[0]) * relu(X[1] + H[1])) + c)
        c = u * tanh(sigmoid(X[2] + H[2]) + relu(X[3] * H[3]))
        v = tanh(tanh(X[4] + H[4]) * sigmoid(X[5] + H[5]))
        w = sigmoid(tanh(X[6] + H[6]) + sigmoid(X[7] + H[7]))
        h = tanh(c * tanh(v + w))
        return NASCarry(h, c), h
