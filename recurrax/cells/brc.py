r"""Bistable recurrent cell, also neuromodulated (Vecoven, Ernst & Drion 2021, arXiv:2006.05252).

    a  = 1 + tanh(W_a x + U_a h + b_a)
    c  = sigma   (W_c x + U_c h + b_c)
    h' = c * h + (1 - c) * tanh(W_h x + a * h)

Every unit has a feedback of strength a on itself, and is bistable where a > 1. In the bistable cell
(BRC) U_a and U_c are diagonal, so that a unit sees only itself; in the neuromodulated cell (nBRC)
they are matrices.

Conventions: as in the authors' code, there is no b_h, the diagonals of the BRC are initially 1, and
kernels are Glorot uniform.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell.cell import Cell
from recurrax.cell.operators import DiagonalKernel
from recurrax.cell.params import GateParams, Gates, init_gates
from recurrax.initializers import Preset


class BRCCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class BRC(Cell):
    """Bistable recurrent cell; equations in :mod:`recurrax.cells.brc`.

    Attributes:
      features: size of h.
      neuromodulated: whether a and c see all units (nBRC) or their own (BRC).
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    neuromodulated: bool = False
    preset: str | Preset = "glorot"

    Carry = BRCCarry
    Params = GateParams

    def init(self, key: Array, in_features: int) -> GateParams:
        W, U, b = init_gates(
            key,
            in_features,
            self.features,
            "ach",
            U="ac" if self.neuromodulated else "",
            b="ac",
            preset=self.preset,
        )
        if not self.neuromodulated:
            a, c = (DiagonalKernel(jnp.ones(self.features)) for _ in "ac")
            U = Gates(U.axes, a=a, c=c)
        return GateParams(W, U, b)

    def step(self, params: GateParams, carry: BRCCarry, x: Array) -> tuple[BRCCarry, Array]:
        W, U, b = params
        h = carry.h
        a = 1 + tanh(x @ W.a + h @ U.a + b.a)
        c = sigmoid(x @ W.c + h @ U.c + b.c)
        h = c * h + (1 - c) * tanh(x @ W.h + a * h)
        return BRCCarry(h), h
