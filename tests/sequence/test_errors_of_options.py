"""Bad options of a run: names, flags, random keys and dtypes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import recurrax as rx
from tests.bad_input import CELL, assert_finite, check

pytestmark = pytest.mark.once


def single(act):
    """As users have it: no float64."""
    with jax.enable_x64(False):
        return act(CELL.init(jax.random.key(0), 3), jnp.ones((2, 5, 3)))


TABLE = {
    "method not available": (
        lambda good: good.unroll(method="kernel"),
        ValueError,
        "rx.unroll: method must be one of auto, scan, chunked, associative; got 'kernel'.",
    ),
    "chunk zero": (
        lambda good: good.unroll(chunk=0),
        ValueError,
        "rx.unroll: chunk must be a positive number of time steps; got 0.",
    ),
    "chunk with the reference": (
        lambda good: good.unroll(chunk=8, method="scan"),
        ValueError,
        "rx.unroll: chunk=8 has no meaning with method='scan', …",
    ),
    "residuals unknown": (
        lambda good: good.unroll(residuals="nothing"),
        ValueError,
        "rx.unroll: residuals must be one of auto, carries, boundaries; got 'nothing'.",
    ),
    "residuals boundaries with the reference": (
        lambda good: good.unroll(residuals="boundaries", method="scan"),
        ValueError,
        "rx.unroll: residuals='boundaries' has no meaning with method='scan', …",
    ),
    "unknown argument": (
        lambda good: good.unroll(time_major=True),
        TypeError,
        "…unexpected keyword argument 'time_major'…",
    ),
    "time_axis a float": (
        lambda good: good.unroll(time_axis=0.0),
        TypeError,
        "rx.unroll: time_axis must be a whole number; got 0.0.",
    ),
    "reverse an array": (
        lambda good: good.unroll(reverse=jnp.array(True)),
        TypeError,
        "rx.unroll: reverse must be True or False; got bool[].",
    ),
    # --- flags and names ---
    "pad unknown": (
        lambda good: good.unroll(pad="edge"),
        ValueError,
        "rx.unroll: pad must be 'zero' or 'hold'; got 'edge'.",
    ),
    "pad a number": (
        lambda good: good.unroll(pad=0.0),
        ValueError,
        "rx.unroll: pad must be 'zero' or 'hold'; got 0.0.",
    ),
    "order unknown": (
        lambda good: good.unroll(order="time"),
        ValueError,
        "rx.unroll: order must be 'input' or 'processing'; got 'time'.",
    ),
    "order none": (
        lambda good: good.unroll(order=None),
        ValueError,
        "rx.unroll: order must be 'input' or 'processing'; got None.",
    ),
    "order of processing in two directions": (
        lambda good: good.both(order="processing", reverse=True),
        ValueError,
        "rx.unroll: the outputs of rx.Bidirectional, which runs in both directions, have no order "
        "of processing; leave the outputs in the order of the inputs.",
    ),
    "order of processing in two directions forward": (
        lambda good: good.both(order="processing"),
        ValueError,
        "rx.unroll: the outputs of rx.Bidirectional, which runs in both directions, have no …",
    ),
    "reverse none": (
        lambda good: good.unroll(reverse=None),
        TypeError,
        "rx.unroll: reverse must be True or False; got NoneType.",
    ),
    "an unknown argument of unroll_carries": (
        lambda good: rx.unroll_carries(CELL, good.params, good.xs, return_carries=True),
        TypeError,
        "rx.unroll_carries: unknown arguments return_carries; expected some of lengths, mask, …",
    ),
    "a wrong argument of unroll_carries": (
        lambda good: rx.unroll_carries(CELL, good.params, good.xs, pad="edge"),
        ValueError,
        "rx.unroll_carries: pad must be 'zero' or 'hold'; got 'edge'.",
    ),
    "method unknown for two directions": (
        lambda good: good.both(method="fast"),
        ValueError,
        "rx.unroll: method must be one of auto, …; got 'fast'.",
    ),
    "chunk a float": (
        lambda good: good.stack(chunk=2.0),
        ValueError,
        "rx.unroll: chunk must be a positive number of time steps; got 2.0.",
    ),
    "time_axis a name": (
        lambda good: good.unroll(time_axis="time"),
        TypeError,
        "rx.unroll: time_axis must be a whole number; got 'time'.",
    ),
    # --- key ---
    "key a seed": (
        lambda good: good.dropping(key=0),
        TypeError,
        "rx.unroll: key must be a JAX random key such as jax.random.key(0); got 0.",
    ),
    "key a generator of NumPy": (
        lambda good: good.dropping(key=np.random.default_rng(0)),
        TypeError,
        "rx.unroll: key must be a JAX random key such as jax.random.key(0); got Generator.",
    ),
    "key the streams of nnx": (
        lambda good: good.dropping(key=nnx.Rngs(0)),
        TypeError,
        "rx.unroll: key must be a JAX random key such as jax.random.key(0); got Rngs.",
    ),
    "key a dict": (
        lambda good: good.dropping(key={"dropout": good.key}),
        TypeError,
        "rx.unroll: key must be a JAX random key such as …; got dict(dropout).",
    ),
    "key a batch of keys": (
        lambda good: good.dropping(key=jax.random.split(good.key, 2)),
        TypeError,
        "rx.unroll: key must be one JAX random key such as jax.random.key(0); got key<fry>[2].",
    ),
    "key a batch of raw keys": (
        lambda good: good.dropping(key=jax.random.split(jax.random.PRNGKey(0), 2)),
        TypeError,
        "rx.unroll: key must be one JAX random key such as jax.random.key(0); got uint32[2,2].",
    ),
    "key raw, of another size": (
        lambda good: good.dropping(key=jnp.ones(3, jnp.uint32)),
        TypeError,
        "rx.unroll: key must be one JAX random key such as jax.random.key(0); got uint32[3].",
    ),
    "key floats": (
        lambda good: good.dropping(key=jnp.ones(2)),
        TypeError,
        "rx.unroll: key must be one JAX random key such as jax.random.key(0); got float64[2].",
    ),
    "key for a cell that draws nothing": (
        lambda good: good.unroll(key=good.key),
        ValueError,
        "rx.unroll: key has no meaning with rx.LSTM, which draws no random numbers; leave it out.",
    ),
    "key for a stack that draws nothing": (
        lambda good: good.stack(key=good.key),
        ValueError,
        "rx.unroll: key has no meaning with rx.Stack, which draws no random numbers; leave it out.",
    ),
    # --- dtype, carry_dtype ---
    "dtype unknown": (
        lambda good: good.unroll(dtype="bf16"),
        TypeError,
        "rx.unroll: dtype must be a floating dtype such as 'bfloat16'; got 'bf16'.",
    ),
    "dtype integer": (
        lambda good: good.unroll(dtype="int32"),
        TypeError,
        "rx.unroll: dtype must be a floating dtype; got int32.",
    ),
    "dtype complex": (
        lambda good: good.unroll(dtype=complex),
        TypeError,
        "rx.unroll: dtype must be a floating dtype; got complex128.",
    ),
    "dtype an array": (
        lambda good: good.unroll(dtype=np.ones(1)),
        TypeError,
        "rx.unroll: dtype must be a floating dtype such as 'bfloat16'; got array([1.]).",
    ),
    "dtype by field": (
        lambda good: good.unroll(dtype={"c": "float32"}),
        TypeError,
        "rx.unroll: dtype must be a floating dtype such as 'bfloat16'; got {'c': 'float32'}.",
    ),
    "dtype a pair": (
        lambda good: good.unroll(dtype=("float32", "bfloat16")),
        TypeError,
        "rx.unroll: dtype must be a floating dtype such as 'bfloat16'; got ('float32', …",
    ),
    "dtype longer than JAX has": (
        lambda good: good.unroll(dtype=np.longdouble),
        TypeError,
        "rx.unroll: dtype must be a floating dtype; got …",
    ),
    "dtype float64 without x64": (
        lambda good: single(lambda params, xs: rx.unroll(CELL, params, xs, dtype="float64")),
        ValueError,
        "rx.unroll: dtype=float64 needs jax.config.update('jax_enable_x64', True); without it JAX "
        "computes in float32.",
    ),
    "carry_dtype float64 without x64": (
        lambda good: single(
            lambda params, xs: rx.unroll(CELL, params, xs, carry_dtype={"c": "f8"})
        ),
        ValueError,
        "rx.unroll: carry_dtype['c']=float64 needs jax.config.update('jax_enable_x64', True); …",
    ),
    "carry_dtype of an unknown field": (
        lambda good: good.unroll(carry_dtype={"z": "float32"}),
        ValueError,
        "rx.unroll: carry_dtype names 'z'; the carry of rx.LSTM has c, h.",
    ),
    "carry_dtype of an unknown field of a stack": (
        lambda good: good.stack(carry_dtype={"forward": "float32"}),
        ValueError,
        "rx.unroll: carry_dtype names 'forward'; the carry of rx.Stack has c, h.",
    ),
    "carry_dtype without fields": (
        lambda good: rx.unroll(
            rx.Dense(4), rx.Dense(4).init(good.key, 3), good.xs, carry_dtype={"h": "float32"}
        ),
        ValueError,
        "rx.unroll: carry_dtype names 'h'; the carry of rx.Dense has no fields.",
    ),
    "carry_dtype integer": (
        lambda good: good.unroll(carry_dtype={"c": "int32"}),
        TypeError,
        "rx.unroll: carry_dtype['c'] must be a floating dtype; got int32.",
    ),
    "carry_dtype a carry": (
        lambda good: good.unroll(carry_dtype=rx.LSTM.Carry("float32", "float32")),
        TypeError,
        "rx.unroll: carry_dtype must be a floating dtype such as 'bfloat16'; got LSTMCarry(…",
    ),
    "carry_dtype unknown": (
        lambda good: good.both(carry_dtype="half-ish"),
        TypeError,
        "rx.unroll: carry_dtype must be a floating dtype such as 'bfloat16'; got 'half-ish'.",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    """Each bad case differs from one of these in the thing it names."""
    assert_finite(
        good.stack(lengths=good.lengths, carry=good.stack_carry, carry_dtype={"c": "float32"}),
        good.unroll(carry_dtype={}),
        good.dropping(key=good.key),
        good.dropping(key=jax.random.PRNGKey(0)),
        single(lambda params, xs: rx.unroll(CELL, params, xs, dtype=float)),
    )
