r"""LSTM whose output gate is inside the squashing function (Krause et al. 2016, arXiv:1609.07959).

    i  = sigma(W_i x + U_i h + b_i)
    f  = sigma(W_f x + U_f h + b_f)
    o  = sigma(W_o x + U_o h + b_o)
    g  = W_g x + U_g h + b_g            candidate="linear"
    g  = x                              candidate="input"
    c' = f * c + i * g
    h' = phi(c' * o)

Krause et al. use it in "Multiplicative LSTM for sequence modelling". It differs from the usual LSTM
in two places: the candidate has no activation, and h = tanh(c * o) instead of o * tanh(c).

``candidate="input"`` is a form found in blog posts under the name LSTM: the raw input is added to
the cell state, so x must have as many features as the cell, and there is no recurrent candidate. It
is not an LSTM; use :class:`recurrax.LSTM` unless you reproduce such a post. phi = tanh gives their
equation, phi = sigmoid their pseudo-code.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
from jax import Array

from recurrax.cell import activations, options
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class KrauseLSTMCarry(NamedTuple):
    h: Array
    """(*batch, features)"""
    c: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class KrauseLSTM(Cell):
    """LSTM with h = tanh(c * o); equations in :mod:`recurrax.cells.krause`.

    Attributes:
      features: size of h and c.
      candidate: ``"linear"`` (Krause et al.) or ``"input"`` (x itself; in_features == features).
      output_fn: phi, a name ("tanh", "sigmoid", "relu", "identity") or a function.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    candidate: str = "linear"
    output_fn: Activation = "tanh"
    preset: str | Preset = "default"

    Carry = KrauseLSTMCarry
    Params = GateParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.one_of(self, "candidate", ("linear", "input"))

    def init(self, key: Array, in_features: int) -> GateParams:
        if self.candidate == "input":
            options.same_size(
                self, in_features, "candidate='input' adds x itself to the cell state"
            )
        gates = "ifgo" if self.candidate == "linear" else "ifo"
        return init_gates(
            key, in_features, self.features, gates=gates, preset=self.preset, family="lstm"
        )

    def step(
        self, params: GateParams, carry: KrauseLSTMCarry, x: Array
    ) -> tuple[KrauseLSTMCarry, Array]:
        W, U, b = params
        h, c = carry
        sigma, phi = jax.nn.sigmoid, activations.get(self.output_fn)
        i = sigma(x @ W.i + h @ U.i + b.i)
        f = sigma(x @ W.f + h @ U.f + b.f)
        o = sigma(x @ W.o + h @ U.o + b.o)
        g = x @ W.g + h @ U.g + b.g if self.candidate == "linear" else x
        c = f * c + i * g
        h = phi(c * o)
        return KrauseLSTMCarry(h, c), h
