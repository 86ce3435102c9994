"""Cells of Haiku and Equinox run through ``rx.scan`` as they are, and are compiled."""

import equinox as eqx
import haiku as hk
import jax
import jax.numpy as jnp
import pytest

import recurrax as rx
from tests.helpers import assert_close, random_like

B, T, D, H = 2, 5, 3, 4


def haiku_cell(make, shape=(D,)):
    """``step(params, state, x)``, parameters and a state of a Haiku core."""

    @hk.without_apply_rng
    @hk.transform
    def core(x, state):
        y, state = make()(x, state)
        return state, y

    state = hk.without_apply_rng(hk.transform(lambda: make().initial_state(B))).apply({})
    params = core.init(jax.random.key(0), jnp.zeros((B, *shape)), state)
    return lambda params, state, x: core.apply(params, x, state), params, state, shape


def equinox_cell(make, state):
    """The same of an Equinox cell, whose parameters are its arrays and which takes one row."""
    arrays, rest = eqx.partition(make(D, H, key=jax.random.key(0)), eqx.is_array)

    def step(arrays, state, x):
        state = jax.vmap(eqx.combine(arrays, rest))(x, state)
        return state, jax.tree.leaves(state)[0]

    return step, arrays, state, (D,)


h = jnp.zeros((B, H))
CELLS = {  # and the products in the loop
    "haiku RNN": (lambda: haiku_cell(lambda: hk.VanillaRNN(H)), 1),
    "haiku LSTM": (lambda: haiku_cell(lambda: hk.LSTM(H)), 1),
    "haiku GRU": (lambda: haiku_cell(lambda: hk.GRU(H)), 2),  # its reset is before the product
    "haiku ConvLSTM": (
        lambda: haiku_cell(lambda: hk.Conv1DLSTM((6,), H, 3), shape=(6, D)),
        1,
    ),
    "equinox LSTM": (lambda: equinox_cell(eqx.nn.LSTMCell, (h, h)), 1),
    "equinox GRU": (lambda: equinox_cell(eqx.nn.GRUCell, h), 1),
}


@pytest.fixture(params=CELLS)
def cell(request, rng, as_they_promote):
    """Random numbers in place of their zeros: the step, its operands, the products in its loop."""
    make, products = CELLS[request.param]
    step, params, state, shape = make()
    xs = jnp.zeros((T, B, *shape))
    return step, random_like(rng, (params, state, xs)), products


@pytest.fixture
def as_they_promote():
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@pytest.mark.parametrize("reverse", [False, True])
def test_results_and_gradients_are_those_of_lax_scan(cell, reverse, rng):
    step, operands, _ = cell

    def over_time(scan, **options):
        def run(params, state, xs):
            return scan(
                lambda state, x: step(params, state, x), state, xs, reverse=reverse, **options
            )

        return run

    ours, theirs = over_time(rx.scan, method="chunked", chunk=2), over_time(jax.lax.scan)
    got, back = jax.vjp(ours, *operands)
    want, theirs_back = jax.vjp(theirs, *operands)
    assert_close(got, want)
    cotangents = random_like(rng, want)
    assert_close(back(cotangents), theirs_back(cotangents), 1e-11)


def test_the_step_is_compiled(cell):
    step, (params, state, xs), products = cell
    found = rx.explain(lambda state, x: step(params, state, x), state, xs)
    assert found.method == "chunked"
    (loop,) = found.forward.loops
    assert len(loop.matmuls) == products
