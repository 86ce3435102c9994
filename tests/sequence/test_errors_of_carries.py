"""Bad carries, and carries that a reset would put in place."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from recurrax.cells import LSTMCarry
from recurrax.compose import BidirectionalCarry
from tests.bad_input import (
    BOTH,
    BOTH_CARRY,
    CARRY,
    CELL,
    FLAGS,
    KEY,
    LENGTHS,
    STACK,
    STACK_CARRY,
    STACK_PARAMS,
    XS,
    X,
    both,
    check,
    lenient,
    stack,
    unroll,
)

pytestmark = pytest.mark.once


def reset(carry, run=unroll):
    return run(resets=FLAGS, reset_carry=carry)


TABLE = {
    "carry of another batch in unroll": (
        lambda: unroll(carry=CELL.initial_carry((5,))),
        ValueError,
        "rx.unroll: carry.h must have shape (2, 4), …; got (5, 4).",
    ),
    "carry of another dtype in unroll": (
        lambda: lenient(lambda: unroll(carry=CELL.initial_carry((2,), jnp.bfloat16))),
        TypeError,
        "rx.unroll: carry.h is bfloat16[2,4], but rx.LSTM.step returns it as float64[2,4]. Give "
        "a carry of float64, cast params and xs to bfloat16, or say dtype= and carry_dtype=.",
    ),
    # --- carries ---
    "carry with a part missing": (
        lambda: unroll(carry=CARRY._replace(c=None)),
        TypeError,
        "rx.unroll: carry.c must be an array; got NoneType.",
    ),
    "carry a dict": (
        lambda: unroll(carry=CARRY._asdict()),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got dict(h, c). …",
    ),
    "carry a list": (
        lambda: unroll(carry=[CARRY.h, CARRY.c]),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got list. …",
    ),
    "carry zero": (
        lambda: unroll(carry=0),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got int. …",
    ),
    "carry in a tuple": (
        lambda: unroll(carry=(CARRY,)),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got tuple. …",
    ),
    "carry of lists": (
        lambda: unroll(carry=LSTMCarry([[0.0] * 4] * 2, [[0.0] * 4] * 2)),
        TypeError,
        "rx.unroll: carry.h must be an array; got list.",
    ),
    "carry that would broadcast over time": (
        lambda: unroll(carry=CELL.initial_carry((1,))),
        ValueError,
        "rx.unroll: carry.h must have shape (2, 4), the batch axes of x and the state; got (1, 4).",
    ),
    "carry of one row": (
        lambda: unroll(carry=CELL.initial_carry()),
        ValueError,
        "rx.unroll: carry.h must have shape (2, 4), …; got (4,).",
    ),
    "carry with h and c exchanged over time": (
        lambda: rx.unroll(
            rx.LSTM(4, projection=2),
            rx.LSTM(4, projection=2).init(KEY, 3),
            XS,
            LSTMCarry(h=jnp.zeros((2, 4)), c=jnp.zeros((2, 2))),
        ),
        ValueError,
        "rx.unroll: carry.h must have shape (2, 2), …; got (2, 4).",
    ),
    "carry of a stack with too few layers": (
        lambda: stack(carry=STACK_CARRY[:1]),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got tuple(LSTMCarry). "
        "cell.initial_carry(batch_shape) makes one.",
    ),
    "carry of a stack with too many layers": (
        lambda: stack(carry=STACK_CARRY * 2),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got tuple(LSTMCarry, GRUCarry, "
        "LSTMCarry, GRUCarry). …",
    ),
    "carry of a stack empty": (
        lambda: stack(carry=()),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got tuple(). …",
    ),
    "carry of one layer for a stack": (
        lambda: stack(carry=CARRY),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got LSTMCarry. …",
    ),
    "carry of a stack a list": (
        lambda: stack(carry=list(STACK_CARRY)),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got list(LSTMCarry, GRUCarry). …",
    ),
    "carry of a stack in another order": (
        lambda: stack(carry=STACK_CARRY[::-1]),
        TypeError,
        "rx.unroll: carry[0] must be LSTMCarry(h, c); got GRUCarry.",
    ),
    "carry of a stack without its top": (
        lambda: stack(carry=(CARRY, None)),
        TypeError,
        "rx.unroll: carry[1] must be GRUCarry(h); got NoneType.",
    ),
    "carry of a stack of another batch": (
        lambda: stack(carry=STACK.initial_carry((3,))),
        ValueError,
        "rx.unroll: carry[0].h must have shape (2, 4), …; got (3, 4).",
    ),
    "carry of a stack in a step": (
        lambda: STACK.step(STACK_PARAMS, STACK_CARRY[:1], X),
        TypeError,
        "rx.Stack.step: carry must be tuple(LSTMCarry, GRUCarry); got tuple(LSTMCarry). …",
    ),
    "carry of one direction": (
        lambda: both(carry=CARRY),
        TypeError,
        "rx.unroll: carry must be BidirectionalCarry(forward, backward); got LSTMCarry. …",
    ),
    "carry of two directions a pair": (
        lambda: both(carry=(CARRY, CARRY)),
        TypeError,
        "rx.unroll: carry must be BidirectionalCarry(forward, backward); got tuple. …",
    ),
    "carry without the way back": (
        lambda: both(carry=BidirectionalCarry(CARRY, None)),
        TypeError,
        "rx.unroll: carry.backward must be LSTMCarry(h, c); got NoneType.",
    ),
    "carry of two directions that would broadcast": (
        lambda: both(carry=BOTH.initial_carry((1,))),
        ValueError,
        "rx.unroll: carry.forward.h must have shape (2, 4), …; got (1, 4).",
    ),
    # --- reset_carry ---
    "reset_carry without resets": (
        lambda: unroll(reset_carry=CARRY),
        ValueError,
        "rx.unroll: reset_carry has no meaning without resets, which say where it is put in place.",
    ),
    "reset_carry of another batch": (
        lambda: reset(CELL.initial_carry((3,))),
        ValueError,
        "rx.unroll: reset_carry.h must have shape (2, 4), …; got (3, 4).",
    ),
    "reset_carry that would broadcast": (
        lambda: reset(CELL.initial_carry((1,))),
        ValueError,
        "rx.unroll: reset_carry.h must have shape (2, 4), …; got (1, 4).",
    ),
    "reset_carry of rows and one row": (
        lambda: reset(CARRY._replace(c=CARRY.c[0])),
        ValueError,
        "rx.unroll: reset_carry.c must have shape (2, 4), …; got (4,).",
    ),
    "reset_carry of another size": (
        lambda: reset(rx.LSTM(5).initial_carry()),
        ValueError,
        "rx.unroll: reset_carry.h must have shape (4,), …; got (5,).",
    ),
    "reset_carry a plain pair": (
        lambda: reset((CARRY.h, CARRY.c)),
        TypeError,
        "rx.unroll: reset_carry must be LSTMCarry(h, c); got tuple. …",
    ),
    "reset_carry a number": (
        lambda: reset(0.0),
        TypeError,
        "rx.unroll: reset_carry must be LSTMCarry(h, c); got float. …",
    ),
    "reset_carry with a part missing": (
        lambda: reset(CARRY._replace(c=None)),
        TypeError,
        "rx.unroll: reset_carry.c must be an array; got NoneType.",
    ),
    "reset_carry integer": (
        lambda: reset(jax.tree.map(lambda a: a.astype(int), CARRY)),
        TypeError,
        "rx.unroll: reset_carry.h must be floating; got int64. …",
    ),
    "reset_carry of one layer": (
        lambda: reset(STACK_CARRY[:1], stack),
        TypeError,
        "rx.unroll: reset_carry must be tuple(LSTMCarry, GRUCarry); got tuple(LSTMCarry). …",
    ),
    "reset_carry of one direction": (
        lambda: reset(CARRY, both),
        TypeError,
        "rx.unroll: reset_carry must be BidirectionalCarry(forward, backward); got LSTMCarry. …",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name):
    check(*TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted():
    """Each bad case differs from one of these in the thing it names."""
    for result in (
        stack(lengths=LENGTHS, carry=STACK_CARRY),
        both(mask=FLAGS, resets=FLAGS, carry=BOTH_CARRY, reset_carry=BOTH_CARRY, reverse=True),
        unroll(resets=FLAGS, reset_carry=CELL.initial_carry(), carry_dtype={}),
    ):
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(result))
