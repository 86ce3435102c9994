"""Truncated gradients, aligned batches, streams, and gradients in bounded memory."""

import warnings

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.helpers import assert_close, assert_identical, random_like

pytestmark = pytest.mark.once

CELL = rx.Stack((rx.GRU(4), rx.LearnedCarry(rx.LSTM(3))))


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


def draw(rng, steps=13, cell=CELL):
    params = random_like(rng, cell.params_like(2))
    xs = jnp.asarray(rng.normal(size=(2, steps, 2)))
    return params, xs


@pytest.mark.parametrize(
    ("k1", "k2"), [slow(5, 5), slow(5, 10), (4, 12), (13, 13), (20, 40), (1, 3)]
)
def test_truncated_gradients_have_the_values_of_the_whole(k1, k2, rng):
    params, xs = draw(rng)
    carry = random_like(rng, CELL.initial_carry((2,)))
    options = {
        "mask": rng.random((2, 13)) < 0.7,
        "resets": rng.random((2, 13)) < 0.3,
        "reset_carry": random_like(rng, CELL.initial_carry(())),
    }
    for given in ({}, {"lengths": jnp.array([13, 6])}, options):
        want = rx.unroll(CELL, params, xs, carry, **given)
        assert_close(rx.unroll_truncated(CELL, params, xs, carry, k1=k1, k2=k2, **given), want)
    time_major = jnp.moveaxis(xs, 1, 0)
    last, ys = rx.unroll_truncated(CELL, params, time_major, k1=k1, k2=k2, time_axis=0)
    assert_close((last, jnp.moveaxis(ys, 0, 1)), rx.unroll(CELL, params, xs))


@pytest.mark.parametrize(("k1", "k2"), [slow(5, 5), (5, 10), slow(4, 12), (2, 4)])
def test_truncated_gradients_reach_as_far_as_asked(k1, k2, rng):
    """Against segments written out, each with the steps before it and a constant carry."""
    params, xs = draw(rng)

    def by_hand(params, xs):
        outputs = []
        for start in range(0, 13, k1):
            begin = max(start - (k2 - k1), 0)
            carry = None
            if begin:
                carry = jax.lax.stop_gradient(rx.unroll(CELL, params, xs[:, :begin])[0])
            last, ys = rx.unroll(CELL, params, xs[:, begin : start + k1], carry)
            outputs.append(ys[:, start - begin :])
        return last, jnp.concatenate(outputs, 1)

    def truncated(params, xs):
        return rx.unroll_truncated(CELL, params, xs, k1=k1, k2=k2)

    (got, pull), (want, pull_by_hand) = (jax.vjp(f, params, xs) for f in (truncated, by_hand))
    assert_close(got, want)
    cot = random_like(rng, got)
    assert_close(pull(cot), pull_by_hand(cot))
    whole = jax.vjp(lambda p, x: rx.unroll(CELL, p, x), params, xs)[1](cot)
    assert not np.allclose(whole[1], pull(cot)[1])


def test_truncated_runs_hold_outputs_over_padding_across_segments(rng):
    """The last valid output is often in another segment than the padding that repeats it."""
    params, xs = draw(rng)
    for given in (
        {"lengths": jnp.array([13, 3])},
        {"mask": np.arange(13)[None] % 6 == np.array([[1], [4]])},
    ):
        want = rx.unroll(CELL, params, xs, pad="hold", **given)
        for k1, k2 in ((2, 2), (2, 6), (20, 20)):
            got = rx.unroll_truncated(CELL, params, xs, k1=k1, k2=k2, pad="hold", **given)
            assert_close(got, want)


def test_batches_stay_aligned_and_resume():
    data = {"x": np.arange(50).reshape(50, 1), "y": np.arange(50) * 10}
    starts = np.zeros(50, bool)
    starts[[0, 7, 26]] = True
    read = list(rx.bptt_batches(data, rows=2, steps=6, starts=starts))
    assert [p.number for p in read] == [0, 1, 2, 3]
    rows = np.concatenate([p.xs["x"][..., 0] for p in read], 1)
    assert np.array_equal(rows, [np.arange(24), np.arange(24, 48)])
    assert np.array_equal(np.concatenate([p.targets["y"] for p in read], 1), 10 * (rows + 1))
    resets = np.concatenate([p.resets for p in read], 1)
    assert list(zip(*map(list, np.nonzero(resets)), strict=True)) == [
        (0, 0),
        (0, 7),
        (1, 0),
        (1, 2),
    ]
    again = list(rx.bptt_batches(data, rows=2, steps=6, starts=starts, start=2))
    assert len(rx.bptt_batches(data, rows=2, steps=6, start=2)) == len(again) == 2
    assert_identical(again[0].xs, read[2].xs)


def test_training_over_batches_is_truncated_training_over_the_whole(rng):
    """Carries passed on from batch to batch: values and gradients of unroll_truncated."""
    params, _ = draw(rng)
    record = rng.normal(size=(27, 2))
    carry, total = None, None
    for batch in rx.bptt_batches(record, rows=2, steps=4):

        def loss(params, batch=batch, carry=carry):
            carry, ys = rx.unroll(CELL, params, jnp.asarray(batch.xs), carry)
            return jnp.sum(ys**2), carry

        grads, carry = jax.grad(loss, has_aux=True)(params)
        total = grads if total is None else jax.tree.map(jnp.add, total, grads)
    whole = jnp.asarray(record[:24].reshape(2, 12, 2)[:, :12])
    whole = jnp.stack([jnp.asarray(record[:12]), jnp.asarray(record[12:24])])
    want = jax.grad(lambda p: jnp.sum(rx.unroll_truncated(CELL, p, whole, k1=4)[1] ** 2))(params)
    assert_close(total, want)


# --- streams ---


def test_a_stream_is_the_whole_run(rng):
    params, xs = draw(rng)
    stream = rx.Stream(CELL, params, batch_shape=(2,))
    ys = [stream(xs[:, t]) for t in range(4)]
    ys = jnp.concatenate([jnp.stack(ys, 1), stream.unroll(xs[:, 4:9]), stream.unroll(xs[:, 9:])], 1)
    last, want = rx.unroll(CELL, params, xs)
    assert_close((stream.carry, ys), (last, want))
    stream.reset()
    assert_close(stream.unroll(xs), want)
    stream.reset(np.array([True, False]))
    again = stream.unroll(xs)
    assert_close(again[0], want[0])
    assert_close(again[1], rx.unroll(CELL, params, xs, last)[1][1])
    resets = np.zeros((2, 13), bool)
    resets[:, 3] = True
    assert_close(stream.unroll(xs, resets=resets)[:, 3:], rx.unroll(CELL, params, xs[:, 3:])[1])


def test_a_stream_donates_its_own_buffers_and_nobody_elses(rng):
    cell = rx.LSTM(4)
    params, xs = draw(rng, cell=cell)
    one = jnp.asarray(rng.normal(size=(2, 4)))
    carry = type(cell.initial_carry())(one, one)  # the same array twice
    stream = rx.Stream(cell, params, (2,), carry)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for t in range(3):
            stream(xs[:, t])
            kept = stream.carry
    stream(xs[:, 3])
    assert_close(kept, rx.unroll(cell, params, xs[:, :3], carry)[0])
    assert not one.is_deleted()
    stream.carry = carry
    stream(xs[:, 0])
    assert not one.is_deleted()
    before = jax.tree.leaves(stream._carry)
    stream(xs[:, 1])
    assert all(a.is_deleted() for a in before)


def test_a_stream_has_one_trace_for_all_its_steps(rng, monkeypatch):
    params, xs = draw(rng)
    stream = rx.Stream(CELL, params, batch_shape=(2,))
    for t in range(3):
        stream(xs[:, t])
    chex.clear_trace_counter()
    monkeypatch.setattr(rx.GRU, "step", chex.assert_max_traces(rx.GRU.step, n=0))
    for t in range(3, 13):
        stream(xs[:, t])
    with pytest.raises(AssertionError, match="is traced > 0 times"):
        stream.unroll(jnp.concatenate([xs, xs], 1))  # a size that no other test has


# --- memory ---


def temporary_bytes(steps, **options):
    cell = rx.GRU(8)
    params = cell.init(jax.random.key(0), 4)

    def loss(params, xs, lengths):
        return jnp.sum(rx.unroll(cell, params, xs, lengths=lengths, **options)[0].h)

    shape = jax.ShapeDtypeStruct((1, steps, 4), jnp.float64)
    lengths = jax.ShapeDtypeStruct((1,), jnp.int32)
    compiled = jax.jit(jax.grad(loss)).lower(params, shape, lengths).compile()
    return compiled.memory_analysis().temp_size_in_bytes


def test_gradients_of_a_hundred_thousand_steps_in_bounded_memory():
    """With carries at boundaries alone memory grows as the root of the length, inputs aside."""
    inputs, carries = 100_000 * 4 * 8, 100_000 * 8 * 8
    whole = temporary_bytes(100_000, residuals="carries")
    boundaries = temporary_bytes(100_000, residuals="boundaries")
    assert whole > carries
    assert boundaries < 1.2 * inputs  # one copy of the inputs, and little else
    assert temporary_bytes(10_000, residuals="boundaries") < 0.2 * inputs


def test_boundaries_with_outputs_of_any_rank(rng):
    h, xs = jnp.asarray(rng.normal(size=(2, 3))), jnp.asarray(rng.normal(size=(11, 2, 3)))

    def step(h, x):
        h = jnp.sin(h + x)
        return h, (jnp.sum(h), h[0], h, h[:, :, None] * h[:, None])

    def loss(residuals, h, xs):
        ys = rx.scan(step, h, xs, residuals=residuals)[1]
        return sum(jnp.sum(y * jnp.arange(y.size, dtype=y.dtype).reshape(y.shape)) for y in ys)

    gradients = [
        jax.grad(loss, (1, 2))(residuals, h, xs) for residuals in ("boundaries", "carries")
    ]
    assert_close(*gradients, 1e-12)


@pytest.mark.parametrize(
    ("steps", "reverse"),
    [
        (1000, False),
        (97, False),  # a prime: one chunk is shorter
        (97, True),
        pytest.param(100_000, False, marks=pytest.mark.slow),
    ],
)
def test_boundaries_give_the_gradient_of_the_whole(steps, reverse, rng):
    cell = rx.GRU(3)
    params = random_like(rng, cell.params_like(2))
    xs = jnp.asarray(rng.normal(size=(2, steps, 2)))
    options = {
        "lengths": np.array([steps, steps // 3]),
        "resets": rng.random((2, steps)) < 3 / steps,
        "reverse": reverse,
    }

    def loss(params, xs, residuals):
        last, ys = rx.unroll(cell, params, xs, residuals=residuals, **options)
        return jnp.mean(ys**2) + jnp.sum(last.h)

    gradient = jax.value_and_grad(loss, argnums=(0, 1))
    assert_close(gradient(params, xs, "boundaries"), gradient(params, xs, "carries"), 1e-11)
