r"""Clockwork RNN (Koutnik, Greff, Gomez & Schmidhuber 2014, arXiv:1402.3511).

    h_g' = phi(W_h x + U_h h + b_h)_g    if t mod T_g = 0
           h_g                           otherwise

The units form modules of equal size. Module g is updated every T_g steps and keeps its state in
between. A module sees itself and the slower modules: U_h is block-triangular.

Conventions: the first step of a sequence, and the first after a reset, is t = 0, which updates all
modules. The carry holds t mod T_g for every module.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from recurrax.cell import activations, options
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.operators import Masked
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class ClockworkRNNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""
    t: Array
    """(*batch, modules), how many steps ago each clock struck"""


@dataclass(frozen=True)
class ClockworkRNN(Cell):
    """Clockwork RNN; equations in :mod:`recurrax.cells.clockwork`.

    Attributes:
      features: size of h, a multiple of the number of periods.
      periods: T_g of every module, in steps, increasing.
      candidate_fn: phi, a name ("tanh", "sigmoid", "relu", "identity") or a function.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    periods: tuple[int, ...]
    _: KW_ONLY
    candidate_fn: Activation = "tanh"
    preset: str | Preset = "default"

    Carry = ClockworkRNNCarry
    Params = GateParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.increasing_ints(self, "periods")
        if self.features % len(self.periods):
            raise ValueError(
                f"rx.ClockworkRNN: features must be a multiple of the number of periods, "
                f"{len(self.periods)}; got {self.features}."
            )

    def init(self, key: Array, in_features: int) -> GateParams:
        slower = Masked(tuple(tuple(int(a >= b) for b in self.periods) for a in self.periods))
        return init_gates(
            key,
            in_features,
            self.features,
            gates="h",
            recurrent=slower,
            preset=self.preset,
            family="rnn",
        )

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> ClockworkRNNCarry:
        h, t = (jnp.zeros((*batch_shape, n)) for n in (self.features, len(self.periods)))
        return ClockworkRNNCarry(h, t)

    def step(
        self, params: GateParams, carry: ClockworkRNNCarry, x: Array
    ) -> tuple[ClockworkRNNCarry, Array]:
        W, U, b = params
        phi = activations.get(self.candidate_fn)
        h, t = carry
        options.counts_exactly(self, "t", max(self.periods), t.dtype)
        T = jnp.asarray(self.periods, t.dtype)
        strikes = jnp.repeat(t == 0, self.features // len(self.periods), axis=-1)
        h = jnp.where(strikes, phi(x @ W.h + h @ U.h + b.h), h)
        return ClockworkRNNCarry(h, jnp.mod(t + 1, T)), h
