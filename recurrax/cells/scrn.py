r"""Structurally constrained recurrent network (Mikolov, Joulin, Chopra, Mathieu & Ranzato 2015,
arXiv:1412.7753).

    s' = (1 - alpha) * (B_s x) + alpha * s
    h' = sigma(P_h s' + W_h x + U_h h)
    y  = [h', s']

s is a slow state, a moving average of the inputs with a fixed rate; the fast state h sees it. The
output layer of the paper, with one kernel for h' and one for s', is a dense layer on this y.

Conventions: there are no biases. torchrecurrent feeds back a readout instead of h.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import INPUT, Gates, init_gates
from recurrax.initializers import Preset, preset as find_preset


class SCRNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""
    s: Array
    """(*batch, slow)"""


class SCRNParams(NamedTuple):
    B: Gates
    """s: (in_features, slow)"""
    W: Gates
    """h: (in_features, features)"""
    U: Gates
    """h: (features, features)"""
    P: Gates
    """h: (slow, features)"""


@dataclass(frozen=True)
class SCRN(Cell):
    """Structurally constrained network; equations in :mod:`recurrax.cells.scrn`.

    Attributes:
      features: size of h.
      slow: size of s; y has ``features + slow`` entries.
      alpha: how much of s stays at every step, from 0 to below 1.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    slow: int
    _: KW_ONLY
    alpha: float = 0.95
    preset: str | Preset = "default"

    Carry = SCRNCarry
    Params = SCRNParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_int(self, "slow")
        options.rate(self, "alpha")

    @property
    def out_features(self) -> int:
        return self.features + self.slow

    def init(self, key: Array, in_features: int) -> SCRNParams:
        key, key_B, key_P = jax.random.split(key, 3)
        how = find_preset(self.preset, "rnn")
        W, U, _ = init_gates(key, in_features, self.features, "h", b="", preset=self.preset)
        B = Gates(INPUT, **how.W(key_B, (in_features, self.slow), "s", float))
        P = Gates(("s", "gate"), **how.W(key_P, (self.slow, self.features), "h", float))
        return SCRNParams(B, W, U, P)

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> SCRNCarry:
        h, s = (jnp.zeros((*batch_shape, n)) for n in (self.features, self.slow))
        return SCRNCarry(h, s)

    def step(self, params: SCRNParams, carry: SCRNCarry, x: Array) -> tuple[SCRNCarry, Array]:
        B, W, U, P = params
        s = (1 - self.alpha) * (x @ B.s) + self.alpha * carry.s
        h = sigmoid(s @ P.h + x @ W.h + carry.h @ U.h)
        return SCRNCarry(h, s), jnp.concatenate([h, s], axis=-1)
