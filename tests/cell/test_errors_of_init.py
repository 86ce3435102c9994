"""Bad arguments of ``init`` and ``initial_carry``."""

import jax
import pytest
from flax import nnx

import recurrax as rx
from tests.bad_input import BOTH, CELL, STACK, NoCarry, check

pytestmark = pytest.mark.once

TABLE = {
    # --- init, initial_carry ---
    "key is a seed": (
        lambda good: CELL.init(0, 3),
        TypeError,
        "rx.LSTM.init: key must be a JAX random key such as jax.random.key(0); got 0.",
    ),
    "in_features zero": (
        lambda good: CELL.init(good.key, 0),
        ValueError,
        "rx.LSTM.init: in_features must be a positive whole number; got 0.",
    ),
    "in_features is a shape": (
        lambda good: CELL.init(good.key, (2.5,)),
        TypeError,
        "rx.LSTM.init: in_features must be a positive whole number; got 2.5.",
    ),
    "in_features none": (
        lambda good: CELL.init(good.key, None),
        TypeError,
        "rx.LSTM.init: in_features must be a positive whole number; got None.",
    ),
    "raw input of another size": (
        lambda good: rx.SquashedGRU(4).init(good.key, 3),
        ValueError,
        "rx.SquashedGRU: in_features must equal features=4, because the candidate is tanh(x * r); "
        "got 3.",
    ),
    "raw candidate of another size": (
        lambda good: rx.KrauseLSTM(4, candidate="input").init(good.key, 3),
        ValueError,
        "rx.KrauseLSTM: in_features must equal features=4, because candidate='input' adds x …",
    ),
    "chrono too short": (
        lambda good: rx.initializers.chrono(2),
        ValueError,
        "chrono: t_max must be at least 3 time steps; got 2.",
    ),
    "chrono on a cell without its gates": (
        lambda good: rx.GRU(
            4, preset=rx.initializers.preset("default", b=rx.initializers.chrono(9))
        ).init(good.key, 3),
        ValueError,
        "chrono: forget='f' is not a gate of this cell, which has r, z, n, hn.",
    ),
    "identity of a kernel that is not square": (
        lambda good: rx.LSTM(4, projection=2, preset="irnn").init(good.key, 3),
        ValueError,
        "identity: expected a square kernel, got shape (2, 4).",
    ),
    "batch_shape a number": (
        lambda good: CELL.initial_carry(2),
        TypeError,
        "rx.LSTM.initial_carry: batch_shape must be a tuple of sizes such as () or (32,); got 2.",
    ),
    "batch_shape negative": (
        lambda good: CELL.initial_carry((-1,)),
        ValueError,
        "rx.LSTM.initial_carry: batch_shape must not be negative; got (-1,).",
    ),
    "a cell without a carry type": (
        lambda good: NoCarry(4).initial_carry(),
        TypeError,
        "NoCarry: no carry type found. Set the class attribute Carry to a NamedTuple, define a "
        "NamedTuple called NoCarryCarry next to the cell, or override initial_carry(batch_shape).",
    ),
    # --- key ---
    "key of init a batch": (
        lambda good: STACK.init(jax.random.split(good.key, 2), 3),
        TypeError,
        "rx.Stack.init: key must be one JAX random key such as …; got key<fry>[2].",
    ),
    "key of init the streams of nnx": (
        lambda good: CELL.init(nnx.Rngs(0), 3),
        TypeError,
        "rx.LSTM.init: key must be a JAX random key such as jax.random.key(0); got Rngs.",
    ),
    # --- dtype, carry_dtype ---
    "dtype of an initial carry": (
        lambda good: STACK.initial_carry((2,), "floaty"),
        TypeError,
        "rx.Stack.initial_carry: dtype must be a floating dtype such as 'bfloat16'; got 'floaty'.",
    ),
    "dtype of an initial carry integer": (
        lambda good: CELL.initial_carry((2,), int),
        TypeError,
        "rx.LSTM.initial_carry: dtype must be a floating dtype; got int64.",
    ),
    "batch_shape with none": (
        lambda good: BOTH.initial_carry((None, 2)),
        TypeError,
        "rx.Bidirectional.initial_carry: batch_shape must be a tuple of sizes such as () or (32,); "
        "got (None, 2).",
    ),
    "batch_shape nested": (
        lambda good: CELL.initial_carry(((2,), 3)),
        TypeError,
        "rx.LSTM.initial_carry: batch_shape must be a tuple of sizes …; got ((2,), 3).",
    ),
    # --- Stack ---
    "in_features of a stack": (
        lambda good: STACK.init(good.key, 3.0),
        TypeError,
        "rx.Stack.init: in_features must be a positive whole number; got 3.0.",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_a_batch_of_no_rows_has_a_carry():
    assert CELL.initial_carry((0, 2)).h.shape == (0, 2, 4)
