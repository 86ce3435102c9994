"""Bad input to a stream."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.bad_input import BOTH, CELL, DROPPING, STACK, assert_finite, check

pytestmark = pytest.mark.once


TABLE = {
    "stream of a class": (
        lambda good: good.stream(rx.LSTM),
        TypeError,
        "rx.Stream: cell must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "stream in two directions": (
        lambda good: good.stream(BOTH, good.both_params),
        ValueError,
        "rx.Stream: rx.Bidirectional runs in both directions and needs the whole sequence; a "
        "stream needs a cell that runs forward.",
    ),
    "stream of a stack in two directions": (
        lambda good: good.stream(rx.Stack((BOTH,)), (good.both_params,)),
        ValueError,
        "rx.Stream: rx.Stack runs in both directions and needs the whole sequence; …",
    ),
    "stream with unknown options": (
        lambda good: good.stream(reverse=True, lengths=good.lengths),
        TypeError,
        "rx.Stream: unknown arguments lengths, reverse; expected some of dtype, carry_dtype, "
        "method, chunk.",
    ),
    "stream with a key": (
        lambda good: good.stream(DROPPING, good.dropping_params, key=good.key),
        TypeError,
        "rx.Stream: unknown arguments key; …",
    ),
    "stream in an unknown dtype": (
        lambda good: good.stream(dtype="bf16"),
        TypeError,
        "rx.Stream: dtype must be a floating dtype such as 'bfloat16'; got 'bf16'.",
    ),
    "stream with a carry_dtype of an unknown field": (
        lambda good: good.stream(carry_dtype={"z": "float32"}),
        ValueError,
        "rx.Stream: carry_dtype names 'z'; the carry of rx.LSTM has c, h.",
    ),
    "stream by an unknown method": (
        lambda good: good.stream(method="fast"),
        ValueError,
        "rx.Stream: method must be one of auto, …; got 'fast'.",
    ),
    "stream with a batch size": (
        lambda good: good.stream(batch_shape=2),
        TypeError,
        "rx.LSTM.initial_carry: batch_shape must be a tuple of sizes such as () or (32,); got 2.",
    ),
    "stream with a carry of another batch": (
        lambda good: good.stream(carry=CELL.initial_carry((3,))),
        ValueError,
        "rx.Stream: carry.h must have shape (2, 4), …; got (3, 4).",
    ),
    "stream with params of one layer": (
        lambda good: good.stream(STACK, good.params),
        TypeError,
        "rx.Stack: params must be a tuple of 2, one for each cell; got LSTMParams.",
    ),
    "stream with params of another cell": (
        lambda good: good.stream(CELL, good.gru_params)(good.x),
        TypeError,
        "rx.Stream: params must be LSTMParams(W, U, b, P, V); got GateParams. …",
    ),
    "stream fed another batch": (
        lambda good: good.stream()(jnp.ones((3, 3))),
        ValueError,
        "rx.Stream: x must have shape (2, in_features), beginning with the batch axes of the "
        "stream; got (3, 3).",
    ),
    "stream fed one row": (
        lambda good: good.stream()(jnp.ones(3)),
        ValueError,
        "rx.Stream: x must have shape (2, in_features), …; got (3,).",
    ),
    "stream fed a number": (
        lambda good: good.stream(batch_shape=())(jnp.ones(())),
        ValueError,
        "rx.Stream: x must have shape (in_features), …; got ().",
    ),
    "stream fed a sequence": (
        lambda good: good.stream()(good.xs),
        ValueError,
        "rx.Stream: x must have shape (2, in_features), …; got (2, 5, 3).",
    ),
    "stream fed another size": (
        lambda good: good.stream()(jnp.ones((2, 7))),
        ValueError,
        "rx.Stream: x has 7 features, but params.W.i was made for in_features=3; …",
    ),
    "stream fed integers": (
        lambda good: good.stream()(jnp.ones((2, 3), int)),
        TypeError,
        "rx.Stream: x must be floating; got int64. …",
    ),
    "stream fed a list": (
        lambda good: good.stream()([1.0, 2.0, 3.0]),
        TypeError,
        "rx.Stream: x must be an array; got float.",
    ),
    "stream inside jit": (
        lambda good: jax.jit(good.stream())(good.x),
        TypeError,
        "rx.Stream: x is traced, but a stream keeps its carry and cannot be used inside jax.jit "
        "or another transformation; use rx.unroll there.",
    ),
    "stream unrolled time-major": (
        lambda good: good.stream().unroll(jnp.ones((5, 2, 3))),
        ValueError,
        "rx.Stream: xs must have shape (2, time, in_features), beginning with the batch axes of "
        "the stream; got (5, 2, 3).",
    ),
    "stream unrolled over one step": (
        lambda good: good.stream().unroll(good.x),
        ValueError,
        "rx.Stream: xs must have shape (2, time, in_features), …; got (2, 3).",
    ),
    "stream unrolled over lengths beyond the end": (
        lambda good: good.stream().unroll(good.xs, lengths=jnp.array([3, 9])),
        ValueError,
        "rx.Stream: lengths must be from 0 to 5, the number of steps of xs; got 9.",
    ),
    "stream unrolled over a mask and lengths": (
        lambda good: good.stream().unroll(good.xs, lengths=good.lengths, mask=good.flags),
        ValueError,
        "rx.Stream: lengths and mask both say which steps are valid; pass one of them.",
    ),
    "stream's carry of another structure": (
        lambda good: setattr(good.stream(), "carry", good.carry.h),
        TypeError,
        "rx.Stream: carry must be LSTMCarry(h, c); got float64[2,4]. …",
    ),
    "stream reset in rows by number": (
        lambda good: good.stream().reset(1),
        TypeError,
        "rx.Stream: rows must be an array; got int.",
    ),
    "stream reset in rows by integers": (
        lambda good: good.stream().reset(jnp.array([0, 1])),
        TypeError,
        "rx.Stream: rows must be boolean; got int64. Convert it with rows.astype(bool).",
    ),
    "stream reset in rows of another batch": (
        lambda good: good.stream().reset(jnp.array([True])),
        ValueError,
        "rx.Stream: rows must have shape (2,), the batch axes of the stream; got (1,).",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    """Each bad case differs from one of these in the thing it names."""
    s = good.stream()
    assert_finite(
        (
            s(good.x),
            s.unroll(good.xs, lengths=good.lengths),
            s.reset(jnp.array([True, False])),
            s.carry,
        ),
        jax.jit(lambda params: good.stream(params=params)(good.x))(good.params),
    )


def test_a_stream_goes_on_after_an_error(good):
    got, want = good.stream(), good.stream()
    got(good.x)
    with pytest.raises(ValueError, match="x has 7 features"):
        got(jnp.ones((2, 7)))
    with pytest.raises(ValueError, match="lengths must be from 0 to 5"):
        got.unroll(good.xs, lengths=jnp.array([3, 9]))
    want(good.x)
    np.testing.assert_array_equal(got(good.x), want(good.x))
