"""recurrax: ``rx.unroll``, and a user's own cell, written as its article prints it."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

import recurrax as rx
from benchmarks.jax_runner import Layer


class UGRNNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class UGRNN(rx.Cell):
    """Update gate RNN (Collins, Sohl-Dickstein & Sussillo 2017, arXiv:1611.09913).

    c  = tanh(W_c x + U_c h + b_c)
    g  = sigmoid(W_g x + U_g h + b_g)
    h' = g * h + (1 - g) * c
    """

    features: int

    def init(self, key: Array, in_features: int) -> rx.GateParams:
        return rx.init_gates(key, in_features, self.features, gates="cg")

    def step(self, params: rx.GateParams, carry: UGRNNCarry, x: Array) -> tuple[UGRNNCarry, Array]:
        W, U, b = params
        h = carry.h
        c = tanh(x @ W.c + h @ U.c + b.c)
        g = sigmoid(x @ W.g + h @ U.g + b.g)
        h = g * h + (1 - g) * c
        return UGRNNCarry(h), h


CELLS = {"lstm": rx.LSTM, "gru": rx.GRU, "rnn": rx.Elman, "ugrnn": UGRNN}


def layer(cell: str, xs: Array, features: int, method: str, given: tuple[str, ...] = ()) -> Layer:
    """``given`` are more arguments: all steps count, and in the middle a new sequence begins."""
    rx_cell = CELLS[cell](features)
    params = rx_cell.params_like(xs.shape[-1])
    rows, steps = xs.shape[:2]
    values = {
        "lengths": jnp.full(rows, steps),
        "mask": jnp.ones((rows, steps), bool),
        "resets": jnp.zeros((rows, steps), bool).at[:, steps // 2].set(True),
    }

    def apply(params: Any, xs: Array, beside: dict[str, Array]) -> Any:
        return rx.unroll(rx_cell, params, xs, method=method, **beside)

    return Layer(params, apply, {name: values[name] for name in given})
