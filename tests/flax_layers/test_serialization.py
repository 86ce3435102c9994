"""Parameters in files: ``flax.serialization`` and ``jax.export``, for every cell."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import serialization
from flax.training.train_state import TrainState
from jax import export

import recurrax as rx
import recurrax.linen
from tests.all_cells import CASES


def assert_equal(got, want):
    assert jax.tree.structure(got) == jax.tree.structure(want)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def arrays_of(case):
    return case.cell.init(jax.random.key(0), case.in_features), case.cell.initial_carry((2,))


@pytest.mark.once
@pytest.mark.parametrize("name", CASES)
def test_bytes_of_parameters_and_carries(name):
    arrays = arrays_of(CASES[name])
    other = jax.tree.map(jnp.zeros_like, arrays)
    assert_equal(serialization.from_bytes(other, serialization.to_bytes(arrays)), arrays)


@pytest.mark.once
@pytest.mark.parametrize("name", CASES)
def test_an_exported_function_takes_parameters_and_carries(name):
    pytest.importorskip("flatbuffers")
    arrays = arrays_of(CASES[name])
    exported = export.export(jax.jit(lambda arrays: arrays))(arrays)
    read = export.deserialize(exported.serialize())
    assert_equal(read.call(arrays), arrays)


LAYERS = {
    "bidirectional": rx.Bidirectional(rx.LSTM(3)),
    "stack": rx.Stack((rx.GRU(3), rx.Dropout(0.5), rx.Dense(2), rx.LSTM(3))),
    "low rank": rx.FastGRNN(4, recurrent=rx.LowRank(2)),
    "learned": rx.LearnedCarry(rx.GRU(3)),
    "weight norm": rx.WeightNorm(rx.LSTM(3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    pytest.importorskip("flatbuffers")
    layer = LAYERS[name]
    params = layer.init(jax.random.key(0), 2)
    other = jax.tree.map(jnp.zeros_like, params)
    assert_equal(serialization.from_bytes(other, serialization.to_bytes(params)), params)
    run = jax.jit(lambda params, xs: rx.unroll(layer, params, xs))
    xs = jnp.ones((2, 4, 2))
    read = export.deserialize(export.export(run)(params, xs).serialize())
    got, want = read.call(params, xs), run(params, xs)
    assert jax.tree.structure(got) == jax.tree.structure(want)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_train_state_and_the_state_of_adam():
    cell = rx.GRU(4)
    params = cell.init(jax.random.key(0), 3)
    state = TrainState.create(apply_fn=None, params=params, tx=optax.adam(1e-3))
    with jax.numpy_dtype_promotion("standard"):
        state = state.apply_gradients(grads=jax.tree.map(jnp.ones_like, params))
    fresh = TrainState.create(apply_fn=None, params=params, tx=state.tx)
    read = serialization.from_bytes(fresh, serialization.to_bytes(state))
    assert_equal(read.params, state.params)
    assert_equal(read.opt_state, state.opt_state)


def test_a_state_of_another_cell_is_named():
    gru, mgu = (cell.init(jax.random.key(0), 3) for cell in (rx.GRU(4), rx.MGU(4)))
    with pytest.raises(ValueError, match=r"must have the entries r, z, n; it has f, n"):
        serialization.from_state_dict(gru, serialization.to_state_dict(mgu))


def test_variables_of_a_layer_inside_a_flax_model():
    class Model(nn.Module):
        @nn.compact
        def __call__(self, xs):
            return nn.Dense(1)(rx.linen.RNN(rx.GRU(4))(xs))

    xs = jnp.ones((2, 5, 3), jnp.float32)
    variables = Model().init(jax.random.key(0), xs)
    other = jax.tree.map(jnp.zeros_like, variables)
    assert_equal(serialization.from_bytes(other, serialization.to_bytes(variables)), variables)
