"""flax.nnx: ``nnx.RNN`` with its own best cells, and a user's ``RNNCellBase``."""

from typing import Any

import jax.numpy as jnp
from flax import nnx
from jax import Array

from benchmarks.jax_runner import Layer


class UGRNNCell(nnx.RNNCellBase):
    def __init__(self, in_features: int, features: int, *, rngs: nnx.Rngs):
        self.features = features
        self.input = nnx.Linear(in_features, 2 * features, rngs=rngs)
        self.recurrent = nnx.Linear(features, 2 * features, use_bias=False, rngs=rngs)

    def __call__(self, carry: Array, inputs: Array) -> tuple[Array, Array]:
        h = carry
        c, g = jnp.split(self.input(inputs) + self.recurrent(h), 2, axis=-1)
        g = nnx.sigmoid(g)
        h = g * h + (1 - g) * jnp.tanh(c)
        return h, h

    def initialize_carry(
        self, input_shape: tuple[int, ...], rngs: Any = None, carry_init: Any = None
    ) -> Array:
        return jnp.zeros((*input_shape[:-1], self.features))

    @property
    def num_feature_axes(self) -> int:
        return 1


CELLS = {
    "lstm": nnx.OptimizedLSTMCell,
    "gru": nnx.GRUCell,
    "rnn": nnx.SimpleCell,
    "ugrnn": UGRNNCell,
}


def layer(cell: str, xs: Array, features: int) -> Layer:
    def rnn() -> nnx.RNN:
        cell_module = CELLS[cell](xs.shape[-1], features, rngs=nnx.Rngs(0))
        return nnx.RNN(cell_module, return_carry=True, rngs=False)

    graph, params = nnx.split(nnx.eval_shape(rnn))
    # The random numbers are for the initial carry, which is zero.
    return Layer(params, lambda params, xs: nnx.merge(graph, params)(xs, rngs=nnx.Rngs(0)))
