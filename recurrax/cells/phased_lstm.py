r"""Phased LSTM (Neil, Pfeiffer & Liu 2016, arXiv:1610.09513): an LSTM for events at any times.

    i  = sigma(W_i u + U_i h + P_i * c + b_i)
    f  = sigma(W_f u + U_f h + P_f * c + b_f)
    g  = tanh(W_g u + U_g h + b_g)
    c~ = f * c + i * g
    o  = sigma(W_o u + U_o h + P_o * c~ + b_o)
    h~ = o * tanh(c~)

    phi = ((t - s) mod tau) / tau
    k   = 2 phi / r          if phi < r / 2
          2 - 2 phi / r      if phi < r
          leak * phi         otherwise
    c'  = k * c~ + (1 - k) * c
    h'  = k * h~ + (1 - k) * h

Every unit has a clock with period tau and shift s, and is open for a fraction r of its period. It
keeps its state while it is closed. x = [u, t]: the last feature of x is the time stamp t of the
event.

Conventions: t and tau have the same unit. The output gate's peephole sees c~, as in the first
author's code; unlike the paper, that code adds the shift and uses |tau| and |r|. A closed gate
leaks; the paper sets ``leak`` to 0 after training (``dataclasses.replace(cell, leak=0.0)``). tau is
drawn from exp(U(0, 3)), s from U(0, tau), r is 0.05; all are learned. Half precision cannot
represent all whole time stamps above 256 (bfloat16) or 2048 (float16): keep the inputs in float32.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import BIAS, Gates, init_gates
from recurrax.initializers import Preset, preset as find_preset


class PhasedLSTMCarry(NamedTuple):
    h: Array
    """(*batch, features)"""
    c: Array
    """(*batch, features)"""


class PhasedLSTMParams(NamedTuple):
    W: Gates
    """i, f, g, o: (in_features - 1, features)"""
    U: Gates
    """i, f, g, o: (features, features)"""
    b: Gates
    """i, f, g, o: (features,)"""
    P: Gates
    """i, f, o: (features,)"""
    tau: Array
    """(features,)"""
    s: Array
    """(features,)"""
    r: Array
    """(features,)"""


@dataclass(frozen=True)
class PhasedLSTM(Cell):
    """Phased LSTM; equations in :mod:`recurrax.cells.phased_lstm`.

    Attributes:
      features: size of h and c.
      leak: alpha, the slope of a closed gate.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    leak: float = 0.001
    preset: str | Preset = "default"

    Carry = PhasedLSTMCarry
    Params = PhasedLSTMParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.number(self, "leak")

    def init(self, key: Array, in_features: int) -> PhasedLSTMParams:
        if in_features < 2:
            raise ValueError(
                "rx.PhasedLSTM.init: in_features must be 2 or more, the last for the time stamp; "
                f"got {in_features}."
            )
        key, key_P, key_tau, key_s = jax.random.split(key, 4)
        n = self.features
        W, U, b = init_gates(
            key, in_features - 1, n, gates="ifgo", preset=self.preset, family="lstm"
        )
        W = Gates(("u", "gate"), **dict(W.items()))
        P = find_preset(self.preset, "lstm").P(key_P, (n,), "ifo", float)
        tau = jnp.exp(jax.random.uniform(key_tau, (n,), float, 0, 3))
        s = tau * jax.random.uniform(key_s, (n,), float)
        r = jnp.full((n,), 0.05, float)
        return PhasedLSTMParams(W, U, b, P=Gates(BIAS, **P), tau=tau, s=s, r=r)

    def step(
        self, params: PhasedLSTMParams, carry: PhasedLSTMCarry, x: Array
    ) -> tuple[PhasedLSTMCarry, Array]:
        W, U, b, P, tau, s, r = params
        h, c = carry
        u, t = x[..., :-1], x[..., -1:]
        i = sigmoid(u @ W.i + h @ U.i + P.i * c + b.i)
        f = sigmoid(u @ W.f + h @ U.f + P.f * c + b.f)
        g = tanh(u @ W.g + h @ U.g + b.g)
        c_new = f * c + i * g
        o = sigmoid(u @ W.o + h @ U.o + P.o * c_new + b.o)
        h_new = o * tanh(c_new)
        phi = jnp.mod(t - s, tau) / tau
        closing = jnp.where(phi < r, 2 - 2 * phi / r, self.leak * phi)
        k = jnp.where(phi < r / 2, 2 * phi / r, closing)
        c = k * c_new + (1 - k) * c
        h = k * h_new + (1 - k) * h
        return PhasedLSTMCarry(h, c), h
