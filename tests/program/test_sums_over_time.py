"""A carry that only adds up is summed as exactly as ``lax.scan`` sums it, where terms cancel, too.

The oracle is ``lax.scan`` in float64 on the same inputs. An error is the root mean square over the
entries of the result, of which there are enough for the comparison of two errors to be stable.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import recurrax as rx

pytestmark = pytest.mark.once

STEPS, BATCH, WIDTH = 600, 4, 64
LARGE = 1e4


def near(rng, *shape):
    """Numbers near ``LARGE`` in float32, whose differences are near 1."""
    return (LARGE + rng.normal(size=shape)).astype(np.float32)


def total(step):
    """The sum that a step of ``(x, parameters) -> term`` adds up."""

    def run(scan, xs, params):
        shape = jax.eval_shape(step, jax.tree.map(lambda a: a[0], xs), params)
        zero = jnp.zeros(shape.shape, shape.dtype)
        return scan(lambda c, x: (c + step(x, params), None), zero, xs)[0]

    return run


def gradient(loss):
    """The gradient of the sum of ``loss(x, parameters)`` with respect to the parameters."""

    def run(scan, xs, params):
        def sum_of_losses(params):
            zero = jnp.zeros((), jax.tree.leaves(params)[0].dtype)
            return scan(lambda c, x: (c + loss(x, params), None), zero, xs)[0]

        return jax.grad(sum_of_losses)(params)

    return run


def beside_a_state(scan, xs, params):
    """A total that is carried beside a recurrent state."""

    def step(carry, x):
        h, total = carry
        return (jnp.tanh(params * h + x["w"]), total + (x["a"] - x["b"])), None

    zero = jnp.zeros((BATCH, WIDTH), params.dtype)
    return scan(step, (zero, zero), xs)[0][1]


def with_output(scan, xs, params):
    """A running total that is also an output, so that it is no mere reduction."""

    def step(c, x):
        c = c + (x["a"] - x["b"])
        return c, c

    return scan(step, jnp.zeros((BATCH, WIDTH), params.dtype), xs)[1]


def rows(x, m):
    return x["a"] * m - x["b"] * m


def matrices(x, m):
    return (x["a"] @ m - x["b"] @ m) * x["w"]


def sign(rng):
    return np.where(np.arange(WIDTH) % 2, 1, -1).astype(np.float32)


def row(rng):
    return rng.normal(size=(1, WIDTH)).astype(np.float32)


def matrix(rng):
    return rng.normal(size=(WIDTH, WIDTH)).astype(np.float32)


def alternating(rng):
    return (sign(rng)[:, None] * np.ones(WIDTH)).astype(np.float32)


CASES = {  # what is computed, and its parameters
    "a difference": (total(lambda x, _: x["a"] - x["b"]), row),
    "a sum of opposites": (total(lambda x, _: x["a"] + -x["b"]), row),
    "twice a difference": (total(lambda x, _: 2 * (x["a"] - x["b"])), row),
    "a weighted difference": (total(lambda x, p: p * (x["a"] - x["b"])), row),
    "a quotient": (total(lambda x, p: (x["a"] - x["b"]) / p), row),
    "three terms": (total(lambda x, _: x["a"] - 2 * x["b"] + x["c"]), row),
    "over the batch": (total(lambda x, _: jnp.sum(x["a"] - x["b"], axis=0)), row),
    "rows of opposite sign": (total(lambda x, _: x["a"][0] - x["a"][1]), row),
    "a projection": (total(lambda x, p: x["a"] @ p), alternating),
    "a concatenation": (
        total(lambda x, _: jnp.concatenate([x["a"] - x["b"], x["b"] - x["c"]])),
        row,
    ),
    "gradient of a row": (gradient(lambda x, m: jnp.sum(rows(x, m) * x["w"])), row),
    "gradient of a matrix": (gradient(lambda x, m: jnp.sum(matrices(x, m))), matrix),
    "gradient of a transpose": (gradient(lambda x, m: jnp.sum(matrices(x, m.T))), matrix),
    "gradient of a tied matrix": (
        gradient(lambda x, m: jnp.sum(x["a"] @ m * x["w"]) - jnp.sum(x["b"] @ m * x["w"])),
        matrix,
    ),
    "gradient of a sum of outer products": (
        gradient(lambda x, m: jnp.sum((jnp.outer(x["a"][0], x["w"][0]) * m)
                                      - jnp.outer(x["b"][0], x["w"][0]) * m)),
        matrix,
    ),
    "beside a state": (beside_a_state, row),
    "with an output": (with_output, row),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_terms_that_cancel_in_a_step_cancel_there(name, rng):
    run, parameters = CASES[name]
    xs = {key: near(rng, STEPS, BATCH, WIDTH) for key in "abc"}
    xs["w"] = rng.normal(size=(STEPS, BATCH, WIDTH)).astype(np.float32)
    params = parameters(rng)
    exact = run(lax.scan, *jax.tree.map(lambda a: a.astype(np.float64), (xs, params)))

    def error(scan):
        return np.sqrt(np.mean((np.asarray(run(scan, xs, params), np.float64) - exact) ** 2))

    got, want = error(rx.scan), error(lax.scan)
    assert got <= 2 * want, f"error {got}, lax.scan {want}"


@pytest.mark.parametrize("method", ["auto", "chunked"])
@pytest.mark.parametrize("scale", [0.01, 1e-3])
def test_half_precision_does_not_overflow_where_scaled_terms_are_small(method, scale):
    xs = jnp.full((300, 4), 300, jnp.float16)
    small = jnp.float16(scale)

    def step(c, x):
        return c + small * x, None

    got = rx.scan(step, jnp.zeros(4, jnp.float16), xs, method=method)[0]
    np.testing.assert_allclose(got, np.full(4, 300 * 300 * float(small)), rtol=0.02)


KERNELS = {
    "once": lambda h, u: h @ u,
    "with its transpose": lambda h, u: h @ (u - u.T),
    "scaled": lambda h, u: h @ (u * jnp.tanh(u)),
}


@pytest.mark.parametrize("name", KERNELS)
def test_the_gradient_of_a_kernel_has_no_axis_of_time(name):
    """A weight gradient is one matmul over time."""
    steps, width = 64, 32

    def loss(u, xs):
        def step(h, x):
            return jnp.tanh(KERNELS[name](h, u) + x), None

        return jnp.sum(rx.scan(step, jnp.zeros((2, width)), xs)[0])

    u = jax.ShapeDtypeStruct((width, width), float)
    xs = jax.ShapeDtypeStruct((steps, 2, width), float)
    lowered = jax.jit(jax.grad(loss)).lower(u, xs)
    assert f"x{width}x{width}xf64" not in lowered.as_text()
