r"""minLSTM (Feng et al. 2024, "Were RNNs all we needed?", arXiv:2410.01201).

    f  = sigma(W_f x + b_f)
    i  = sigma(W_i x + b_i)
    n  = W_h x + b_h                candidate="linear"
    n  = g(W_h x + b_h)             candidate="positive",  g(v) = v + 1/2 for v >= 0, else sigma(v)
    h' = f / (f + i) * h + i / (f + i) * n

An LSTM whose gates do not see the state and add up to 1: linear in h, so that it can run in
parallel over time (``method="associative"``). The forget bias of the preset raises b_f.
"""

from dataclasses import dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import sigmoid

from recurrax.cell import activations, options
from recurrax.cell.cell import Cell
from recurrax.cell.params import Gates, input_params
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
      candidate: ``"linear"`` or ``"positive"``.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    candidate: str = "linear"
    preset: str | Preset = "default"

    def __post_init__(self) -> None:
        super().__post_init__()
        options.one_of(self, "candidate", tuple(activations.CANDIDATES))

    def init(self, key: Array, in_features: int) -> MinLSTMParams:
        return MinLSTMParams(
            *input_params(key, in_features, self.features, "fih", self.preset, forget="f")
        )

    def step(
        self, params: MinLSTMParams, carry: MinLSTMCarry, x: Array
    ) -> tuple[MinLSTMCarry, Array]:
        W, b = params
        f = sigmoid(x @ W.f + b.f)
        i = sigmoid(x @ W.i + b.i)
        n = activations.CANDIDATES[self.candidate](x @ W.h + b.h)
        h = f / (f + i) * carry.h + i / (f + i) * n
        return MinLSTMCarry(h), h
