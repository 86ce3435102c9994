r"""Independently recurrent network (Li, Li, Cook, Zhu & Gao 2018, arXiv:1803.04831).

    h' = phi(W_h x + u_h * h + b_h)

Every unit sees only itself; the layers of a stack mix the units. In the paper phi is relu.

Conventions: u is drawn from U(0, 1). For sequences of T steps the paper keeps |u| at or below
2^(1/T), which is done by clipping in the optimiser, and initialises the last layer of a memory task
near 1.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
from jax import Array

from recurrax.cell import activations
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.params import BIAS, Gates, init_gates
from recurrax.initializers import Preset, per_gate, uniform


class IndRNNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


class IndRNNParams(NamedTuple):
    W: Gates
    """h: (in_features, features)"""
    u: Gates
    """h: (features,)"""
    b: Gates
    """h: (features,)"""


@dataclass(frozen=True)
class IndRNN(Cell):
    """Independently recurrent network; equations in :mod:`recurrax.cells.ind_rnn`.

    Attributes:
      features: size of h.
      candidate_fn: phi, a name ("relu", "tanh", "sigmoid", "identity") or a function.
      preset: initial values of W and b; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    candidate_fn: Activation = "relu"
    preset: str | Preset = "default"

    Carry = IndRNNCarry
    Params = IndRNNParams

    def init(self, key: Array, in_features: int) -> IndRNNParams:
        key, key_u = jax.random.split(key)
        W, _, b = init_gates(key, in_features, self.features, "h", U="", preset=self.preset)
        u = per_gate(uniform(0.0, 1.0))(key_u, (self.features,), "h", float)
        return IndRNNParams(W, Gates(BIAS, **u), b)

    def step(self, params: IndRNNParams, carry: IndRNNCarry, x: Array) -> tuple[IndRNNCarry, Array]:
        W, u, b = params
        phi = activations.get(self.candidate_fn)
        h = phi(x @ W.h + u.h * carry.h + b.h)
        return IndRNNCarry(h), h
