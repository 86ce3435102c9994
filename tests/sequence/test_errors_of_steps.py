"""Cells of users whose step or noise has a mistake."""

import jax.numpy as jnp
import pytest

import recurrax as rx
from recurrax.cell.cell import Noise
from tests.bad_input import FaultyCarry, Wrong, assert_finite, check

pytestmark = pytest.mark.once

TABLE = {
    "a step that changes the structure of its carry": (
        lambda good: rx.unroll(Wrong(4, "structure"), good.wrong_params, good.xs),
        TypeError,
        "rx.unroll: Wrong.step must return a carry of the structure that it takes, …",
    ),
    "a step that changes the shape of its carry": (
        lambda good: rx.unroll(Wrong(4, "shape"), good.wrong_params, good.xs),
        TypeError,
        "rx.unroll: carry.h is float64[2,4], but Wrong.step returns it as float64[2,1]; a step …",
    ),
    "a step that changes the dtype of its carry": (
        lambda good: rx.unroll(Wrong(4, "dtype"), good.wrong_params, good.xs),
        TypeError,
        "rx.unroll: carry.h is float64[2,4], but Wrong.step returns it as float32[2,4]. …",
    ),
    # --- users' cells ---
    "a step that returns no pair": (
        lambda good: good.faulty(lambda h: h),
        TypeError,
        "rx.unroll: Faulty.step must return a pair, (carry, y); it returned …",
    ),
    "a step that returns three": (
        lambda good: good.faulty(lambda h: (FaultyCarry(h), h, h)),
        TypeError,
        "rx.unroll: Faulty.step must return a pair, (carry, y); it returned …",
    ),
    "a step whose output has no batch": (
        lambda good: good.faulty(lambda h: (FaultyCarry(h), 1.0)),
        ValueError,
        "rx.unroll: Faulty.step must return outputs that begin with the batch axes of x, (2,); it "
        "returned one of shape ().",
    ),
    "a step that returns a list as its carry": (
        lambda good: good.faulty(lambda h: ([h], h)),
        TypeError,
        "rx.unroll: Faulty.step must return a carry of the structure that it takes, …",
    ),
    "noise an array": (
        lambda good: good.faulty(drawn=jnp.ones(5), key=good.key),
        TypeError,
        "rx.unroll: Faulty.noise must return a Noise or None; it returned float64[5].",
    ),
    "noise for another number of steps": (
        lambda good: good.faulty(drawn=Noise(step=jnp.ones((3, 2, 4))), key=good.key),
        ValueError,
        "rx.unroll: Faulty.noise must return arrays with time as their first axis in step, 5 "
        "entries; it returned shape (3, 2, 4).",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    """Each bad case differs from one of these in the thing it names."""
    assert_finite(
        rx.unroll(Wrong(4), good.wrong_params, good.xs),
        good.faulty(key=good.key),
        good.faulty(drawn=Noise(step=jnp.ones((5, 2, 4))), key=good.key),
    )
