"""Keras on its JAX backend: its layers, and a user's cell in ``keras.layers.RNN``."""

import os

os.environ["KERAS_BACKEND"] = "jax"  # read once, when keras is imported

from functools import partial
from typing import Any

import keras
from jax import Array

from benchmarks.jax_runner import Layer

ops: Any = keras.ops  # by its annotations, None may come out of any operation


class UGRNNCell(keras.layers.Layer):
    def __init__(self, features: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.features = self.state_size = features

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], 2 * self.features))
        self.recurrent_kernel = self.add_weight(shape=(self.features, 2 * self.features))
        self.bias = self.add_weight(shape=(2 * self.features,))

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        (h,) = states
        z = ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent_kernel)
        c, g = ops.split(z + self.bias, 2, axis=-1)
        g = ops.sigmoid(g)
        h = g * h + (1 - g) * ops.tanh(c)
        return h, [h]


# The runner draws the values; to compile Keras' own initialisers would only take time.
ZEROS: Any = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros"}

CELLS = {
    "lstm": partial(keras.layers.LSTM, **ZEROS),
    "gru": partial(keras.layers.GRU, **ZEROS),
    "rnn": partial(keras.layers.SimpleRNN, **ZEROS),
    "ugrnn": lambda features, **kwargs: keras.layers.RNN(UGRNNCell(features), **kwargs),
}


def layer(cell: str, xs: Array, features: int) -> Layer:
    return built(CELLS[cell](features, return_sequences=True, return_state=True), xs)


def conv_lstm(xs: Array, kernel: tuple[int, ...], features: int) -> Layer:
    make = getattr(keras.layers, f"ConvLSTM{len(kernel)}D")
    made = make(features, kernel, padding="same", return_sequences=True, return_state=True)
    return built(made, xs)


def built(rnn: Any, xs: Array) -> Layer:
    rnn.build(xs.shape)
    params = [variable.value for variable in rnn.trainable_variables]
    rest = [variable.value for variable in rnn.non_trainable_variables]

    def apply(params: Any, xs: Array) -> tuple[Any, Array]:
        (ys, *carry), _ = rnn.stateless_call(params, rest, xs)
        return carry, ys

    return Layer(params, apply)
