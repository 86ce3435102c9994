r"""Antisymmetric RNN, plain and gated (Chang, Chen, Haber & Chi 2019, arXiv:1902.09689).

    M  = U_h - U_h^T - gamma I
    h' = h + epsilon * tanh(W_h x + M h + b_h)
    h' = h + epsilon * sigma(W_z x + M h + b_z) * tanh(W_h x + M h + b_h)      gated=True

This is Euler's method for an ordinary differential equation whose linear part is antisymmetric. The
state neither grows nor decays, except through the diffusion gamma. M is computed once per run.

Conventions: W is N(0, 1/in_features) and U is N(0, 1/features), as in the paper with sigma = 1.
torchrecurrent draws U from N(0, 1), and its gated cell omits a bias.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class AntisymmetricRNNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class AntisymmetricRNN(Cell):
    """Antisymmetric RNN; equations in :mod:`recurrax.cells.antisymmetric`.

    Attributes:
      features: size of h.
      gated: whether there is an input gate.
      epsilon: time step, above 0.
      gamma: diffusion.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    gated: bool = False
    epsilon: float = 0.01
    gamma: float = 0.01
    preset: str | Preset = "fan_in"

    Carry = AntisymmetricRNNCarry
    Params = GateParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_float(self, "epsilon")
        options.number(self, "gamma")

    def init(self, key: Array, in_features: int) -> GateParams:
        return init_gates(
            key,
            in_features,
            self.features,
            gates="hz" if self.gated else "h",
            U="h",
            preset=self.preset,
            family="rnn",
        )

    def step(
        self, params: GateParams, carry: AntisymmetricRNNCarry, x: Array
    ) -> tuple[AntisymmetricRNNCarry, Array]:
        W, U, b = params
        h = carry.h
        M = U.h - U.h.T - self.gamma * jnp.eye(self.features, dtype=U.h.dtype)
        n = tanh(x @ W.h + h @ M + b.h)
        if self.gated:
            n = sigmoid(x @ W.z + h @ M + b.z) * n
        h = h + self.epsilon * n
        return AntisymmetricRNNCarry(h), h
