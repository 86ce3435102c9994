r"""LSTM with full gate recurrence, FGR (Greff et al. 2017, arXiv:1503.04069).

    i' = sigma(W_i x + U_i h + P_i * c  + R_ii i + R_fi f + R_oi o + b_i)
    f' = sigma(W_f x + U_f h + P_f * c  + R_if i + R_ff f + R_of o + b_f)
    g  = tanh (W_g x + U_g h                                       + b_g)
    c' = f' * c + i' * g
    o' = sigma(W_o x + U_o h + P_o * c' + R_io i + R_fo f + R_oo o + b_o)
    h' = o' * tanh(c')

This is one of the variants in "LSTM: A Search Space Odyssey", as in the LSTM of 1997: the gates
also see the gates of the previous step, which are part of the carry. It has nine more kernels:
``R_i.f`` is R_if, from the input gate to the forget gate. The other variants are options of
:class:`recurrax.LSTM`.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell.cell import Cell
from recurrax.cell.params import BIAS, Gates, init_gates
from recurrax.initializers import Preset, preset as find_preset


class FGRLSTMCarry(NamedTuple):
    h: Array
    """(*batch, features)"""
    c: Array
    """(*batch, features)"""
    i: Array
    """(*batch, features)"""
    f: Array
    """(*batch, features)"""
    o: Array
    """(*batch, features)"""


class FGRLSTMParams(NamedTuple):
    W: Gates
    """i, f, g, o: (in_features, features)"""
    U: Gates
    """i, f, g, o: (features, features)"""
    b: Gates
    """i, f, g, o: (features,)"""
    P: Gates
    """peepholes i, f, o: (features,)"""
    R_i: Gates
    """from the input gate to i, f, o: (features, features)"""
    R_f: Gates
    """from the forget gate to i, f, o: (features, features)"""
    R_o: Gates
    """from the output gate to i, f, o: (features, features)"""


@dataclass(frozen=True)
class FGRLSTM(Cell):
    """LSTM with full gate recurrence; equations in :mod:`recurrax.cells.fgr_lstm`.

    Attributes:
      features: size of h, c and the gates.
      preset: initial values, R as U; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    preset: str | Preset = "default"

    Carry = FGRLSTMCarry
    Params = FGRLSTMParams

    def init(self, key: Array, in_features: int) -> FGRLSTMParams:
        key, key_P, *keys = jax.random.split(key, 5)
        how, H = find_preset(self.preset, "lstm"), self.features
        W, U, b = init_gates(key, in_features, H, "ifgo", preset=self.preset, family="lstm")
        P = Gates(BIAS, **how.P(key_P, (H,), "ifo", float))
        R = [Gates(("old", "gate"), **(how.U or how.W)(k, (H, H), "ifo", float)) for k in keys]
        return FGRLSTMParams(W, U, b, P, *R)

    def step(
        self, params: FGRLSTMParams, carry: FGRLSTMCarry, x: Array
    ) -> tuple[FGRLSTMCarry, Array]:
        W, U, b, P, R_i, R_f, R_o = params
        h, c, i, f, o = carry

        def gate(k: str, c: Array) -> Array:
            seen = i @ R_i[k] + f @ R_f[k] + o @ R_o[k]
            return sigmoid(x @ W[k] + h @ U[k] + P[k] * c + seen + b[k])

        i_new, f_new = gate("i", c), gate("f", c)
        g = tanh(x @ W.g + h @ U.g + b.g)
        c = f_new * c + i_new * g
        o_new = gate("o", c)
        h = o_new * tanh(c)
        return FGRLSTMCarry(h, c, i_new, f_new, o_new), h
