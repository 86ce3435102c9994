r"""sLSTM, of xLSTM (Beck et al. 2024, arXiv:2405.04517): an LSTM with exponential gating.

    z  = tanh (W_z x + U_z h + b_z)
    o  = sigma(W_o x + U_o h + b_o)
    i~ = W_i x + U_i h + b_i
    f~ = log sigma(W_f x + U_f h + b_f) + m
    m' = max(f~, i~)                             f~ = -inf where n = 0, before the first step
    c' = exp(f~ - m') * c + exp(i~ - m') * z
    n' = exp(f~ - m') * n + exp(i~ - m')
    h' = o * c' / n'

The input gate is an exponential. The normaliser n is the sum of the weights in c. m keeps the
exponents near zero: it divides c and n by exp(m), which does not change h. U is block-diagonal:
``heads`` groups of units that do not see each other.

Conventions: as in the authors' code, the forget gate is sigma, U is initially zero, and the forget
bias initially runs from 5 to -7 over the units of a head.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.nn import log_sigmoid, sigmoid
from jax.numpy import exp, tanh

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.operators import BlockDiagonal
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset, per_gate, preset as find_preset, zeros


class SLSTMCarry(NamedTuple):
    h: Array
    """(*batch, features)"""
    c: Array
    """(*batch, features)"""
    n: Array
    """(*batch, features)"""
    m: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class SLSTM(Cell):
    """sLSTM; equations in :mod:`recurrax.cells.slstm`.

    Attributes:
      features: size of h, c, n and m.
      heads: number of groups of units, a divisor of ``features``.
      preset: initial values of W and b; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    heads: int = 1
    preset: str | Preset = "default"

    Carry = SLSTMCarry
    Params = GateParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_int(self, "heads")
        options.divides(self, "heads", "features")

    def init(self, key: Array, in_features: int) -> GateParams:
        W, U, b = init_gates(
            key,
            in_features,
            self.features,
            gates="ifzo",
            recurrent=BlockDiagonal(self.heads),
            preset=find_preset(self.preset, "gru", U=per_gate(zeros)),
        )
        size = self.features // self.heads
        along = jnp.arange(size) / max(size - 1, 1)
        fall = jnp.tile(5 - 12 * along**0.3, self.heads)
        return GateParams(W, U, b.replace(f=b.f + fall))

    def step(self, params: GateParams, carry: SLSTMCarry, x: Array) -> tuple[SLSTMCarry, Array]:
        W, U, b = params
        h, c, n, m = carry
        z = tanh(x @ W.z + h @ U.z + b.z)
        o = sigmoid(x @ W.o + h @ U.o + b.o)
        i = x @ W.i + h @ U.i + b.i
        f = log_sigmoid(x @ W.f + h @ U.f + b.f) + m
        f = jnp.where(n == 0, -jnp.inf, f)
        m = jnp.maximum(f, i)
        c = exp(f - m) * c + exp(i - m) * z
        n = exp(f - m) * n + exp(i - m)
        h = o * c / n
        return SLSTMCarry(h, c, n, m), h
