"""Cells of users whose step or noise has a mistake."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from recurrax.cell.cell import Noise
from tests.bad_input import KEY, WRONG_PARAMS, XS, FaultyCarry, Wrong, check, faulty

pytestmark = pytest.mark.once

TABLE = {
    "a step that changes the structure of its carry": (
        lambda: rx.unroll(Wrong(4, "structure"), WRONG_PARAMS, XS),
        TypeError,
        "rx.unroll: Wrong.step must return the carry as it took it, …",
    ),
    "a step that changes the shape of its carry": (
        lambda: rx.unroll(Wrong(4, "shape"), WRONG_PARAMS, XS),
        TypeError,
        "rx.unroll: carry.h is float64[2,4], but Wrong.step returns it as float64[2,1]; a step …",
    ),
    "a step that changes the dtype of its carry": (
        lambda: rx.unroll(Wrong(4, "dtype"), WRONG_PARAMS, XS),
        TypeError,
        "rx.unroll: carry.h is float64[2,4], but Wrong.step returns it as float32[2,4]. …",
    ),
    # --- users' cells ---
    "a step that returns no pair": (
        lambda: faulty(lambda h: h),
        TypeError,
        "rx.unroll: Faulty.step must return a pair, (carry, y); it returned …",
    ),
    "a step that returns three": (
        lambda: faulty(lambda h: (FaultyCarry(h), h, h)),
        TypeError,
        "rx.unroll: Faulty.step must return a pair, (carry, y); it returned …",
    ),
    "a step whose output has no batch": (
        lambda: faulty(lambda h: (FaultyCarry(h), 1.0)),
        ValueError,
        "rx.unroll: Faulty.step must return outputs that begin with the batch axes of x, (2,); it "
        "returned one of shape ().",
    ),
    "a step that returns a list as its carry": (
        lambda: faulty(lambda h: ([h], h)),
        TypeError,
        "rx.unroll: Faulty.step must return the carry as it took it, …",
    ),
    "noise an array": (
        lambda: faulty(drawn=jnp.ones(5), key=KEY),
        TypeError,
        "rx.unroll: Faulty.noise must return a Noise or None; it returned float64[5].",
    ),
    "noise for another number of steps": (
        lambda: faulty(drawn=Noise(step=jnp.ones((3, 2, 4))), key=KEY),
        ValueError,
        "rx.unroll: Faulty.noise must put time first in step, 5 entries; it returned shape "
        "(3, 2, 4).",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name):
    check(*TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted():
    """Each bad case differs from one of these in the thing it names."""
    for result in (
        rx.unroll(Wrong(4), WRONG_PARAMS, XS),
        faulty(key=KEY),
        faulty(drawn=Noise(step=jnp.ones((5, 2, 4))), key=KEY),
    ):
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(result))
