"""How often a step is traced: once per signature, as by ``lax.scan``."""

import gc
import weakref
from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx


def counting(limit):
    """A step that fails when it is traced more than ``limit`` times."""

    @chex.assert_max_traces(n=limit)
    def step(c, x):
        return c + jnp.sin(x), c * x

    chex.clear_trace_counter()
    return step


XS = jnp.ones((4, 3))


def test_eager_calls():
    step = counting(1)
    for i in range(4):
        rx.scan(step, jnp.zeros(3), i * XS)


def test_calls_inside_jit_grad_and_vmap():
    step = counting(1)

    def run(xs):
        return jnp.sum(rx.scan(step, jnp.zeros(3), xs)[0])

    run(XS)
    jax.jit(run)(XS)
    jax.grad(run)(XS)
    jax.jit(jax.grad(run))(XS)
    jax.vmap(run)(jnp.stack([XS, 2 * XS]))


def test_another_signature_is_another_trace():
    step = counting(3)
    rx.scan(step, jnp.zeros(3), XS)
    rx.scan(step, jnp.zeros(3, jnp.float32), XS.astype(jnp.float32))
    rx.scan(step, jnp.zeros(5), jnp.ones((4, 5)))
    rx.scan(step, jnp.zeros(3), jnp.ones((9, 3)))  # the number of steps is not part of a step


def test_settings_of_jax_are_part_of_a_signature():
    def step(c, x):
        return c, x @ jnp.ones((3, 3))

    lowered = []
    for precision in ("highest", "default"):
        with jax.default_matmul_precision(precision):
            text = jax.jit(lambda xs: rx.scan(step, jnp.zeros(()), xs)[1]).lower(XS).as_text()
            lowered.append("HIGHEST" in text)
    assert lowered == [True, False]


def test_a_closure_over_an_outer_trace_is_traced_in_each():
    """Arrays that a step closes over are those of its own trace, not of the first one."""

    def run(scan, w, xs):
        def step(c, x):
            return jnp.tanh(c * w + x), c

        return jnp.sum(scan(step, jnp.zeros(3), xs)[0])

    for w in (1.0, 2.0):
        got, want = (
            jax.jit(jax.grad(partial(run, scan)))(w, XS) for scan in (rx.scan, jax.lax.scan)
        )
        np.testing.assert_allclose(got, want, rtol=1e-12)

    @jax.jit
    def outer(w, xs):
        def step(c, x):
            return c * w + x, c

        once = rx.scan(step, jnp.zeros(3), xs)[0]
        inner = jax.vmap(lambda x: rx.scan(step, jnp.zeros(3), x)[0])(jnp.stack([xs, xs]))
        return once, inner

    once, inner = outer(0.5, XS)
    np.testing.assert_allclose(inner, jnp.stack([once, once]), rtol=1e-12)


@pytest.mark.parametrize("axis", ["rows", "columns"])
def test_named_axes_are_part_of_a_signature(axis):
    def step(c, x):
        return c + jax.lax.axis_index(axis).astype(x.dtype) * x, c

    for size in (2, 3):
        xs = jnp.ones((size, 4, 3))
        got, want = (
            jax.vmap(lambda x, scan=scan: scan(step, jnp.zeros(3), x)[0], axis_name=axis)(xs)
            for scan in (rx.scan, jax.lax.scan)
        )
        np.testing.assert_allclose(got, want)


def test_a_function_is_forgotten_with_its_last_user():
    def step(c, x):
        return c + x, c

    rx.scan(step, jnp.zeros(3), XS)
    alive = weakref.ref(step)
    del step
    jax.clear_caches()
    gc.collect()
    assert alive() is None


class Unhashable:
    __hash__ = None

    def __call__(self, c, x):
        return c + x, c


def test_a_step_that_cannot_be_hashed():
    np.testing.assert_allclose(rx.scan(Unhashable(), jnp.zeros(3), XS)[0], 4.0)
