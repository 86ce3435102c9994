"""Hypothesis over shapes: batch axes, sizes, time axis, direction, split point."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, strategies as st

import recurrax as rx
from tests.all_cells import TIERS
from tests.helpers import assert_close, random_like

CELLS = {
    "elman": lambda n: rx.Elman(n, readout=2),
    "lstm": lambda n: rx.LSTM(n, peephole="diagonal"),
    "lstm_projection": lambda n: rx.LSTM(n, projection=n + 1),
    "gru": rx.GRU,
    "gru_before": lambda n: rx.GRU(n, reset="before"),
    "mgu": rx.MGU,
    "krause_lstm": rx.KrauseLSTM,
    "layer_norm_lstm": lambda n: rx.LayerNormLSTM(n, eps=0.1),  # n may be 2, and both units equal
    "layer_norm_gru": lambda n: rx.LayerNormGRU(n, eps=0.1),
    "lem": rx.LEM,
    "min_gru": rx.MinGRU,
    "scrn": lambda n: rx.SCRN(n, slow=2),
    "lmu": lambda n: rx.LMU(n, order=3, theta=5.0),
    "ind_rnn": lambda n: rx.IndRNN(n, candidate_fn="tanh"),
}

sizes = st.integers(1, 4)
batches = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@st.composite
def problems(draw):
    """A cell with random sizes, random arrays, and where time is."""
    cell = CELLS[draw(st.sampled_from(sorted(CELLS)))](draw(sizes))
    batch, steps, in_features = draw(batches), draw(st.integers(0, 5)), draw(sizes)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    params = random_like(rng, cell.params_like(in_features))
    carry = random_like(rng, cell.initial_carry(batch))
    xs = jnp.asarray(rng.normal(size=(*batch, steps, in_features)))
    return cell, params, carry, xs, draw(st.integers(0, len(batch))), draw(st.booleans())


@given(problems())
def test_unroll_equals_a_python_loop(problem):
    cell, params, carry, xs, time_axis, reverse = problem
    steps, batch = xs.shape[-2], xs.shape[:-2]
    order = range(steps)[::-1] if reverse else range(steps)
    want, ys = carry, {}
    for t in order:
        want, ys[t] = cell.step(params, want, xs[..., t, :])
    stacked = np.zeros((*batch, steps, cell.out_features))
    for t, y in ys.items():
        stacked[..., t, :] = y
    got = rx.unroll(
        cell, params, jnp.moveaxis(xs, -2, time_axis), carry, time_axis=time_axis, reverse=reverse
    )
    assert_close(got, (want, jnp.moveaxis(stacked, -2, time_axis)))


@given(problems(), st.data())
def test_any_split_in_time_equals_the_whole(problem, data):
    cell, params, carry, xs, _, reverse = problem
    cut = data.draw(st.integers(0, xs.shape[-2]))
    want = rx.unroll(cell, params, xs, carry, reverse=reverse)
    parts = [xs[..., :cut, :], xs[..., cut:, :]]
    ys = [None, None]
    for k in (1, 0) if reverse else (0, 1):
        carry, ys[k] = rx.unroll(cell, params, parts[k], carry, reverse=reverse)
    assert_close((carry, jnp.concatenate(ys, -2)), want)


@given(problems())
def test_vmap_over_every_batch_axis_equals_the_batch(problem):
    cell, params, carry, xs, _, reverse = problem

    def run(carry, xs):
        return rx.unroll(cell, params, xs, carry, reverse=reverse)

    want = run(carry, xs)
    if 0 in xs.shape[:-2]:  # jax.vmap takes no empty axis
        return
    for _ in xs.shape[:-2]:
        run = jax.vmap(run)
    assert_close(run(carry, xs), want)


@given(problems())
def test_gradients_of_a_batch_are_the_sum_over_its_rows(problem):
    cell, params, carry, xs, _, _ = problem

    def loss(params, carry, xs):
        return jnp.sum(jnp.sin(rx.unroll(cell, params, xs, carry)[1]))

    flat = xs.reshape(int(np.prod(xs.shape[:-2])), *xs.shape[-2:])
    rows = jax.tree.map(lambda a: a.reshape(len(flat), a.shape[-1]), carry)
    total = jax.tree.map(jnp.zeros_like, params)
    for row in range(len(flat)):
        one = jax.grad(loss)(params, jax.tree.map(lambda a, row=row: a[row], rows), flat[row])
        total = jax.tree.map(jnp.add, total, one)
    assert_close(jax.grad(loss)(params, carry, xs), total)


def test_the_fuzzed_cells_are_of_every_kind():
    # but for cells of one size of x, and those whose carry is not any numbers of any size
    left_out = {"rg", "slstm", "qrnn", "clockwork"}
    assert {name.split("_")[0] for name in CELLS} >= {
        n.split("_")[0] for n in TIERS["cell"]
    } - left_out
