"""Where a public program had ``lax.scan``, ``rx.scan`` works under the same transformations."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export, lax

import recurrax as rx

XS = jnp.asarray(np.random.default_rng(0).normal(size=(3, 5)))


def step(c, x):
    return c + jnp.sin(x) * c + x, c * x


NUMBERS = {"int": 0, "float": 0.5, "complex": 0.5j}
OUTER = {
    "vmap of jit": lambda f: jax.vmap(jax.jit(f)),
    "vmap of checkpoint": lambda f: jax.vmap(jax.checkpoint(f)),
    "vmap of cond": lambda f: jax.vmap(lambda x: lax.cond(x[0] > 0, f, lambda x: f(2 * x), x)),
    "vmap of scan": lambda f: jax.vmap(
        lambda x: lax.scan(lambda c, _: (c + f(x), None), f(x), None, length=2)[0]
    ),
    "vmap of while_loop": lambda f: jax.vmap(
        lambda x: lax.fori_loop(0, jnp.int32(x[0] > 0) + 1, lambda _, c: c + f(x), f(x))
    ),
    "vmap of jit of vmap": lambda f: jax.vmap(
        jax.jit(jax.vmap(f)), in_axes=None, axis_size=2, out_axes=0
    ),
    "jit of vmap of jit": lambda f: jax.jit(jax.vmap(jax.jit(f))),
}


@pytest.fixture
def numbers_promote():
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.usefixtures("numbers_promote")
@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_in_the_carry(number, outer):
    def run(scan, x):
        return scan(step, NUMBERS[number], x)[0]

    got, want = (OUTER[outer](partial(run, scan))(XS) for scan in (rx.scan, lax.scan))
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.usefixtures("numbers_promote")
@pytest.mark.parametrize("number", ["float", "complex"])
@pytest.mark.parametrize("inner", [lambda f: f, jax.jit, jax.checkpoint])
def test_gradients_with_a_number_in_the_carry(number, inner):
    def run(scan, x):
        return jnp.sum(jnp.abs(scan(step, NUMBERS[number], x)[0]) ** 2)

    got, want = (jax.vmap(jax.grad(inner(partial(run, scan))))(XS) for scan in (rx.scan, lax.scan))
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("length", [np.int64(3), np.array(3), jnp.int32(3), np.uint8(3)])
def test_a_length_that_is_an_array(length):
    for scan in (rx.scan, lax.scan):
        np.testing.assert_array_equal(scan(lambda c, _: (c + 1, c), 0, None, length)[1], [0, 1, 2])


def test_python_branches_without_jit():
    def branching(c, x):
        return (c + x, 1.0) if x > 0 else (c - x, 0.0)

    with jax.disable_jit():
        got, want = (scan(branching, jnp.zeros(()), XS[0]) for scan in (rx.scan, lax.scan))
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("option", ["jax_debug_nans", "jax_debug_infs"])
@pytest.mark.parametrize("outer", [lambda f: f, jax.jit, jax.grad])
def test_a_step_with_nan_is_found(option, outer):
    bad = {
        "jax_debug_nans": lambda c, x: jnp.log(c - 1 - x),
        "jax_debug_infs": lambda c, x: c + jnp.exp(800 * x),
    }

    def run(scan, x):
        return scan(lambda c, x: (bad[option](c, x), None), jnp.zeros(()), x)[0]

    jax.config.update(option, True)
    try:
        for scan in (rx.scan, lax.scan):
            with pytest.raises(FloatingPointError, match="invalid value"):
                jax.block_until_ready(outer(partial(run, scan))(jnp.ones(4)))
    finally:
        jax.config.update(option, False)


# ----------------------------------------------------------------------------------- jax.export

CELL = rx.GRU(4)


def params_of(cell):
    return jax.tree.map(lambda a: a.astype(float), cell.init(jax.random.key(0), 3))


SHAPES = {"batch": "b, 5, 3", "time": "2, t, 3", "both": "b, t, 3", "twice": "2*b, 5, 3"}
RUNS = {
    "outputs": lambda p, x, n: rx.unroll(CELL, p, x)[1],
    "lengths": lambda p, x, n: rx.unroll(CELL, p, x, lengths=n)[1],
    "gradient": lambda p, x, n: (
        jax.grad(lambda p: jnp.sum(rx.unroll(CELL, p, x, lengths=n)[1] ** 2))(p).U.n
    ),
    "reverse": lambda p, x, n: rx.unroll(CELL, p, x, reverse=True)[1],
    "stack": lambda p, x, n: rx.unroll(rx.Stack((CELL,) * 2), (p, params_of_top()), x)[1],
}


def params_of_top():
    return jax.tree.map(lambda a: a.astype(float), CELL.init(jax.random.key(1), 4))


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("symbols", SHAPES)
def test_export_with_symbolic_sizes(symbols, run, rng):
    shape = export.symbolic_shape(SHAPES[symbols])
    params = params_of(CELL)
    f = jax.jit(RUNS[run])
    exported = export.export(f)(
        jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), params),
        jax.ShapeDtypeStruct(shape, float),
        jax.ShapeDtypeStruct(shape[:1], jnp.int32),
    )
    for rows, steps in ((2, 5), (4, 7)):
        sizes = {"batch": (rows, 5), "time": (2, steps), "both": (rows, steps), "twice": (rows, 5)}
        batch, time = sizes[symbols]
        xs = jnp.asarray(rng.normal(size=(batch, time, 3)))
        lengths = jnp.asarray(rng.integers(0, time + 1, size=batch), jnp.int32)
        got = exported.call(params, xs, lengths)
        np.testing.assert_allclose(got, f(params, xs, lengths), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["BRC", "LEM", "LSTM", "CoRNN", "LayerNormLSTM", "GRU", "SLSTM"])
def test_fresh_parameters_and_carries_can_be_donated(name):
    cell = getattr(rx, name)(4)
    for fresh in (cell.init(jax.random.key(0), 3), cell.initial_carry((2,))):
        pointers = [a.unsafe_buffer_pointer() for a in jax.tree.leaves(fresh)]
        assert len(set(pointers)) == len(pointers)
        jax.block_until_ready(jax.jit(lambda t: jax.tree.map(jnp.cos, t), donate_argnums=0)(fresh))


def test_a_layer_of_flax_names_ours():
    with pytest.raises(AttributeError, match=r"rx\.linen\.RNN or rx\.nnx\.RNN"):
        rx.LSTM(8).initialize_carry  # noqa: B018
    assert not hasattr(rx.LSTM(8), "initialize_carry")
    with pytest.raises(AttributeError, match="has no attribute 'feature'"):
        rx.LSTM(8).feature  # noqa: B018
