r"""Multiplicative integration: MI-RNN, MI-LSTM, MI-GRU (Wu, Zhang, Zhang, Bengio & Salakhutdinov
2016, arXiv:1606.06630).

    z_k = alpha_k * (W_k x) * (U_k h) + beta1_k * (U_k h) + beta2_k * (W_k x) + b_k

replaces W_k x + U_k h + b_k in every gate:

    h' = phi(z_h)                                                        MI-RNN

    i = sigma(z_i);  f = sigma(z_f);  o = sigma(z_o);  g = tanh(z_g)     MI-LSTM
    c' = f * c + i * g
    h' = o * tanh(c')

    r = sigma(z_r);  z = sigma(z_z);  n = tanh(z_n), which sees r * h    MI-GRU
    h' = (1 - z) * n + z * h

Input and state gate each other. alpha = 0 and beta = 1 give the usual cells; alpha = 1 and beta = 0
is the purely multiplicative form that the paper starts from.

Conventions: alpha, beta1 and beta2 are initially 1; depending on the task, the paper uses 1 or 2
for alpha and 0.5 or 1 for beta. In the MI-GRU z keeps the old state, as in :class:`recurrax.GRU`.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell import activations, options
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.params import BIAS, Gates, init_gates
from recurrax.initializers import Preset


class MIRNNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


class MILSTMCarry(NamedTuple):
    h: Array
    """(*batch, features)"""
    c: Array
    """(*batch, features)"""


class MIGRUCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


class MIParams(NamedTuple):
    """Every group has the same gates."""

    W: Gates
    """(in_features, features)"""
    U: Gates
    """(features, features)"""
    b: Gates
    """(features,)"""
    alpha: Gates
    """(features,)"""
    beta1: Gates
    """(features,)"""
    beta2: Gates
    """(features,)"""


def integrate(params: MIParams, gate: str, x: Array, h: Array) -> Array:
    """The pre-activation z_k of a gate."""
    W, U, b, alpha, beta1, beta2 = (group[gate] for group in params)
    Wx, Uh = x @ W, h @ U
    return alpha * Wx * Uh + beta1 * Uh + beta2 * Wx + b


@dataclass(frozen=True)
class MultiplicativeIntegration(Cell):
    """What the three cells share.

    Attributes:
      features: size of h.
      alpha, beta1, beta2: their initial values.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    alpha: float = 1.0
    beta1: float = 1.0
    beta2: float = 1.0
    preset: str | Preset = "default"

    gates = ""
    family = "gru"

    def __post_init__(self) -> None:
        super().__post_init__()
        options.number(self, "alpha", "beta1", "beta2")

    def init(self, key: Array, in_features: int) -> MIParams:
        W, U, b = init_gates(
            key, in_features, self.features, self.gates, preset=self.preset, family=self.family
        )
        values = (self.alpha, self.beta1, self.beta2)
        factors = [
            Gates(BIAS, **{k: jnp.full((self.features,), v, float) for k in self.gates})
            for v in values
        ]
        return MIParams(W, U, b, *factors)


@dataclass(frozen=True)
class MIRNN(MultiplicativeIntegration):
    """MI-RNN; equations in :mod:`recurrax.cells.multiplicative_integration`.

    Attributes:
      features: size of h.
      alpha, beta1, beta2: their initial values.
      preset: initial values; see :func:`recurrax.initializers.preset`.
      candidate_fn: phi, a name ("tanh", "sigmoid", "relu", "identity") or a function.
    """

    _: KW_ONLY
    candidate_fn: Activation = "tanh"

    Carry = MIRNNCarry
    Params = MIParams

    gates = "h"
    family = "rnn"

    def step(self, params: MIParams, carry: MIRNNCarry, x: Array) -> tuple[MIRNNCarry, Array]:
        phi = activations.get(self.candidate_fn)
        h = phi(integrate(params, "h", x, carry.h))
        return MIRNNCarry(h), h


@dataclass(frozen=True)
class MILSTM(MultiplicativeIntegration):
    """MI-LSTM; equations in :mod:`recurrax.cells.multiplicative_integration`.

    Attributes:
      features: size of h and c.
      alpha, beta1, beta2: their initial values.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    Carry = MILSTMCarry
    Params = MIParams

    gates = "ifgo"
    family = "lstm"

    def step(self, params: MIParams, carry: MILSTMCarry, x: Array) -> tuple[MILSTMCarry, Array]:
        h, c = carry
        i = sigmoid(integrate(params, "i", x, h))
        f = sigmoid(integrate(params, "f", x, h))
        g = tanh(integrate(params, "g", x, h))
        o = sigmoid(integrate(params, "o", x, h))
        c = f * c + i * g
        h = o * tanh(c)
        return MILSTMCarry(h, c), h


@dataclass(frozen=True)
class MIGRU(MultiplicativeIntegration):
    """MI-GRU; equations in :mod:`recurrax.cells.multiplicative_integration`.

    Attributes:
      features: size of h.
      alpha, beta1, beta2: their initial values.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    Carry = MIGRUCarry
    Params = MIParams

    gates = "rzn"

    def step(self, params: MIParams, carry: MIGRUCarry, x: Array) -> tuple[MIGRUCarry, Array]:
        h = carry.h
        r = sigmoid(integrate(params, "r", x, h))
        z = sigmoid(integrate(params, "z", x, h))
        n = tanh(integrate(params, "n", x, r * h))
        h = (1 - z) * n + z * h
        return MIGRUCarry(h), h
