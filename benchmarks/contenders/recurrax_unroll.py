"""recurrax: ``rx.unroll``."""

from typing import Any

import jax.numpy as jnp
from jax import Array

import recurrax as rx
from benchmarks.jax_runner import Layer

CELLS = {"lstm": rx.LSTM, "gru": rx.GRU, "rnn": rx.Elman, "ugrnn": rx.UGRNN}


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
