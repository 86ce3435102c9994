"""``rx.scan`` has the signature and the results of ``jax.lax.scan``."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.helpers import assert_close, assert_identical

METHODS = ("auto", "scan")


def test_the_signature_is_that_of_lax_scan_and_three_options():
    ours = list(inspect.signature(rx.scan).parameters.values())
    theirs = list(inspect.signature(jax.lax.scan).parameters.values())
    own = ["method", "chunk", "residuals"]
    assert [p.name for p in ours] == [p.name for p in theirs] + own
    for a, b in zip(ours[: len(theirs)], theirs, strict=True):
        assert (a.name, a.default) == (b.name, b.default)


def pytree_step(carry, x):
    total, (count, flag) = carry
    total = total * 0.5 + x["a"] @ x["b"]
    return (total, (count + 1, ~flag)), {"sum": total.sum(), "count": count}


# name: (f, init, xs, options), each a shape of program that lax.scan takes
PROGRAMS = {
    "pytrees with integer and boolean carries": (
        pytree_step,
        (jnp.ones((2, 2)), (jnp.int32(0), jnp.array(False))),
        {"a": jnp.ones((5, 2, 3)), "b": jnp.ones((5, 3, 2))},
        {},
    ),
    "reverse": (lambda c, x: (c + x, c * x), jnp.ones(3), jnp.arange(12.0).reshape(4, 3), {}),
    "no inputs": (lambda c, x: (c * 2, c), jnp.ones(()), None, {"length": 4}),
    "length and inputs": (
        lambda c, x: (c + x, None),
        jnp.zeros(()),
        jnp.arange(3.0),
        {"length": 3},
    ),
    "no steps": (lambda c, x: (c + x, c), jnp.zeros(2), jnp.zeros((0, 2)), {}),
    "keys in the inputs": (
        lambda c, k: (c + jax.random.randint(k, (2,), 0, 100).astype(c.dtype), c),
        jnp.zeros(2),
        jax.random.split(jax.random.key(0), 4),
        {},
    ),
    "a key in the carry": (
        lambda k, _: (jax.random.fold_in(k, 1), jax.random.uniform(k)),
        jax.random.key(3),
        None,
        {"length": 4},
    ),
    "control flow in the step": (
        lambda c, x: (jax.lax.cond(x > 1, lambda: c + x, lambda: c * 2), c),
        jnp.ones(()),
        jnp.arange(4.0),
        {},
    ),
}


def key_data(a):
    """Keys as numbers, all else as it is."""
    return jax.random.key_data(a) if jnp.issubdtype(a.dtype, jax.dtypes.prng_key) else a


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_results_are_those_of_lax_scan(name, method, reverse):
    f, init, xs, options = PROGRAMS[name]
    got = rx.scan(f, init, xs, reverse=reverse, method=method, **options)
    want = jax.lax.scan(f, init, xs, reverse=reverse, **options)
    assert_identical(jax.tree.map(key_data, got), jax.tree.map(key_data, want))


@pytest.mark.parametrize("method", METHODS)
def test_closed_over_parameters_receive_gradients(method, rng):
    w, xs = jnp.asarray(rng.normal(size=(3, 3))), jnp.asarray(rng.normal(size=(5, 2, 3)))

    def loss(scan, **options):
        def f(w, xs):
            carry, ys = scan(lambda h, x: (jnp.tanh(h @ w + x),) * 2, xs[0], xs, **options)
            return jnp.sum(carry * carry) + jnp.sum(ys)

        return f

    ours, theirs = loss(rx.scan, method=method), loss(jax.lax.scan)
    for transform in (jax.grad, jax.jacfwd, jax.jacrev, jax.hessian):
        assert_close(transform(ours)(w, xs), transform(theirs)(w, xs), 1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_errors_of_lax_scan_come_through(method):
    with pytest.raises(TypeError, match="carry input and carry output must have equal types"):
        rx.scan(
            lambda c, x: (c.astype(jnp.float32), x), jnp.ones(2), jnp.ones((3, 2)), method=method
        )


@pytest.mark.parametrize("method", METHODS)
def test_a_step_is_traced_a_fixed_number_of_times_whatever_the_length(method):
    def traces(length):
        count = 0

        def step(c, x):
            nonlocal count
            count += 1
            return c + x, c

        jax.jit(lambda xs: rx.scan(step, jnp.zeros(()), xs, method=method))(np.ones(length))
        return count

    assert traces(3) == traces(300) > 0
