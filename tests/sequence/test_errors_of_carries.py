"""Bad carries, and carries that a reset would put in place."""

import jax
import jax.numpy as jnp
import pytest

import recurrax as rx
from tests.bad_input import BOTH, CELL, STACK, assert_finite, check

pytestmark = pytest.mark.once


TABLE = {
    "carry of another batch in unroll": (
        lambda good: good.unroll(carry=CELL.initial_carry((5,))),
        ValueError,
        "rx.unroll: carry.h must have shape (2, 4), …; got (5, 4).",
    ),
    "carry of another dtype in unroll": (
        lambda good: good.lenient(carry=CELL.initial_carry((2,), jnp.bfloat16)),
        TypeError,
        "rx.unroll: carry.h is bfloat16[2,4], but rx.LSTM.step returns it as float64[2,4]. Pass "
        "a carry of float64, cast params and xs to bfloat16, or pass dtype and carry_dtype.",
    ),
    # --- carries ---
    "carry with a part missing": (
        lambda good: good.unroll(carry=good.carry._replace(c=None)),
        TypeError,
        "rx.unroll: carry.c must be an array; got NoneType.",
    ),
    "carry a dict": (
        lambda good: good.unroll(carry=good.carry._asdict()),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got dict(h, c). …",
    ),
    "carry a list": (
        lambda good: good.unroll(carry=[good.carry.h, good.carry.c]),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got list. …",
    ),
    "carry zero": (
        lambda good: good.unroll(carry=0),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got int. …",
    ),
    "carry in a tuple": (
        lambda good: good.unroll(carry=(good.carry,)),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got tuple. …",
    ),
    "carry of lists": (
        lambda good: good.unroll(carry=rx.LSTM.Carry([[0.0] * 4] * 2, [[0.0] * 4] * 2)),
        TypeError,
        "rx.unroll: carry.h must be an array; got list.",
    ),
    "carry that would broadcast over time": (
        lambda good: good.unroll(carry=CELL.initial_carry((1,))),
        ValueError,
        "rx.unroll: carry.h must have shape (2, 4), the batch axes of x and the state; got (1, 4).",
    ),
    "carry of one row": (
        lambda good: good.unroll(carry=CELL.initial_carry()),
        ValueError,
        "rx.unroll: carry.h must have shape (2, 4), …; got (4,).",
    ),
    "carry with h and c exchanged over time": (
        lambda good: rx.unroll(
            rx.LSTM(4, projection=2),
            rx.LSTM(4, projection=2).init(good.key, 3),
            good.xs,
            rx.LSTM.Carry(h=jnp.zeros((2, 4)), c=jnp.zeros((2, 2))),
        ),
        ValueError,
        "rx.unroll: carry.h must have shape (2, 2), …; got (2, 4).",
    ),
    "carry of a stack with too few layers": (
        lambda good: good.stack(carry=good.stack_carry[:1]),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got tuple(LSTMCarry). "
        "cell.initial_carry(batch_shape) makes one.",
    ),
    "carry of a stack with too many layers": (
        lambda good: good.stack(carry=good.stack_carry * 2),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got tuple(LSTMCarry, GRUCarry, "
        "LSTMCarry, GRUCarry). …",
    ),
    "carry of a stack empty": (
        lambda good: good.stack(carry=()),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got tuple(). …",
    ),
    "carry of one layer for a stack": (
        lambda good: good.stack(carry=good.carry),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got LSTMCarry. …",
    ),
    "carry of a stack a list": (
        lambda good: good.stack(carry=list(good.stack_carry)),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got list(LSTMCarry, GRUCarry). …",
    ),
    "carry of a stack in another order": (
        lambda good: good.stack(carry=good.stack_carry[::-1]),
        TypeError,
        "rx.unroll: carry[0] must be LSTMCarry(h, c); got GRUCarry.",
    ),
    "carry of a stack without its top": (
        lambda good: good.stack(carry=(good.carry, None)),
        TypeError,
        "rx.unroll: carry[1] must be GRUCarry(h); got NoneType.",
    ),
    "carry of a stack of another batch": (
        lambda good: good.stack(carry=STACK.initial_carry((3,))),
        ValueError,
        "rx.unroll: carry[0].h must have shape (2, 4), …; got (3, 4).",
    ),
    "carry of a stack in a step": (
        lambda good: STACK.step(good.stack_params, good.stack_carry[:1], good.x),
        TypeError,
        "rx.Stack.step: carry must be tuple(LSTMCarry, GRUCarry); got tuple(LSTMCarry). …",
    ),
    "carry of one direction": (
        lambda good: good.both(carry=good.carry),
        TypeError,
        "rx.unroll: carry must be BidirectionalCarry(forward, backward); got LSTMCarry. …",
    ),
    "carry of two directions a pair": (
        lambda good: good.both(carry=(good.carry, good.carry)),
        TypeError,
        "rx.unroll: carry must be BidirectionalCarry(forward, backward); got tuple. …",
    ),
    "carry without the way back": (
        lambda good: good.both(carry=rx.Bidirectional.Carry(good.carry, None)),
        TypeError,
        "rx.unroll: carry.backward must be LSTMCarry(h, c); got NoneType.",
    ),
    "carry of two directions that would broadcast": (
        lambda good: good.both(carry=BOTH.initial_carry((1,))),
        ValueError,
        "rx.unroll: carry.forward.h must have shape (2, 4), …; got (1, 4).",
    ),
    # --- reset_carry ---
    "reset_carry without resets": (
        lambda good: good.unroll(reset_carry=good.carry),
        ValueError,
        "rx.unroll: reset_carry replaces the carry where resets are true; pass resets too, …",
    ),
    "reset_carry of another batch": (
        lambda good: good.reset(CELL.initial_carry((3,))),
        ValueError,
        "rx.unroll: reset_carry.h must have shape (2, 4), …; got (3, 4).",
    ),
    "reset_carry that would broadcast": (
        lambda good: good.reset(CELL.initial_carry((1,))),
        ValueError,
        "rx.unroll: reset_carry.h must have shape (2, 4), …; got (1, 4).",
    ),
    "reset_carry of rows and one row": (
        lambda good: good.reset(good.carry._replace(c=good.carry.c[0])),
        ValueError,
        "rx.unroll: reset_carry.c must have shape (2, 4), …; got (4,).",
    ),
    "reset_carry of another size": (
        lambda good: good.reset(rx.LSTM(5).initial_carry()),
        ValueError,
        "rx.unroll: reset_carry.h must have shape (4,), …; got (5,).",
    ),
    "reset_carry a plain pair": (
        lambda good: good.reset((good.carry.h, good.carry.c)),
        TypeError,
        "rx.unroll: reset_carry must be LSTMCarry(h, c); got tuple. …",
    ),
    "reset_carry a number": (
        lambda good: good.reset(0.0),
        TypeError,
        "rx.unroll: reset_carry must be LSTMCarry(h, c); got float. …",
    ),
    "reset_carry with a part missing": (
        lambda good: good.reset(good.carry._replace(c=None)),
        TypeError,
        "rx.unroll: reset_carry.c must be an array; got NoneType.",
    ),
    "reset_carry integer": (
        lambda good: good.reset(jax.tree.map(lambda a: a.astype(int), good.carry)),
        TypeError,
        "rx.unroll: reset_carry.h must be floating; got int64. …",
    ),
    "reset_carry of one layer": (
        lambda good: good.reset(good.stack_carry[:1], "stack"),
        TypeError,
        "rx.unroll: reset_carry must be tuple(LSTMCarry, GRUCarry); got tuple(LSTMCarry). …",
    ),
    "reset_carry of one direction": (
        lambda good: good.reset(good.carry, "both"),
        TypeError,
        "rx.unroll: reset_carry must be BidirectionalCarry(forward, backward); got LSTMCarry. …",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    """Each bad case differs from one of these in the thing it names."""
    assert_finite(
        good.stack(lengths=good.lengths, carry=good.stack_carry),
        good.both(
            mask=good.flags,
            resets=good.flags,
            carry=good.both_carry,
            reset_carry=good.both_carry,
            reverse=True,
        ),
        good.unroll(resets=good.flags, reset_carry=CELL.initial_carry(), carry_dtype={}),
    )
