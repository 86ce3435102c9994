"""Bodies for tests of the compiler: small steps, and their texts without source lines."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from recurrax.program.frontend.trace import ScanCall, trace
from recurrax.program.source_names import name_results


def struct(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def step_of(f, params, carry, x, steps=4):
    """The step of the compiler for ``f(params, carry, x) -> (carry, y)``; all float32."""
    params = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), params)
    carry = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), carry)
    xs = jax.tree.map(lambda a: jnp.zeros((steps, *a.shape), a.dtype), x)
    step = trace(ScanCall(partial(named_params, f, params), carry, xs)).step
    name_results(step.body)
    return step


def named_params(f, params, carry, x):
    return f(params, carry, x)


def body_of(f, params, carry, x):
    return step_of(f, params, carry, x).body


def text_of(program):
    """The text of a body or a plan without the source lines, which change with every edit."""
    return re.sub(r"  #.*$", "", str(program), flags=re.MULTILINE)


def random_arguments(body, rng, dtype=None):
    """Arrays for the inputs of a body."""

    def draw(value):
        if np.issubdtype(value.dtype, np.inexact):
            return jnp.asarray(rng.normal(size=value.shape), value.dtype)
        if value.dtype == bool:
            return jnp.asarray(rng.integers(0, 2, size=value.shape), bool)
        return jnp.asarray(rng.integers(0, 4, size=value.shape), value.dtype)

    return [draw(v) for v in body.inputs.flat]
