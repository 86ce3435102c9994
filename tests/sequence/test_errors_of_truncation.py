"""Bad input to a run with truncated gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.bad_input import BOTH, DROPPING, check

pytestmark = pytest.mark.once


TABLE = {
    "k1 zero": (
        lambda good: good.truncated(k1=0),
        ValueError,
        "rx.unroll_truncated: k1 must be a positive number of steps; got 0.",
    ),
    "k1 a float": (
        lambda good: good.truncated(k1=2.0),
        ValueError,
        "rx.unroll_truncated: k1 must be a positive number of steps; got 2.0.",
    ),
    "k1 true": (
        lambda good: good.truncated(k1=True),
        ValueError,
        "rx.unroll_truncated: k1 must be a positive number of steps; got True.",
    ),
    "k2 zero": (
        lambda good: good.truncated(k2=0),
        ValueError,
        "rx.unroll_truncated: k2 must be a positive number of steps; got 0.",
    ),
    "k2 no multiple": (
        lambda good: good.truncated(k2=3),
        ValueError,
        "rx.unroll_truncated: k2 must be a multiple of k1=2; got 3.",
    ),
    "k2 below k1": (
        lambda good: good.truncated(k1=4, k2=2),
        ValueError,
        "rx.unroll_truncated: k2 must be a multiple of k1=4; got 2.",
    ),
    "truncated and reversed": (
        lambda good: good.truncated(reverse=True),
        TypeError,
        "rx.unroll_truncated: reverse cannot be combined with truncated gradients; use rx.unroll.",
    ),
    "truncated with a key": (
        lambda good: good.truncated(DROPPING, good.dropping_params, key=good.key),
        TypeError,
        "rx.unroll_truncated: key cannot be combined with truncated gradients; use rx.unroll.",
    ),
    "truncated in two directions": (
        lambda good: good.truncated(BOTH, good.both_params),
        ValueError,
        "rx.unroll_truncated: rx.Bidirectional runs in both directions and needs the whole "
        "sequence; truncated gradients need a cell that runs forward.",
    ),
    "truncated with an unknown option": (
        lambda good: good.truncated(stride=3),
        TypeError,
        "rx.unroll_truncated: unknown arguments stride; expected some of pad, dtype, …",
    ),
    "truncated with lengths beyond the end": (
        lambda good: good.truncated(lengths=jnp.array([3, 9])),
        ValueError,
        "rx.unroll_truncated: lengths must be from 0 to 5, the number of steps of xs; got 9.",
    ),
    "truncated with a reset_carry of another structure": (
        lambda good: good.truncated(resets=good.flags, reset_carry=good.carry.h),
        TypeError,
        "rx.unroll_truncated: reset_carry must be LSTMCarry(h, c); got float64[2,4]. …",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    """Each bad case differs from one of these in the thing it names."""
    for result in (good.truncated(lengths=good.lengths, resets=good.flags),):
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(result))
