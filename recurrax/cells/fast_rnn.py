r"""FastRNN (Kusupati et al. 2018, arXiv:1901.02358): a tanh RNN with a residual connection in time.

    h' = sigma(alpha) * phi(W_h x + U_h h + b_h) + sigma(beta) * h

alpha and beta are two learned scalars.

Conventions: initial values of the authors' code (EdgeML): kernels N(0, 0.1^2), biases 1,
alpha = -3, beta = 3, that is sigma(alpha) = 0.047 and sigma(beta) = 0.953.
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


class FastRNNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


class FastRNNParams(NamedTuple):
    W: Gates
    """h: (in_features, features)"""
    U: Gates
    """h: (features, features), or what ``recurrent`` has in its place"""
    b: Gates
    """h: (features,)"""
    alpha: Array
    """()"""
    beta: Array
    """()"""


@dataclass(frozen=True)
class FastRNN(Cell):
    """Tanh RNN with a residual connection; equations in :mod:`recurrax.cells.fast_rnn`.

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

    Carry = FastRNNCarry
    Params = FastRNNParams

    def __post_init__(self) -> None:
        super().__post_init__()
        check_operator(self, self.features)

    def init(self, key: Array, in_features: int) -> FastRNNParams:
        drawn = init_gates(
            key,
            in_features,
            self.features,
            gates="h",
            recurrent=self.recurrent,
            preset=self.preset,
            family="rnn",
        )
        return FastRNNParams(*drawn, alpha=jnp.array(-3.0), beta=jnp.array(3.0))

    def step(
        self, params: FastRNNParams, carry: FastRNNCarry, x: Array
    ) -> tuple[FastRNNCarry, Array]:
        W, U, b, alpha, beta = params
        n = activations.get(self.candidate_fn)(x @ W.h + carry.h @ U.h + b.h)
        h = sigmoid(alpha) * n + sigmoid(beta) * carry.h
        return FastRNNCarry(h), h
