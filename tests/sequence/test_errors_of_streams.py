"""Bad input to a stream."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.bad_input import (
    BOTH,
    BOTH_PARAMS,
    CARRY,
    CELL,
    DROPPING,
    DROPPING_PARAMS,
    FLAGS,
    GRU_PARAMS,
    KEY,
    LENGTHS,
    PARAMS,
    STACK,
    XS,
    X,
    check,
)

pytestmark = pytest.mark.once


def stream(cell=CELL, params=PARAMS, batch_shape=(2,), **options):
    return rx.Stream(cell, params, batch_shape, **options)


TABLE = {
    "stream of a class": (
        lambda: stream(rx.LSTM),
        TypeError,
        "rx.Stream: cell must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "stream in two directions": (
        lambda: stream(BOTH, BOTH_PARAMS),
        ValueError,
        "rx.Stream: rx.Bidirectional runs in both directions and needs the whole sequence; a "
        "stream needs a cell that runs forward.",
    ),
    "stream of a stack in two directions": (
        lambda: stream(rx.Stack((BOTH,)), (BOTH_PARAMS,)),
        ValueError,
        "rx.Stream: rx.Stack runs in both directions and needs the whole sequence; …",
    ),
    "stream with unknown options": (
        lambda: stream(reverse=True, lengths=LENGTHS),
        TypeError,
        "rx.Stream: unknown options lengths, reverse; there are dtype, carry_dtype, method and "
        "chunk.",
    ),
    "stream with a key": (
        lambda: stream(DROPPING, DROPPING_PARAMS, key=KEY),
        TypeError,
        "rx.Stream: unknown options key; …",
    ),
    "stream in an unknown dtype": (
        lambda: stream(dtype="bf16"),
        TypeError,
        "rx.Stream: dtype must be a floating dtype such as 'bfloat16'; got 'bf16'.",
    ),
    "stream with a carry_dtype of an unknown field": (
        lambda: stream(carry_dtype={"z": "float32"}),
        ValueError,
        "rx.Stream: carry_dtype names 'z'; the carry of rx.LSTM has c, h.",
    ),
    "stream by an unknown method": (
        lambda: stream(method="fast"),
        ValueError,
        "rx.Stream: method must be one of auto, …; got 'fast'.",
    ),
    "stream with a batch size": (
        lambda: stream(batch_shape=2),
        TypeError,
        "rx.LSTM.initial_carry: batch_shape must be a tuple of sizes such as () or (32,); got 2.",
    ),
    "stream with a carry of another batch": (
        lambda: stream(carry=CELL.initial_carry((3,))),
        ValueError,
        "rx.Stream: carry.h must have shape (2, 4), …; got (3, 4).",
    ),
    "stream with params of one layer": (
        lambda: stream(STACK, PARAMS),
        TypeError,
        "rx.Stack: params must be a tuple of 2, one for each cell; got LSTMParams.",
    ),
    "stream with params of another cell": (
        lambda: stream(CELL, GRU_PARAMS)(X),
        TypeError,
        "rx.Stream: params must be LSTMParams(W, U, b, P, V); got GateParams. …",
    ),
    "stream fed another batch": (
        lambda: stream()(jnp.ones((3, 3))),
        ValueError,
        "rx.Stream: x must have shape (2, in_features), beginning with the batch axes of the "
        "stream; got (3, 3).",
    ),
    "stream fed one row": (
        lambda: stream()(jnp.ones(3)),
        ValueError,
        "rx.Stream: x must have shape (2, in_features), …; got (3,).",
    ),
    "stream fed a number": (
        lambda: stream(batch_shape=())(jnp.ones(())),
        ValueError,
        "rx.Stream: x must have shape (in_features), …; got ().",
    ),
    "stream fed a sequence": (
        lambda: stream()(XS),
        ValueError,
        "rx.Stream: x must have shape (2, in_features), …; got (2, 5, 3).",
    ),
    "stream fed another size": (
        lambda: stream()(jnp.ones((2, 7))),
        ValueError,
        "rx.Stream: x has 7 features, but params.W.i was made for in_features=3; …",
    ),
    "stream fed integers": (
        lambda: stream()(jnp.ones((2, 3), int)),
        TypeError,
        "rx.Stream: x must be floating; got int64. …",
    ),
    "stream fed a list": (
        lambda: stream()([1.0, 2.0, 3.0]),
        TypeError,
        "rx.Stream: x must be an array; got float.",
    ),
    "stream inside jit": (
        lambda: jax.jit(stream())(X),
        TypeError,
        "rx.Stream: x is traced, but a stream keeps its carry and cannot be used inside jax.jit "
        "and its like; use rx.unroll there.",
    ),
    "stream unrolled time-major": (
        lambda: stream().unroll(jnp.ones((5, 2, 3))),
        ValueError,
        "rx.Stream: xs must have shape (2, time, in_features), beginning with the batch axes of "
        "the stream; got (5, 2, 3).",
    ),
    "stream unrolled over one step": (
        lambda: stream().unroll(X),
        ValueError,
        "rx.Stream: xs must have shape (2, time, in_features), …; got (2, 3).",
    ),
    "stream unrolled over lengths beyond the end": (
        lambda: stream().unroll(XS, lengths=jnp.array([3, 9])),
        ValueError,
        "rx.Stream: lengths must be from 0 to 5, the number of steps of xs; got 9.",
    ),
    "stream unrolled over a mask and lengths": (
        lambda: stream().unroll(XS, lengths=LENGTHS, mask=FLAGS),
        ValueError,
        "rx.Stream: lengths and mask both say which steps count; give one of them.",
    ),
    "stream's carry of another structure": (
        lambda: setattr(stream(), "carry", CARRY.h),
        TypeError,
        "rx.Stream: carry must be LSTMCarry(h, c); got float64[2,4]. …",
    ),
    "stream reset in rows by number": (
        lambda: stream().reset(1),
        TypeError,
        "rx.Stream: rows must be an array; got int.",
    ),
    "stream reset in rows by integers": (
        lambda: stream().reset(jnp.array([0, 1])),
        TypeError,
        "rx.Stream: rows must be boolean; got int64. Convert it with rows.astype(bool).",
    ),
    "stream reset in rows of another batch": (
        lambda: stream().reset(jnp.array([True])),
        ValueError,
        "rx.Stream: rows must have shape (2,), the batch axes of the stream; got (1,).",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name):
    check(*TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted():
    """Each bad case differs from one of these in the thing it names."""
    s = stream()
    for result in (
        (s(X), s.unroll(XS, lengths=LENGTHS), s.reset(jnp.array([True, False])), s.carry),
        jax.jit(lambda params: stream(params=params)(X))(PARAMS),
    ):
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(result))


def test_a_stream_goes_on_after_an_error():
    got, want = stream(), stream()
    got(X)
    with pytest.raises(ValueError, match="x has 7 features"):
        got(jnp.ones((2, 7)))
    with pytest.raises(ValueError, match="lengths must be from 0 to 5"):
        got.unroll(XS, lengths=jnp.array([3, 9]))
    want(X)
    np.testing.assert_array_equal(got(X), want(X))
