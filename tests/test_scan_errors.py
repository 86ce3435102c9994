"""Bad options of ``scan`` and ``explain``."""

import jax
import jax.numpy as jnp
import pytest

import recurrax as rx
from tests.bad_input import check

pytestmark = pytest.mark.once

TABLE = {
    "method unknown": (
        lambda good: rx.scan(lambda c, x: (c, x), good.x, good.xs, method="fast"),
        ValueError,
        "rx.scan: method must be one of auto, scan, chunked, associative; got 'fast'.",
    ),
    "residuals unknown to explain": (
        lambda good: rx.explain(
            lambda c, x: (c, x), jnp.zeros(()), good.xs, residuals="boundaries "
        ),
        ValueError,
        "rx.explain: residuals must be one of auto, carries, boundaries; got 'boundaries '.",
    ),
    "residuals boundaries where lax.scan must run": (
        lambda good: rx.scan(
            lambda c, x: (jax.lax.cond(True, jnp.sin, jnp.cos, c), x),
            jnp.zeros(()),
            jnp.zeros(3),
            residuals="boundaries",
        ),
        ValueError,
        "rx.scan: residuals='boundaries' cannot run this step: the step contains cond. Use …",
    ),
    "chunked where lax.scan must run": (
        lambda good: rx.scan(
            lambda c, x: (jax.lax.cond(True, jnp.sin, jnp.cos, c), x),
            jnp.zeros(()),
            jnp.zeros(3),
            method="chunked",
        ),
        ValueError,
        "rx.scan: method='chunked' cannot run this step: the step contains cond. Use …",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])
