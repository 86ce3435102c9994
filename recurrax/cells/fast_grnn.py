r"""FastGRNN (Kusupati et al. 2018, arXiv:1901.02358): one pair of kernels for gate and candidate.

    s  = W_s x + U_s h
    z  = sigma(s + b_z)
    n  = phi(s + b_n)
    h' = (sigma(zeta) * (1 - z) + sigma(nu)) * n + z * h

zeta and nu are two learned scalars. In the paper W and U are low-rank and sparse, for small
devices; ``recurrent=rx.LowRank(r)`` makes U low-rank.

Conventions: initial values of the authors' code (EdgeML): kernels N(0, 0.1^2), biases 1, zeta = 1,
nu = -4. torchrecurrent's gate is tanh by default; the paper's is sigma.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid

from recurrax.cell import activations
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.operators import FULL, Operator, check_operator
from recurrax.cell.params import Gates, init_gates
from recurrax.initializers import Preset


class FastGRNNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


class FastGRNNParams(NamedTuple):
    W: Gates
    """s: (in_features, features)"""
    U: Gates
    """s: (features, features), or what ``recurrent`` has in its place"""
    b: Gates
    """z, n: (features,)"""
    zeta: Array
    """()"""
    nu: Array
    """()"""


@dataclass(frozen=True)
class FastGRNN(Cell):
    """Gated RNN with one pair of kernels; equations in :mod:`recurrax.cells.fast_grnn`.

    Attributes:
      features: size of h.
      candidate_fn: phi, a name ("tanh", "relu", "sigmoid", "identity") or a function.
      recurrent: what U is: ``rx.Full()``, ``rx.LowRank(r)`` as in the paper, or another operator.
      preset: initial values of W, U and b; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    candidate_fn: Activation = "tanh"
    recurrent: Operator = FULL
    preset: str | Preset = "edgeml"

    Carry = FastGRNNCarry
    Params = FastGRNNParams

    def __post_init__(self) -> None:
        super().__post_init__()
        check_operator(self, self.features)

    def init(self, key: Array, in_features: int) -> FastGRNNParams:
        W, U, b = init_gates(
            key,
            in_features,
            self.features,
            "s",
            b="zn",
            recurrent=self.recurrent,
            preset=self.preset,
        )
        return FastGRNNParams(W, U, b, zeta=jnp.array(1.0), nu=jnp.array(-4.0))

    def step(
        self, params: FastGRNNParams, carry: FastGRNNCarry, x: Array
    ) -> tuple[FastGRNNCarry, Array]:
        W, U, b, zeta, nu = params
        s = x @ W.s + carry.h @ U.s
        z = sigmoid(s + b.z)
        n = activations.get(self.candidate_fn)(s + b.n)
        h = (sigmoid(zeta) * (1 - z) + sigmoid(nu)) * n + z * carry.h
        return FastGRNNCarry(h), h
