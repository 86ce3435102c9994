"""The arguments of a run are checked once, at its entrance."""

import functools

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

import recurrax as rx
from recurrax.cell import checks
from tests.helpers import assert_close, random_like

CELL = rx.LSTM(4)


@pytest.fixture
def count_of_checks(monkeypatch):
    """How often the arguments of a step were checked."""
    calls = []
    original = checks.arguments

    def counting(*args, **kwargs):
        calls.append(args)
        return original(*args, **kwargs)

    # The guard of ``step`` and the entrance of a run find it in these two places.
    monkeypatch.setitem(checks.GUARDS["step"].__globals__, "arguments", counting)
    monkeypatch.setattr(checks, "arguments", counting)
    return lambda: len(calls)


RUNS = {
    "unroll": lambda params, xs, lengths: rx.unroll(CELL, params, xs, lengths=lengths),
    "unroll_carries": lambda params, xs, lengths: rx.unroll_carries(
        CELL, params, xs, lengths=lengths
    ),
    "unroll_truncated": lambda params, xs, lengths: rx.unroll_truncated(
        CELL, params, xs, k1=2, k2=4, lengths=lengths
    ),
    "stream": lambda params, xs, lengths: rx.Stream(CELL, params, (2,)).unroll(xs, lengths=lengths),
    "linen": lambda params, xs, lengths: rx.linen.RNN(CELL).apply(
        {"params": {"cell": rx.params_to_dict(params)}}, xs, seq_lengths=lengths
    ),
    "nnx": lambda params, xs, lengths: rx.nnx.RNN(
        CELL, 3, rngs=nnx.Rngs(0), param_dtype=jnp.float64
    )(xs, seq_lengths=lengths),
}


@pytest.mark.parametrize("name", RUNS)
def test_the_arguments_of_a_run_are_checked_once(name, rng, count_of_checks):
    jax.clear_caches()
    params = random_like(rng, CELL.params_like(3))
    xs = jnp.asarray(rng.normal(size=(2, 7, 3)))
    RUNS[name](params, xs, jnp.array([7, 3]))
    assert count_of_checks() == 1


def test_a_step_that_is_called_directly_is_checked(rng, count_of_checks):
    params = random_like(rng, CELL.params_like(3))
    CELL.step(params, CELL.initial_carry((2,)), jnp.ones((2, 3)))
    assert count_of_checks() == 1


def test_decorators_of_a_user_stay_around_a_step(rng):
    """Only the checks are taken off, not what else is around the equations."""

    def doubled(step):
        @functools.wraps(step)
        def wrapped(self, params, carry, x):
            carry, y = step(self, params, carry, x)
            return carry, 2 * y

        return wrapped

    class Doubled(rx.GRU):
        step = doubled(rx.GRU.step)

        def initial_carry(self, batch_shape=()):
            return rx.GRU(self.features).initial_carry(batch_shape)

    cell = Doubled(4)
    params = random_like(rng, cell.params_like(3))
    xs = jnp.asarray(rng.normal(size=(2, 5, 3)))
    carry, ys = rx.unroll(rx.GRU(4), params, xs)
    assert_close(rx.unroll(cell, params, xs), (carry, 2 * ys))
