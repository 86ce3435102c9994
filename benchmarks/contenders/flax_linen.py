"""flax.linen: ``nn.RNN`` with its own best cells, and a user's ``RNNCellBase``."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from benchmarks.jax_runner import Layer


class UGRNNCell(nn.RNNCellBase):
    features: int

    @nn.compact
    def __call__(self, carry: Array, inputs: Array) -> tuple[Array, Array]:
        h = carry
        z = nn.Dense(2 * self.features)(inputs) + nn.Dense(2 * self.features, use_bias=False)(h)
        c, g = jnp.split(z, 2, axis=-1)
        g = nn.sigmoid(g)
        h = g * h + (1 - g) * jnp.tanh(c)
        return h, h

    @nn.nowrap
    def initialize_carry(self, rng: Array, input_shape: tuple[int, ...]) -> Array:
        return jnp.zeros((*input_shape[:-1], self.features))

    @property
    def num_feature_axes(self) -> int:
        return 1


CELLS = {
    "lstm": nn.OptimizedLSTMCell,
    "gru": nn.GRUCell,
    "rnn": nn.SimpleCell,
    "ugrnn": UGRNNCell,
}


def layer(cell: str, xs: Array, features: int) -> Layer:
    rnn = nn.RNN(CELLS[cell](features), return_carry=True, unroll=1)
    return Layer(jax.eval_shape(rnn.init, jax.random.key(0), xs), rnn.apply)
