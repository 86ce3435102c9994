"""Bad inputs and carries of one step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.bad_input import CELL, check

pytestmark = pytest.mark.once


class Tensor:
    """As another framework's: a dtype that is not NumPy's."""

    shape = (3,)
    dtype = object()


TABLE = {
    # --- step: x ---
    "x of another feature size": (
        lambda good: good.step(x=jnp.ones((2, 5))),
        ValueError,
        "rx.LSTM.step: x has 5 features, but params.W.i was made for in_features=3; expected "
        "(5, 4), got (3, 4). Give x with 3 features, or make params with init(key, 5).",
    ),
    "x a scalar": (
        lambda good: good.step(x=jnp.ones(())),
        ValueError,
        "rx.LSTM.step: x must have a feature axis, (*batch, in_features); got a scalar.",
    ),
    "x a list": (
        lambda good: good.step(x=[1.0, 2.0, 3.0]),
        TypeError,
        "rx.LSTM.step: x must be an array; got float.",
    ),
    "x none": (lambda good: good.step(x=None), ValueError, "rx.LSTM.step: x has no arrays."),
    "x of another framework": (
        lambda good: good.step(x=Tensor()),
        TypeError,
        "rx.LSTM.step: x must be an array; got Tensor.",
    ),
    "x integer": (
        lambda good: good.step(x=jnp.ones((2, 3), jnp.int32)),
        TypeError,
        "rx.LSTM.step: x must be floating; got int32. Convert it, for instance with "
        "x.astype(jnp.float32).",
    ),
    "x boolean": (
        lambda good: good.step(x=jnp.ones((2, 3), bool)),
        TypeError,
        "rx.LSTM.step: x must be floating; got bool…",
    ),
    "x complex": (
        lambda good: good.step(x=jnp.ones((2, 3), complex)),
        TypeError,
        "rx.LSTM.step: x must be floating; got complex128…",
    ),
    "x text": (
        lambda good: good.step(x=np.array([["a", "b", "c"]])),
        TypeError,
        "rx.LSTM.step: x must be floating; got <U1…",
    ),
    "x objects": (
        lambda good: good.step(x=np.array([[1, 2, None]], dtype=object)),
        TypeError,
        "rx.LSTM.step: x must be floating; got object…",
    ),
    "x masked": (
        lambda good: good.step(x=np.ma.masked_array(np.ones((2, 3)), mask=np.eye(2, 3))),
        TypeError,
        "rx.LSTM.step: x is a masked array, whose mask would be lost; pass .data.",
    ),
    # --- step: carry ---
    "carry none": (
        lambda good: good.step(carry=None),
        TypeError,
        "rx.LSTM.step: carry must be given; cell.initial_carry makes one.",
    ),
    "carry a plain pair": (
        lambda good: good.step(carry=(good.carry.h, good.carry.c)),
        TypeError,
        "rx.LSTM.step: carry must be LSTMCarry(h, c); got tuple. …",
    ),
    "carry a bare array": (
        lambda good: good.step(carry=good.carry.h),
        TypeError,
        "rx.LSTM.step: carry must be LSTMCarry(h, c); got float64[2,4]. …",
    ),
    "carry of another cell": (
        lambda good: good.step(carry=rx.GRU(4).initial_carry((2,))),
        TypeError,
        "rx.LSTM.step: carry must be LSTMCarry(h, c); got GRUCarry. …",
    ),
    "carry of another batch": (
        lambda good: good.step(carry=CELL.initial_carry((3,))),
        ValueError,
        "rx.LSTM.step: carry.h must have shape (2, 4), the batch axes of x and the state; "
        "got (3, 4).",
    ),
    "carry that would broadcast": (
        lambda good: good.step(carry=CELL.initial_carry((1,))),
        ValueError,
        "rx.LSTM.step: carry.h must have shape (2, 4), …; got (1, 4).",
    ),
    "carry without its batch axis": (
        lambda good: good.step(carry=CELL.initial_carry()),
        ValueError,
        "rx.LSTM.step: carry.h must have shape (2, 4), …; got (4,).",
    ),
    "carry with h and c exchanged": (
        lambda good: rx.LSTM(4, projection=2).step(
            rx.LSTM(4, projection=2).init(good.key, 3),
            rx.LSTM.Carry(h=jnp.zeros((2, 4)), c=jnp.zeros((2, 2))),
            good.x,
        ),
        ValueError,
        "rx.LSTM.step: carry.h must have shape (2, 2), …; got (2, 4).",
    ),
    "carry integer": (
        lambda good: good.step(carry=jax.tree.map(lambda a: a.astype(int), good.carry)),
        TypeError,
        "rx.LSTM.step: carry.h must be floating; got int64…",
    ),
    "carry of numbers": (
        lambda good: good.step(carry=rx.LSTM.Carry(0.0, 0.0)),
        TypeError,
        "rx.LSTM.step: carry.h must be an array; got float.",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    """Each bad case differs from one of these in the thing it names."""
    for result in (good.step(),):
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(result))
