"""What is asked for is what comes out: dtypes of computation and carry, and their accuracy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn, nnx

import recurrax as rx
from tests.helpers import assert_identical, random_like

pytestmark = pytest.mark.once

DTYPES = ("float64", "float32", "bfloat16", "float16")
CELLS = {"lstm": rx.LSTM(6), "gru": rx.GRU(6), "stack": rx.Stack((rx.LSTM(6), rx.Elman(5)))}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
@pytest.mark.parametrize("param_dtype", ["float64", "float32", "bfloat16"])
def test_dtypes_are_true_as_asked(cell, param_dtype, rng):
    params = random_like(rng, cell.params_like(3), dtype=param_dtype)
    carry = random_like(rng, cell.initial_carry((2,)), dtype="float32")
    for dtype, carry_dtype in itertools.product((None, *DTYPES), (None, *DTYPES)):
        for x_dtype in ("float32", "bfloat16"):
            xs = jnp.asarray(rng.normal(size=(2, 4, 3)), x_dtype)
            if dtype is carry_dtype is None:
                continue
            options = {"dtype": dtype, "carry_dtype": carry_dtype}
            with jax.numpy_dtype_promotion("standard"):
                shapes = jax.eval_shape(
                    lambda p, x, c, options=options: (
                        rx.unroll(cell, p, x, c, **options),
                        rx.unroll(cell, p, x, lengths=jnp.array([4, 2]), **options),
                    ),
                    params,
                    xs,
                    carry,
                )
                want = jnp.dtype(dtype or jnp.result_type(param_dtype, x_dtype))
            for last, ys in shapes:
                assert ys.dtype == want
                wants = jnp.dtype(carry_dtype or want)
                assert {a.dtype for a in jax.tree.leaves(last)} == {wants}


def test_a_float32_cell_state_under_bfloat16(rng):
    cell = CELLS["lstm"]
    params = random_like(rng, cell.params_like(3), dtype="float32")
    xs = jnp.asarray(rng.normal(size=(2, 300, 3)), "float32")
    run = {"dtype": "bfloat16", "carry_dtype": {"c": "float32"}}
    last, ys = rx.unroll(cell, params, xs, **run)
    assert (last.h.dtype, last.c.dtype, ys.dtype) == (jnp.bfloat16, jnp.float32, jnp.bfloat16)
    # The state itself is computed in float32: it is no bfloat16 number.
    assert np.any(np.asarray(last.c.astype(jnp.bfloat16), "float32") != np.asarray(last.c))
    grads = jax.grad(lambda p: jnp.sum(rx.unroll(cell, p, xs, **run)[1].astype("float32")))(params)
    assert {a.dtype for a in jax.tree.leaves(grads)} == {jnp.dtype("float32")}


def error(cell, params, xs, want, **options):
    got = rx.unroll(cell, params, xs, **options)[1]
    return float(np.max(np.abs(np.asarray(got, np.float64) - want)))


# The largest error of 20 draws at T = 100, H = 32 (docs/sequences.md), times three.
ACCURACY = {
    "float32": ({"dtype": "float32"}, 1e-6),
    "bfloat16": ({"dtype": "bfloat16"}, 5.4e-2),
    "bfloat16, float32 state": ({"dtype": "bfloat16", "carry_dtype": {"c": "float32"}}, 3.6e-2),
    "float16": ({"dtype": "float16"}, 6e-3),
}


@pytest.mark.parametrize("name", ACCURACY)
def test_accuracy_of_each_precision(name, rng):
    options, bound = ACCURACY[name]
    cell = rx.LSTM(32)
    key = jax.random.key(int(rng.integers(1 << 30)))
    params = cell.init(key, 16)
    xs = jnp.asarray(rng.normal(size=(8, 100, 16)))
    want = np.asarray(rx.unroll(cell, params, xs)[1])
    got = error(cell, params, xs, want, **options)
    assert bound / 30 < got < bound


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_flax_layers_and_flax_cells_give_the_dtype_asked_for(dtype, rng, as_users_have_it):
    """Flax's own nn.RNN keeps a float32 carry, or fails, with dtype=bfloat16."""
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)), "float32")
    lengths = jnp.array([4, 2])
    for cell in (nn.SimpleCell(5, dtype=dtype), nn.LSTMCell(5, dtype=dtype), rx.LSTM(5)):
        own = {"dtype": dtype} if isinstance(cell, rx.Cell) else {}
        layer = rx.linen.RNN(cell, return_carry=True, **own)
        (carry, ys), _ = layer.init_with_output(jax.random.key(0), xs, seq_lengths=lengths)
        assert {a.dtype for a in jax.tree.leaves((carry, ys))} == {jnp.dtype(dtype)}
    rngs = nnx.Rngs(0)
    for cell in (nnx.SimpleCell(3, 5, dtype=dtype, rngs=rngs), rx.GRU(5)):
        own = {"in_features": 3, "rngs": rngs, "dtype": dtype} if isinstance(cell, rx.Cell) else {}
        carry, ys = rx.nnx.RNN(cell, return_carry=True, **own)(xs, seq_lengths=lengths)
        assert {a.dtype for a in jax.tree.leaves((carry, ys))} == {jnp.dtype(dtype)}


def test_the_precision_asked_for_is_that_of_cast_arguments(rng):
    cell = CELLS["gru"]
    params = random_like(rng, cell.params_like(3))
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)))
    small = jax.tree.map(lambda a: a.astype("float32"), (params, xs))
    assert_identical(rx.unroll(cell, params, xs, dtype="float32"), rx.unroll(cell, *small))
