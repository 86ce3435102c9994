r"""JANET, "just another network" (van der Westhuizen & Lasenby 2018, arXiv:1804.04849).

    s  = W_f x + U_f c + b_f
    c' = sigma(s) * c + (1 - sigma(s - beta)) * tanh(W_c x + U_c c + b_c)

This is an LSTM with only a forget gate; the cell state is the output.

Conventions: beta is a constant of the equation, 1 in the paper. The authors initialise b_f by
chrono initialisation, which is for sequences of T steps ``preset=rx.initializers.preset("default",
b=rx.initializers.chrono(T, input=None))``; the default is a forget bias of 1.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class JANETCarry(NamedTuple):
    c: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class JANET(Cell):
    """LSTM with a forget gate alone; equations in :mod:`recurrax.cells.janet`.

    Attributes:
      features: size of c.
      beta: how much more the input gate is open than 1 - f.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    beta: float = 1.0
    preset: str | Preset = "default"

    Carry = JANETCarry
    Params = GateParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.number(self, "beta")

    def init(self, key: Array, in_features: int) -> GateParams:
        return init_gates(
            key, in_features, self.features, gates="fc", forget="f", preset=self.preset
        )

    def step(self, params: GateParams, carry: JANETCarry, x: Array) -> tuple[JANETCarry, Array]:
        W, U, b = params
        c = carry.c
        s = x @ W.f + c @ U.f + b.f
        n = tanh(x @ W.c + c @ U.c + b.c)
        c = sigmoid(s) * c + (1 - sigmoid(s - self.beta)) * n
        return JANETCarry(c), c
