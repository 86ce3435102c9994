r"""minGRU (Feng et al. 2024, "Were RNNs all we needed?", arXiv:2410.01201).

    z  = sigma(W_z x + b_z)
    n  = phi(W_h x + b_h)
    h' = (1 - z) * h + z * n

This is a GRU whose gate does not see the state. It is linear in h, so that it can run in parallel
over time (``method="associative"``). phi is the identity, or with ``candidate_fn="positive"``

    phi(v) = v + 1/2 for v >= 0, sigma(v) below

Conventions: z is the weight of the new state, as in the paper; in a GRU it is that of the old one.
The paper computes the parallel form in logarithms, which needs n > 0 and therefore the positive
phi. recurrax multiplies the coefficients themselves, which is stable because they lie between 0 and
1.
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
      candidate_fn: phi, a name ("identity", "positive", "tanh", ...) or a function.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    candidate_fn: Activation = "identity"
    preset: str | Preset = "default"

    Carry = MinGRUCarry
    Params = MinGRUParams

    def init(self, key: Array, in_features: int) -> MinGRUParams:
        W, _, b = init_gates(key, in_features, self.features, "zh", U="", preset=self.preset)
        return MinGRUParams(W, b)

    def step(self, params: MinGRUParams, carry: MinGRUCarry, x: Array) -> tuple[MinGRUCarry, Array]:
        W, b = params
        phi = activations.get(self.candidate_fn)
        z = sigmoid(x @ W.z + b.z)
        n = phi(x @ W.h + b.h)
        h = (1 - z) * carry.h + z * n
        return MinGRUCarry(h), h
