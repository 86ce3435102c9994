"""Functions with a ``custom_vjp`` in a step: their rule is applied to the cotangent of one step."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import recurrax as rx

STEPS, BATCH, WIDTH = 7, 2, 3


@jax.custom_vjp
def spike(v):
    """A spiking neuron: a step forward, a smooth slope backward."""
    return (v > 0).astype(v.dtype)


spike.defvjp(lambda v: (spike(v), v), lambda v, ct: (ct / (1 + jnp.abs(v)) ** 2,))


@jax.custom_vjp
def clipped(v):
    """The identity, with a clipped cotangent: no linear function of it."""
    return v


clipped.defvjp(lambda v: (v, None), lambda _, ct: (jnp.clip(ct, -0.1, 0.1),))


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def scaled(factor, v):
    return factor * v


scaled.defvjp(lambda factor, v: (factor * v, None), lambda factor, _, ct: (2 * factor * ct,))


@jax.custom_vjp
def straight_through(pair):
    value, threshold = pair["value"], pair["threshold"]
    return jnp.round(value - threshold)


straight_through.defvjp(
    lambda pair: (straight_through(pair), pair["threshold"]),
    lambda threshold, ct: ({"value": ct, "threshold": -ct * jnp.ones_like(threshold)},),
)


def leaky(p, carry, x):
    """A leaky integrate-and-fire neuron with a recurrent kernel."""
    v, s = carry
    v = 0.9 * v * (1 - s) + x + s @ p
    s = spike(v - 1.0)
    return (v, s), s


def with_one(f):
    def step(p, carry, x):
        h, s = carry
        h = f(p, h, x)
        return (h, s), h

    return step


STEPS_WITH_RULES = {
    "spiking": leaky,
    "spiking inside jit": lambda p, c, x: jax.jit(leaky)(p, c, x),
    "spiking inside checkpoint": lambda p, c, x: jax.checkpoint(leaky)(p, c, x),
    "clipped state": with_one(lambda p, h, x: clipped(jnp.tanh(h @ p + x))),
    "clipped parameter": with_one(lambda p, h, x: jnp.tanh(h @ clipped(p) + x)),
    "clipped input": with_one(lambda p, h, x: jnp.tanh(h @ p + clipped(x))),
    "clipped twice": with_one(lambda p, h, x: clipped(jnp.tanh(clipped(h) @ p) + x)),
    "with an argument that is not differentiated": with_one(
        lambda p, h, x: jnp.tanh(scaled(0.5, h) @ p + x)
    ),
    "of a tree": with_one(
        lambda p, h, x: (
            jnp.tanh(h @ p) + straight_through({"value": 3 * x, "threshold": jnp.sin(h)})
        )
    ),
    "in a vmapped function": with_one(
        lambda p, h, x: jnp.tanh(jax.vmap(lambda row: clipped(row @ p))(h) + x)
    ),
    "relu6 and softmax": with_one(lambda p, h, x: jax.nn.relu6(h @ p) + jax.nn.softmax(x)),
}


def arguments(rng):
    params = jnp.asarray(rng.normal(size=(WIDTH, WIDTH)))
    carry = (jnp.asarray(rng.normal(size=(BATCH, WIDTH))), jnp.zeros((BATCH, WIDTH)))
    return params, carry, jnp.asarray(rng.normal(size=(STEPS, BATCH, WIDTH)))


def loss(scan, step, params, carry, xs):
    last, ys = scan(partial(step, params), carry, xs)
    return sum(jnp.sum(jnp.sin(3 * a)) for a in (*last, ys))


def assert_close(got, want):
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


compiled = partial(rx.scan, method="chunked")


@pytest.mark.parametrize("chunk", [None, 3])
@pytest.mark.parametrize("name", STEPS_WITH_RULES)
def test_values_and_gradients(name, chunk, rng):
    step, args = STEPS_WITH_RULES[name], arguments(rng)
    scan = partial(compiled, chunk=chunk)
    assert_close(
        scan(partial(step, args[0]), *args[1:]), lax.scan(partial(step, args[0]), *args[1:])
    )
    got, want = (jax.grad(partial(loss, s, step), (0, 1, 2))(*args) for s in (scan, lax.scan))
    assert_close(got, want)


@pytest.mark.parametrize("name", STEPS_WITH_RULES)
def test_under_vmap_and_saved_boundaries(name, rng):
    step, (params, carry, xs) = STEPS_WITH_RULES[name], arguments(rng)
    many = jnp.stack([params, -params])

    def gradients(scan):
        return jax.vmap(lambda p: jax.grad(partial(loss, scan, step))(p, carry, xs))(many)

    def gradient_of_many(scan):
        return jax.grad(lambda p: jnp.sum(jax.vmap(lambda p: loss(scan, step, p, carry, xs))(p)))(
            many
        )

    saving = partial(rx.scan, residuals="boundaries", chunk=3)
    want = gradients(lax.scan)
    for got in (gradients(compiled), gradient_of_many(compiled), gradients(saving)):
        assert_close(got, want)


@pytest.mark.parametrize("name", ["clipped state", "spiking", "of a tree"])
def test_forward_mode_is_refused_as_by_lax_scan(name, rng):
    step, args = STEPS_WITH_RULES[name], arguments(rng)
    for scan in (compiled, lax.scan):
        with pytest.raises(TypeError, match="forward-mode"):
            jax.jvp(partial(loss, scan, step), args, args)


def test_second_derivatives_go_through_the_rule(rng):
    step, (params, carry, xs) = STEPS_WITH_RULES["spiking"], arguments(rng)

    def penalty(scan, params):
        return jnp.sum(jax.grad(partial(loss, scan, step))(params, carry, xs) ** 2)

    assert_close(*(jax.grad(partial(penalty, scan))(params) for scan in (compiled, lax.scan)))


def test_the_input_product_of_a_spiking_net_leaves_the_loop(rng):
    u, w = (jnp.asarray(rng.normal(size=(WIDTH, WIDTH))) for _ in range(2))
    _, carry, xs = arguments(rng)
    report = rx.explain(lambda c, x: leaky(u, c, x @ w), carry, xs)
    assert len(report.forward.prelude) == 1
    assert [len(loop.matmuls) for loop in report.forward.loops] == [1]
