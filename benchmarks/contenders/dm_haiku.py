"""Haiku: ``hk.dynamic_unroll``, and a user's ``RNNCore``."""

from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp
from jax import Array

from benchmarks.jax_runner import Layer


class TanhRNN(hk.RNNCore):
    """``hk.VanillaRNN`` has relu and no option for tanh, so a user writes this one too."""

    def __init__(self, features: int):
        super().__init__()
        self.features = features

    def __call__(self, inputs: Array, state: Array) -> tuple[Array, Array]:
        z = hk.Linear(self.features)(inputs) + hk.Linear(self.features, with_bias=False)(state)
        h = jnp.tanh(z)
        return h, h

    def initial_state(self, batch_size: int | None) -> Any:
        return jnp.zeros((self.features,) if batch_size is None else (batch_size, self.features))


class UGRNN(TanhRNN):
    def __call__(self, inputs: Array, state: Array) -> tuple[Array, Array]:
        size = 2 * self.features
        z = hk.Linear(size)(inputs) + hk.Linear(size, with_bias=False)(state)
        c, g = jnp.split(z, 2, axis=-1)
        g = jax.nn.sigmoid(g)
        h = g * state + (1 - g) * jnp.tanh(c)
        return h, h


CELLS = {"lstm": hk.LSTM, "gru": hk.GRU, "rnn": TanhRNN, "ugrnn": UGRNN}


def layer(cell: str, xs: Array, features: int) -> Layer:
    @hk.without_apply_rng
    @hk.transform
    def rnn(xs: Array) -> tuple[Any, Any]:
        core = CELLS[cell](features)
        state = core.initial_state(xs.shape[0])
        ys, state = hk.dynamic_unroll(core, xs, state, time_major=False)
        return state, ys

    return Layer(jax.eval_shape(rnn.init, jax.random.key(0), xs), rnn.apply)
