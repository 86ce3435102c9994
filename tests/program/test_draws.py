"""Steps that draw random numbers are compiled; the numbers are exactly those of ``lax.scan``."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import recurrax as rx
from recurrax.program.calculus.draws import drawn
from recurrax.program.frontend.trace import ScanCall, trace
from recurrax.program.primitives import facts
from recurrax.program.schedule import plan_of

STEPS, BATCH, WIDTH = 7, 2, 3
KEY = jax.random.key(3)
RBG = jax.random.key(3, impl="rbg")


def dropout(p, h, x):
    x, key = x
    keep = jax.random.bernoulli(key, 0.5, h.shape)
    h = jnp.tanh(jnp.where(keep, h / 0.5, 0.0) @ p + x)
    return h, h


def noise_from_the_carry(p, carry, x):
    h, key = carry
    key, draw = jax.random.split(key)
    h = jnp.tanh(h @ p + x) + 0.1 * jax.random.normal(draw, h.shape, h.dtype)
    return (h, key), h


def three_draws(p, carry, x):
    h, key = carry
    key, a, b, c = jax.random.split(key, 4)
    keep = jax.random.bernoulli(a, 0.7, h.shape)
    h = jnp.tanh(jnp.where(keep, h, x) @ p) + jax.random.uniform(b, h.shape, h.dtype)
    return (h, key), jax.random.randint(c, (4,), 0, 10)


def folded_in(p, carry, x):
    h, t = carry
    key = jax.random.fold_in(KEY, t)
    h = jnp.tanh(h @ p + x) + jax.random.normal(key, h.shape, h.dtype)
    return (h, t + 1), h


def sampled(p, carry, x):
    """An action that is drawn from what the state says, as a policy does."""
    h, key = carry
    key, draw = jax.random.split(key)
    h = jnp.tanh(h @ p + x)
    action = jax.random.categorical(draw, h, axis=-1)
    return (h + jax.nn.one_hot(action, h.shape[-1], dtype=h.dtype), key), action


def accepted(p, carry, x):
    """A Metropolis step."""
    h, key = carry
    key, a, b = jax.random.split(key, 3)
    proposal = h + 0.5 * jax.random.normal(a, h.shape, h.dtype) @ p
    better = jnp.exp(jnp.sum(h**2 - proposal**2))
    accept = jax.random.uniform(b, (), h.dtype) < better
    h = jnp.where(accept, proposal, h) + 0.0 * x
    return (h, key), accept


def generator(p, carry, x):
    h, state = carry
    state, bits = lax.rng_bit_generator(state, h.shape)
    h = jnp.tanh(h @ p + x) + 1e-12 * bits.astype(h.dtype)
    return (h, state), bits


def shuffled(p, carry, x):
    h, key = carry
    key, draw = jax.random.split(key)
    return (jax.random.permutation(draw, jnp.tanh(h @ p + x), axis=1), key), h


def gamma(p, carry, x):
    """A draw that is differentiated with respect to a parameter."""
    h, key = carry
    key, draw = jax.random.split(key)
    shape = jax.nn.softplus(h @ p) + 1.0
    return (jnp.tanh(jax.random.gamma(draw, shape) + x), key), h


def keys_out(p, key, x):
    key, out = jax.random.split(key)
    return key, (out, x @ p)


def state(rng):
    return jnp.asarray(rng.normal(size=(BATCH, WIDTH)))


def beside(second):
    return lambda rng: (state(rng), second)


def inputs(rng):
    return jnp.asarray(rng.normal(size=(STEPS, BATCH, WIDTH)))


def with_keys(keys):
    return lambda rng: (inputs(rng), keys)


CASES = {  # the step, its first carry, its inputs
    "keys in the inputs": (dropout, state, with_keys(jax.random.split(KEY, STEPS))),
    "raw keys in the inputs": (
        dropout, state, with_keys(jax.random.key_data(jax.random.split(KEY, STEPS))),
    ),
    "keys of another generator in the inputs": (
        dropout, state, with_keys(jax.random.split(RBG, STEPS)),
    ),
    "a key in the carry": (noise_from_the_carry, beside(KEY), inputs),
    "a raw key in the carry": (noise_from_the_carry, beside(jax.random.key_data(KEY)), inputs),
    "a key of another generator in the carry": (noise_from_the_carry, beside(RBG), inputs),
    "three draws": (three_draws, beside(KEY), inputs),
    "a counter folded in": (folded_in, beside(jnp.int32(0)), inputs),
    "sampled": (sampled, beside(KEY), inputs),
    "accepted": (accepted, beside(KEY), inputs),
    "rng_bit_generator": (generator, beside(jnp.arange(4, dtype=jnp.uint32)), inputs),
    "shuffled": (shuffled, beside(KEY), inputs),
    "keys in the outputs": (keys_out, lambda rng: KEY, inputs),
}  # fmt: skip


def drawn_case(name, rng):
    step, carry, xs = CASES[name]
    params = jnp.asarray(rng.normal(size=(WIDTH, WIDTH)))
    return step, params, carry(rng), xs(rng)


def plain(tree):
    def data(a):
        is_key = jnp.issubdtype(a.dtype, jax.dtypes.prng_key)
        return jax.random.key_data(a) if is_key else a

    return jax.tree.map(data, tree)


def assert_same(got, want):
    """Whole numbers, flags and keys are equal; numbers to rounding."""
    got, want = plain(got), plain(want)
    assert jax.tree.structure(got) == jax.tree.structure(want)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        if a.dtype == jax.dtypes.float0:
            continue
        tolerance = 1e-12 if jnp.issubdtype(a.dtype, jnp.inexact) else 0
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("chunk", [None, 3])
@pytest.mark.parametrize("name", CASES)
def test_values(name, chunk, reverse, rng):
    step, params, carry, xs = drawn_case(name, rng)
    f = partial(step, params)
    got = rx.scan(f, carry, xs, reverse=reverse, method="chunked", chunk=chunk)
    assert_same(got, lax.scan(f, carry, xs, reverse=reverse))


def loss_of(scan, step, carry, xs, params, h):
    def with_h(carry):
        return (h, *carry[1:]) if isinstance(carry, tuple) else h

    first = carry if jnp.issubdtype(jax.tree.leaves(carry)[0].dtype, jax.dtypes.prng_key) else (
        with_h(carry))  # fmt: skip
    results = jax.tree.leaves(scan(partial(step, params), first, xs))
    return sum(
        jnp.sum(jnp.sin(a)) for a in results if jnp.issubdtype(a.dtype, jnp.inexact)
    )  # fmt: skip


@pytest.mark.parametrize("residuals", ["auto", "boundaries"])
@pytest.mark.parametrize("name", [*CASES, "gamma"])
def test_gradients(name, residuals, rng):
    if name == "gamma":
        step, carry, xs = gamma, (state(rng), KEY), inputs(rng)
        params = jnp.asarray(rng.normal(size=(WIDTH, WIDTH)))
    else:
        step, params, carry, xs = drawn_case(name, rng)
    h = state(rng)
    scan = partial(rx.scan, residuals=residuals)
    got, want = (
        jax.grad(partial(loss_of, run, step, carry, xs), (0, 1))(params, h)
        for run in (scan, lax.scan)
    )
    assert_same(got, want)


@pytest.mark.parametrize("name", ["keys in the inputs", "a key in the carry", "sampled"])
def test_vmap_and_forward_mode(name, rng):
    step, params, carry, xs = drawn_case(name, rng)
    many = jnp.stack([params, 2 * params, -params])

    def run(scan, params):
        return plain(scan(partial(step, params), carry, xs))

    assert_same(*(jax.vmap(partial(run, scan))(many) for scan in (rx.scan, lax.scan)))
    assert_same(
        *(jax.jvp(partial(run, scan), (params,), (params,)) for scan in (rx.scan, lax.scan))
    )


def in_loops(name, rng):
    step, params, carry, xs = drawn_case(name, rng)
    loops = plan_of(trace(ScanCall(partial(step, params), carry, xs)).step.body).loops
    return [{op.name for op in loop.ops if facts(op).random} for loop in loops]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("keys in the inputs", [set()]),
        ("a key in the carry", [{"random_split"}, set()]),
        ("three draws", [{"random_split"}, set()]),
        ("a counter folded in", [set(), set()]),
    ],
)
def test_numbers_are_drawn_for_many_steps_at_once(name, expected, rng):
    """The loop over the state draws nothing; a chain of keys is a loop of its own."""
    found = in_loops(name, rng)
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))


@pytest.mark.parametrize("name", ["keys in the inputs", "a key in the carry", "three draws"])
def test_the_backward_pass_draws_nothing_again(name, rng):
    step, params, carry, xs = drawn_case(name, rng)

    def run(params):
        return loss_of(rx.scan, step, carry, xs, params, jnp.ones((BATCH, WIDTH)))

    def draws(f):
        return str(jax.make_jaxpr(f)(params)).count("random_bits[")

    assert draws(jax.grad(run)) == draws(run)


def test_a_mask_that_all_steps_share_is_not_saved_for_each(rng):
    """The backward pass draws it once more; saved, it would be as large as the inputs."""

    def step(p, h, x):
        keep = jax.random.bernoulli(KEY, 0.5, h.shape)
        h = jnp.tanh(jnp.where(keep, h, 0.0) @ p + x)
        return h, h

    params, h, xs = jnp.asarray(rng.normal(size=(WIDTH, WIDTH))), state(rng), inputs(rng)
    body = trace(ScanCall(partial(step, params), h, xs)).step.body
    assert drawn(body) == ()
    got, want = (
        jax.grad(partial(loss_of, scan, step, h, xs), (0, 1))(params, h)
        for scan in (rx.scan, lax.scan)
    )
    assert_same(got, want)
