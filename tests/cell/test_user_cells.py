"""Cells of users: with bare parameters, made of cells, with arrays of NumPy."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import recurrax as rx
from tests.bad_input import CELL, GRU, WrongCarry

pytestmark = pytest.mark.once


def test_parameters_without_names_become_one_entry_of_a_module(good):
    @dataclass(frozen=True)
    class Bare(rx.Cell):
        features: int

        def init(self, key, in_features):
            return jnp.ones((in_features, self.features))

        def step(self, params, carry, x):
            h = carry.h + x @ params
            return WrongCarry(h), h

        def initial_carry(self, batch_shape):
            return WrongCarry(jnp.zeros((*batch_shape, self.features)))

    cell = Bare(4)
    want = rx.unroll(cell, jnp.ones((3, 4)), good.xs)[1]
    layer = rx.linen.RNN(cell, param_dtype=jnp.float64)
    variables = layer.init(good.key, good.xs)
    assert variables["params"]["cell"]["value"].shape == (3, 4)
    assert np.array_equal(layer.apply(variables, good.xs), want)
    ours = rx.nnx.RNN(cell, 3, rngs=nnx.Rngs(0), param_dtype=jnp.float64)
    assert np.array_equal(ours(good.xs), want)


def test_a_cell_made_of_cells_needs_no_size(good):
    @dataclass(frozen=True)
    class Pair(rx.Cell):
        first: rx.Cell
        second: rx.Cell

        def init(self, key, in_features):
            return self.first.init(key, in_features), self.second.init(key, 4)

        def initial_carry(self, batch_shape):
            return self.first.initial_carry(batch_shape), self.second.initial_carry(batch_shape)

        def step(self, params, carry, x):
            first, y = self.first.step(params[0], carry[0], x)
            second, y = self.second.step(params[1], carry[1], y)
            return (first, second), y

    pair = Pair(CELL, GRU)
    carry, ys = rx.unroll(pair, pair.init(good.key, 3), good.xs)
    assert ys.shape == (2, 5, 4)
    assert carry[1].h.shape == (2, 4)
    layer = rx.linen.RNN(pair, param_dtype=jnp.float64)
    variables = layer.init(good.key, good.xs)
    assert set(variables["params"]["cell"]) == {"0", "1"}
    assert layer.apply(variables, good.xs).shape == (2, 5, 4)
    params = pair.init(good.key, 3)
    tree = rx.params_to_dict(params)
    back = rx.params_from_dict(pair.params_like(3), tree)
    assert jax.tree.structure(back) == jax.tree.structure(params)


def test_numpy_inputs_and_sizes_are_welcome(good):
    cell = rx.LSTM(np.int64(4))
    assert cell == CELL
    assert type(cell.features) is int
    params = jax.tree.map(np.asarray, good.params)
    _, ys = rx.unroll(cell, params, np.ones((2, 5, 3)))
    assert ys.shape == (2, 5, 4)
