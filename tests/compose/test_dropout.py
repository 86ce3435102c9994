"""Dropout of every kind: which masks there are, how often, and the same under the same key."""

import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.helpers import assert_close, assert_identical, random_like

pytestmark = pytest.mark.once

H, RATE = 6, 0.4
LSTM, GRU = rx.LSTM(H), rx.GRU(H)
KINDS = {
    "dropout": rx.Dropout(RATE),
    "dropout per run": rx.Dropout(RATE, per="run"),
    "variational": rx.VariationalDropout(LSTM, input=RATE, recurrent=RATE),
    "variational per gate": rx.VariationalDropout(GRU, input=RATE, recurrent=RATE, per_gate=True),
    "candidate": rx.RecurrentDropout(LSTM, RATE),
    "candidate per run": rx.RecurrentDropout(GRU, RATE, per="run"),
    "dropconnect": rx.DropConnect(LSTM, RATE),
    "zoneout": rx.Zoneout(LSTM, RATE),
    "all at once": rx.Zoneout(rx.DropConnect(rx.VariationalDropout(
        rx.RecurrentDropout(LSTM, 0.1), input=0.1, recurrent=0.2), 0.1), {"c": 0.2}),
    "a stack": rx.Stack((LSTM, rx.Dropout(RATE), rx.Zoneout(GRU, 0.2))),
    "both directions": rx.Bidirectional(rx.VariationalDropout(LSTM, input=0.2, recurrent=0.2)),
}  # fmt: skip
every_kind = pytest.mark.parametrize("cell", KINDS.values(), ids=KINDS)


def draw(rng, cell, batch=(3,), steps=5):
    xs = jnp.asarray(rng.normal(size=(*batch, steps, 3)))
    return random_like(rng, cell.params_like(3)), xs


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(cell, marks=() if name in ("all at once", "a stack") else pytest.mark.slow)
        for name, cell in KINDS.items()
    ],
    ids=KINDS,
)
def test_the_same_key_draws_the_same(cell, rng):
    params, xs = draw(rng, cell)
    one, two = jax.random.key(int(rng.integers(1 << 30))), jax.random.key(1 << 31)

    def run(key, **options):
        return rx.unroll(cell, params, xs, key=key, **options)

    assert_identical(run(one), run(one))
    assert_close(run(one), run(one, method="scan"))
    assert not np.array_equal(run(one)[1], run(two)[1])
    assert not np.array_equal(run(one)[1], run(None)[1])
    pulled = [gradient(cell, params, xs, one, method) for method in ("auto", "scan")]
    assert_close(*pulled)


def gradient(cell, params, xs, key, method):
    def loss(p):
        return jnp.sum(rx.unroll(cell, p, xs, key=key, method=method)[1] ** 2)

    return jax.jit(jax.grad(loss))(params)


def test_no_tracer_leaks(rng):
    cell = KINDS["all at once"]
    with jax.checking_leaks():
        gradient(cell, *draw(rng, cell), jax.random.key(0), "auto")


@every_kind
def test_masks_differ_between_rows_and_runs_under_vmap_too(cell, rng):
    params, _ = draw(rng, cell)
    same = jnp.asarray(np.ones((40, 1, 1)) * rng.normal(size=(5, 3)))
    keys = jax.random.split(jax.random.key(int(rng.integers(1 << 30))), 2)
    ys = np.asarray(jax.vmap(lambda k: rx.unroll(cell, params, same, key=k)[1])(keys))
    assert not np.array_equal(ys[0], ys[1])
    alike = np.mean([np.array_equal(a, b) for a, b in itertools.pairwise(ys[0])])
    if isinstance(cell, rx.DropConnect):
        assert alike == 1
    else:  # a mask of three features is that of the next row in every seventh pair
        assert alike < 0.6


def kept(rng, per, rate=RATE):
    """What a Dropout layer keeps of ones, ``(rows, steps, features)``."""
    layer = rx.Dropout(rate, per=per)
    key = jax.random.key(int(rng.integers(1 << 30)))
    ys = np.asarray(rx.unroll(layer, None, jnp.ones((50, 40, 30)), key=key)[1])
    assert set(np.unique(ys.round(12))) == {0.0, round(1 / (1 - rate), 12)}
    return ys != 0


def within_six_sigma(keep, rate=RATE):
    sigma = np.sqrt(rate * (1 - rate) / keep.size)
    return abs(keep.mean() - (1 - rate)) < 6 * sigma


def test_dropout_keeps_at_its_rate_and_draws_anew_where_it_should(rng):
    per_step, per_run = kept(rng, "step"), kept(rng, "run")
    assert within_six_sigma(per_step)
    assert within_six_sigma(per_run[:, 0])
    assert np.all(per_run == per_run[:, :1])
    for axis in (0, 1, 2):  # neighbours along no axis are alike
        a = np.moveaxis(per_step, axis, 0)
        agree = (a[1:] == a[:-1]).mean()
        assert abs(agree - (RATE**2 + (1 - RATE) ** 2)) < 0.02
    assert abs((per_run[1:, 0] == per_run[:-1, 0]).mean() - (RATE**2 + (1 - RATE) ** 2)) < 0.1


def test_layers_and_directions_draw_apart(rng):
    stack = rx.Stack((rx.Dropout(0.5), rx.Dropout(0.5)))
    key = jax.random.key(int(rng.integers(1 << 30)))
    ys = np.asarray(rx.unroll(stack, (None, None), jnp.ones((50, 40, 30)), key=key)[1])
    assert abs((ys != 0).mean() - 0.25) < 0.01
    both = rx.Bidirectional(rx.Dropout(0.5), merge=None)
    params = type(both.init(jax.random.key(0), 30))(None, None)
    one, two = rx.unroll(both, params, jnp.ones((50, 40, 30)), key=key)[1]
    assert abs(((one != 0) == (two != 0)).mean() - 0.5) < 0.02


# --- each kind is its equation, with the masks read from the cell's own noise ---


def one_step(rng, cell, inner):
    params = random_like(rng, inner.params_like(3))
    carry = random_like(rng, inner.initial_carry((2,)))
    x = jnp.asarray(rng.normal(size=(2, 3)))
    noise = cell.noise(
        jax.random.key(int(rng.integers(1 << 30))), jax.ShapeDtypeStruct(x.shape, x.dtype), 1
    )
    now = noise._replace(step=jax.tree.map(lambda a: a[0], noise.step))
    return params, carry, x, now, cell.training_step(params, carry, x, now)


def d(value, keep):
    return np.where(keep, np.asarray(value) / (1 - RATE), 0.0)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("per_gate", [False, True])
def test_variational_dropout_masks_what_meets_a_kernel(per_gate, rng):
    cell = rx.VariationalDropout(GRU, input=RATE, recurrent=RATE, per_gate=per_gate)
    (W, U, b), carry, x, noise, (got, y) = one_step(rng, cell, GRU)
    masks = noise.run[0]
    if not per_gate:
        assert len(masks) == 2
    place = (lambda w, k: (w, k)) if per_gate else (lambda w, k: {"W": ("x", 3), "U": ("h", H)}[w])
    h = np.asarray(carry.h)
    xW = {k: d(x, masks[place("W", k)]) @ np.asarray(W[k]) + np.asarray(b[k]) for k in "rzn"}
    hU = {k: d(h, masks[place("U", k)]) @ np.asarray(U[k]) for k in "rzn"}
    r, z = sigmoid(xW["r"] + hU["r"]), sigmoid(xW["z"] + hU["z"])
    n = np.tanh(xW["n"] + r * (hU["n"] + np.asarray(b.hn)))
    want = (1 - z) * n + z * h  # the state itself is not dropped
    assert_close(got.h, jnp.asarray(want))
    assert_close(y, jnp.asarray(want))


def test_recurrent_dropout_drops_the_candidate_alone(rng):
    cell = rx.RecurrentDropout(LSTM, RATE)
    (W, U, b, _, _), (h, c), x, noise, (got, _) = one_step(rng, cell, LSTM)
    z = {k: np.asarray(x @ W[k] + h @ U[k]) + np.asarray(b[k]) for k in "ifgo"}
    g = d(np.tanh(z["g"]), noise.step[0])
    new = sigmoid(z["f"]) * np.asarray(c) + sigmoid(z["i"]) * g
    assert_close(got.c, jnp.asarray(new))
    assert_close(got.h, jnp.asarray(sigmoid(z["o"]) * np.tanh(new)))


def test_dropconnect_masks_the_recurrent_kernels_once(rng):
    cell = rx.DropConnect(LSTM, RATE)
    params, carry, x, noise, got = one_step(rng, cell, LSTM)
    masks = noise.run[0]["U"]
    assert within_six_sigma(np.concatenate([np.asarray(m).ravel() for _, m in masks.items()]), RATE)
    kernels = {k: jnp.asarray(d(params.U[k], masks[k])) for k in "ifgo"}
    dropped = params._replace(U=rx.Gates(params.U.axes, **kernels))
    assert_close(got, LSTM.step(dropped, carry, x))


def test_zoneout_keeps_units_in_training_and_their_expectation_in_evaluation(rng):
    cell = rx.Zoneout(LSTM, {"h": 0.1, "c": 0.5})
    params, carry, x, noise, (got, y) = one_step(rng, cell, LSTM)
    new, _ = LSTM.step(params, carry, x)
    stay = noise.step[0]
    assert_identical(got.c, jnp.where(stay["c"], carry.c, new.c))
    assert_identical(got.h, jnp.where(stay["h"], carry.h, new.h))
    assert y is got.h
    mean, y = cell.step(params, carry, x)
    assert_close(mean.c, 0.5 * carry.c + 0.5 * new.c)
    assert_close(mean.h, 0.1 * carry.h + 0.9 * new.h)
    assert_close(y, mean.h)


def test_the_expectation_of_zoneout_is_its_evaluation(rng):
    """Over one step, where it is exact: the mean of many draws, within six sigma."""
    cell = rx.Zoneout(rx.Elman(H), 0.3)
    params = random_like(rng, cell.params_like(3))
    carry = random_like(rng, cell.initial_carry((1,)))
    xs = jnp.asarray(rng.normal(size=(1, 1, 3)))
    keys = jax.random.split(jax.random.key(int(rng.integers(1 << 30))), 4000)
    draws = jax.vmap(lambda k: rx.unroll(cell, params, xs, carry, key=k)[1])(keys)
    want = rx.unroll(cell, params, xs, carry)[1]
    sigma = np.std(draws, axis=0) / np.sqrt(len(keys))
    assert np.all(np.abs(np.mean(draws, axis=0) - want) <= 6 * sigma + 1e-12)


@pytest.mark.parametrize(
    "cell",
    [rx.VariationalDropout(LSTM), rx.RecurrentDropout(GRU, 0.0), rx.DropConnect(LSTM, 0.0)],
    ids=lambda cell: type(cell).__name__,
)
def test_a_rate_of_zero_is_the_cell(cell, rng):
    params, xs = draw(rng, cell)
    key = jax.random.key(0)
    assert_close(rx.unroll(cell, params, xs, key=key), rx.unroll(cell.cell, params, xs))


def test_one_trace_for_all_keys(rng):
    cell = KINDS["a stack"]
    params, xs = draw(rng, cell)
    chex.clear_trace_counter()

    @jax.jit
    @chex.assert_max_traces(n=1)
    def run(key):
        return rx.unroll(cell, params, xs, key=key)[1]

    for seed in range(5):
        run(jax.random.key(seed))


@every_kind
def test_padded_rows_under_dropout_stay_clean(cell, rng):
    params, xs = draw(rng, cell)
    key = jax.random.key(3)
    lengths = np.array([5, 2, 0])
    bad = xs.at[1, 2:].set(jnp.nan).at[2].set(jnp.inf)

    def loss(params, xs):
        return jnp.sum(rx.unroll(cell, params, xs, key=key, lengths=lengths)[1] ** 2)

    got, want = (jax.value_and_grad(loss)(params, x) for x in (bad, xs))
    assert_identical(got, want)
