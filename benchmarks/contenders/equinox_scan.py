"""Equinox: its cells in a ``lax.scan`` under ``vmap``, as its documentation shows, and two modules
of a user: it has neither a tanh RNN nor a UGRNN."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from benchmarks.jax_runner import Layer


class TanhCell(eqx.Module):
    input: eqx.nn.Linear
    recurrent: eqx.nn.Linear

    def __init__(self, in_features: int, features: int, *, key: Array):
        self.input = eqx.nn.Linear(in_features, features, key=key)
        self.recurrent = eqx.nn.Linear(features, features, use_bias=False, key=key)

    def __call__(self, x: Array, h: Array) -> Array:
        return jnp.tanh(self.input(x) + self.recurrent(h))


class UGRNNCell(eqx.Module):
    input: eqx.nn.Linear
    recurrent: eqx.nn.Linear

    def __init__(self, in_features: int, features: int, *, key: Array):
        self.input = eqx.nn.Linear(in_features, 2 * features, key=key)
        self.recurrent = eqx.nn.Linear(features, 2 * features, use_bias=False, key=key)

    def __call__(self, x: Array, h: Array) -> Array:
        c, g = jnp.split(self.input(x) + self.recurrent(h), 2)
        g = jax.nn.sigmoid(g)
        return g * h + (1 - g) * jnp.tanh(c)


CELLS = {"lstm": eqx.nn.LSTMCell, "gru": eqx.nn.GRUCell, "rnn": TanhCell, "ugrnn": UGRNNCell}


def layer(cell: str, xs: Array, features: int) -> Layer:
    make = eqx.Partial(CELLS[cell], xs.shape[-1], features)
    abstract = eqx.filter_eval_shape(make, key=jax.random.key(0))
    params, static = eqx.partition(abstract, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))
    zeros = jnp.zeros(features)
    initial = (zeros, zeros) if cell == "lstm" else zeros

    def one_sequence(params: Any, xs: Array) -> tuple[Any, Array]:
        module = eqx.combine(params, static)

        def step(carry: Any, x: Array) -> tuple[Any, Array]:
            carry = module(x, carry)
            return carry, carry[0] if cell == "lstm" else carry

        return jax.lax.scan(step, initial, xs)

    return Layer(params, jax.vmap(one_sequence, in_axes=(None, 0)))
