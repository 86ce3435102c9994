r"""MinimalRNN (Chen 2017, arXiv:1711.06788).

    z  = tanh (W_z x + b_z)
    u  = sigma(U_h h + U_z z + b_u)
    h' = u * h + (1 - u) * z

The state is a running average of the embedded inputs z. U_z z does not depend on the state and is
computed for all steps at once.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class MinimalRNNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class MinimalRNN(Cell):
    """MinimalRNN; equations in :mod:`recurrax.cells.minimal_rnn`.

    Attributes:
      features: size of h and z.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    preset: str | Preset = "default"

    Carry = MinimalRNNCarry
    Params = GateParams

    def init(self, key: Array, in_features: int) -> GateParams:
        return init_gates(
            key,
            in_features,
            self.features,
            "z",
            U="hz",
            b="zu",
            forget="u",
            preset=self.preset,
        )

    def step(
        self, params: GateParams, carry: MinimalRNNCarry, x: Array
    ) -> tuple[MinimalRNNCarry, Array]:
        W, U, b = params
        z = tanh(x @ W.z + b.z)
        u = sigmoid(carry.h @ U.h + z @ U.z + b.u)
        h = u * carry.h + (1 - u) * z
        return MinimalRNNCarry(h), h
