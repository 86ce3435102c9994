r"""Intersection RNN, or +RNN (Collins, Sohl-Dickstein & Sussillo 2017, arXiv:1611.09913).

    g_y = sigma(W_gy x + U_gy h + b_gy)
    g_h = sigma(W_gh x + U_gh h + b_gh)
    y   = g_y * x + (1 - g_y) * relu(W_y x + U_y h + b_y)
    h'  = g_h * h + (1 - g_h) * tanh(W_h x + U_h h + b_h)

One gate passes the state through time, the other passes the input through depth. y is not the
state, and x must have as many features as the cell. The paper adds 1 to the biases of both gates;
here 1 is their initial value.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import relu, sigmoid
from jax.numpy import tanh

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class IntersectionRNNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class IntersectionRNN(Cell):
    """Intersection RNN; equations in :mod:`recurrax.cells.intersection`.

    Attributes:
      features: size of h and y, and of x.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    preset: str | Preset = "default"

    Carry = IntersectionRNNCarry
    Params = GateParams

    def init(self, key: Array, in_features: int) -> GateParams:
        options.same_size(self, in_features, "a gate passes x itself to y")
        gates = ("y", "h", "gy", "gh")
        W, U, b = init_gates(key, in_features, self.features, gates, preset=self.preset)
        return GateParams(W, U, b.replace(gy=b.gy + 1, gh=b.gh + 1))

    def step(
        self, params: GateParams, carry: IntersectionRNNCarry, x: Array
    ) -> tuple[IntersectionRNNCarry, Array]:
        W, U, b = params
        h = carry.h
        g_y = sigmoid(x @ W.gy + h @ U.gy + b.gy)
        g_h = sigmoid(x @ W.gh + h @ U.gh + b.gh)
        y = g_y * x + (1 - g_y) * relu(x @ W.y + h @ U.y + b.y)
        h = g_h * h + (1 - g_h) * tanh(x @ W.h + h @ U.h + b.h)
        return IntersectionRNNCarry(h), y
