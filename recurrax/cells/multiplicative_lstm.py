r"""Multiplicative LSTM (Krause, Lu, Murray & Renals 2016, arXiv:1609.07959).

    m  = (W_m x) * (U_m h)
    i  = sigma(W_i x + U_i m + b_i)
    f  = sigma(W_f x + U_f m + b_f)
    o  = sigma(W_o x + U_o m + b_o)
    g  = W_g x + U_g m + b_g             h' = tanh(c' * o)       form="krause"
    g  = tanh(W_g x + U_g m + b_g)       h' = o * tanh(c')       form="lstm"
    c' = f * c + i * g

The gates see m, the old state transformed in a way that depends on the input.

Conventions: "krause" is the form of the paper (:class:`recurrax.KrauseLSTM` is the same without m);
"lstm" is the common form in libraries.
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


class MultiplicativeLSTMCarry(NamedTuple):
    h: Array
    """(*batch, features)"""
    c: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class MultiplicativeLSTM(Cell):
    """Multiplicative LSTM; equations in :mod:`recurrax.cells.multiplicative_lstm`.

    Attributes:
      features: size of h, c and m.
      form: ``"krause"`` or ``"lstm"``.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    form: str = "krause"
    preset: str | Preset = "default"

    Carry = MultiplicativeLSTMCarry
    Params = GateParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.one_of(self, "form", ("krause", "lstm"))

    def init(self, key: Array, in_features: int) -> GateParams:
        return init_gates(
            key, in_features, self.features, "ifgom", b="ifgo", preset=self.preset, family="lstm"
        )

    def step(
        self, params: GateParams, carry: MultiplicativeLSTMCarry, x: Array
    ) -> tuple[MultiplicativeLSTMCarry, Array]:
        W, U, b = params
        h, c = carry
        m = (x @ W.m) * (h @ U.m)
        i = sigmoid(x @ W.i + m @ U.i + b.i)
        f = sigmoid(x @ W.f + m @ U.f + b.f)
        o = sigmoid(x @ W.o + m @ U.o + b.o)
        g = x @ W.g + m @ U.g + b.g
        c = f * c + i * (g if self.form == "krause" else tanh(g))
        h = tanh(c * o) if self.form == "krause" else o * tanh(c)
        return MultiplicativeLSTMCarry(h, c), h
