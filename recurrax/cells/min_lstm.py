r"""minLSTM (Feng et al. 2024, "Were RNNs all we needed?", arXiv:2410.01201).

    f  = sigma(W_f x + b_f)
    i  = sigma(W_i x + b_i)
    n  = phi(W_h x + b_h)
    h' = f / (f + i) * h + i / (f + i) * n

This is an LSTM whose gates do not see the state and add up to 1. It is linear in h, so that it can
run in parallel over time (``method="associative"``). phi is the identity, or with
``candidate_fn="positive"``

    phi(v) = v + 1/2 for v >= 0, sigma(v) below

The preset adds its forget bias to b_f.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import sigmoid

from recurrax.cell import activations
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.params import Gates, init_gates
from recurrax.initializers import Preset


class MinLSTMCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


class MinLSTMParams(NamedTuple):
    W: Gates
    """f, i, h: (in_features, features)"""
    b: Gates
    """f, i, h: (features,)"""


@dataclass(frozen=True)
class MinLSTM(Cell):
    """Minimal LSTM; equations in :mod:`recurrax.cells.min_lstm`.

    Attributes:
      features: size of h.
      candidate_fn: phi, a name ("identity", "positive", "tanh", ...) or a function.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    candidate_fn: Activation = "identity"
    preset: str | Preset = "default"

    Carry = MinLSTMCarry
    Params = MinLSTMParams

    def init(self, key: Array, in_features: int) -> MinLSTMParams:
        W, _, b = init_gates(
            key, in_features, self.features, "fih", U="", forget="f", preset=self.preset
        )
        return MinLSTMParams(W, b)

    def step(
        self, params: MinLSTMParams, carry: MinLSTMCarry, x: Array
    ) -> tuple[MinLSTMCarry, Array]:
        W, b = params
        phi = activations.get(self.candidate_fn)
        f = sigmoid(x @ W.f + b.f)
        i = sigmoid(x @ W.i + b.i)
        n = phi(x @ W.h + b.h)
        h = f / (f + i) * carry.h + i / (f + i) * n
        return MinLSTMCarry(h), h
