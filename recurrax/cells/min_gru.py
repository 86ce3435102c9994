r"""minGRU (Feng et al. 2024, "Were RNNs all we needed?", arXiv:2410.01201).

    z  = sigma(W_z x + b_z)
    n  = W_h x + b_h                candidate="linear"
    n  = g(W_h x + b_h)             candidate="positive",  g(v) = v + 1/2 for v >= 0, else sigma(v)
    h' = (1 - z) * h + z * n

A GRU whose gate does not see the state: linear in h, so that it can run in parallel over time
(``method="associative"``).

Conventions: z writes the new state, as in the paper; a GRU's keeps the old one. The paper computes
the parallel form in logarithms, which needs n > 0, and has g for that; recurrax multiplies the
coefficients, which lie between 0 and 1, and needs no logarithm for stability.
"""

from dataclasses import dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import sigmoid

from recurrax.cell import activations, options
from recurrax.cell.cell import Cell
from recurrax.cell.params import Gates, input_params
from recurrax.initializers import Preset


class MinGRUCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


class MinGRUParams(NamedTuple):
    W: Gates
    """z, h: (in_features, features)"""
    b: Gates
    """z, h: (features,)"""


@dataclass(frozen=True)
class MinGRU(Cell):
    """Minimal GRU; equations in :mod:`recurrax.cells.min_gru`.

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

    def init(self, key: Array, in_features: int) -> MinGRUParams:
        return MinGRUParams(*input_params(key, in_features, self.features, "zh", self.preset))

    def step(self, params: MinGRUParams, carry: MinGRUCarry, x: Array) -> tuple[MinGRUCarry, Array]:
        W, b = params
        z = sigmoid(x @ W.z + b.z)
        n = activations.CANDIDATES[self.candidate](x @ W.h + b.h)
        h = (1 - z) * carry.h + z * n
        return MinGRUCarry(h), h
