r"""Chaos-free network (Laurent & von Brecht 2017, arXiv:1612.06212).

    f  = sigma(W_f x + U_f h + b_f)
    i  = sigma(W_i x + U_i h + b_i)
    h' = f * tanh(h) + i * tanh(W_c x)

Without input the state can only decay, so that the dynamics have no strange attractor.

Conventions: theta and eta of the paper are f and i here; b_f is initially 1 and b_i is -1, as in
the paper.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class CFNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class CFN(Cell):
    """Chaos-free network; equations in :mod:`recurrax.cells.cfn`.

    Attributes:
      features: size of h.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    preset: str | Preset = "default"

    Carry = CFNCarry
    Params = GateParams

    def init(self, key: Array, in_features: int) -> GateParams:
        W, U, b = init_gates(
            key, in_features, self.features, "fic", U="fi", b="fi", preset=self.preset
        )
        return GateParams(W, U, b.replace(f=b.f + 1, i=b.i - 1))

    def step(self, params: GateParams, carry: CFNCarry, x: Array) -> tuple[CFNCarry, Array]:
        W, U, b = params
        h = carry.h
        f = sigmoid(x @ W.f + h @ U.f + b.f)
        i = sigmoid(x @ W.i + h @ U.i + b.i)
        h = f * tanh(h) + i * tanh(x @ W.c)
        return CFNCarry(h), h
