"""Bad lengths and resets of all four kinds of Flax layers."""

import jax.numpy as jnp
import pytest

from tests.bad_input import LAYERS, assert_finite, check, masked

pytestmark = pytest.mark.once

TABLE = {
    "seq_lengths that would broadcast": (
        lambda good: {"seq_lengths": jnp.array([3])},
        ValueError,
        "seq_lengths must have shape (2,), the batch axes of inputs; got (1,).",
    ),
    "seq_lengths beyond the end": (
        lambda good: {"seq_lengths": jnp.array([3, 9])},
        ValueError,
        "seq_lengths must be from 0 to 5, the number of steps of inputs; got 9.",
    ),
    "seq_lengths negative": (
        lambda good: {"seq_lengths": jnp.array([3, -1])},
        ValueError,
        "seq_lengths must be from 0 to 5, the number of steps of inputs; got -1.",
    ),
    "seq_lengths float": (
        lambda good: {"seq_lengths": jnp.array([3.0, 5.0])},
        TypeError,
        "seq_lengths must be integer; got float64.",
    ),
    "seq_lengths masked": (
        lambda good: {"seq_lengths": masked([3, 5])},
        TypeError,
        "seq_lengths is a masked array, whose mask would be lost; pass …",
    ),
    "seq_lengths a list": (
        lambda good: {"seq_lengths": [3, 5]},
        TypeError,
        "seq_lengths must be an array; got list.",
    ),
    "seq_lengths and mask": (
        lambda good: {"seq_lengths": good.lengths, "mask": good.flags},
        ValueError,
        "seq_lengths and mask both say which steps are valid; pass one of them.",
    ),
    "resets transposed": (
        lambda good: {"resets": good.flags.T},
        ValueError,
        "resets must have shape (2, 5), the batch and time axes of inputs; got (5, 2). …",
    ),
    "reset_carry without resets": (
        lambda good: {"reset_carry": good.carry},
        ValueError,
        "reset_carry replaces the carry where resets are true; pass resets too, …",
    ),
}


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("layer", LAYERS)
def test_bad_input_is_named(layer, name, good):
    options_of, exception, text = TABLE[name]
    options = options_of(good)
    call = getattr(good, LAYERS[layer])
    check(good, lambda good: call(**options), exception, f"{layer.split()[0]}: {text}")


@pytest.mark.parametrize("layer", LAYERS)
def test_the_good_input_that_the_table_spoils_is_accepted(layer, good):
    """Each bad case differs from this one in the thing it names."""
    call = getattr(good, LAYERS[layer])
    assert_finite(call(seq_lengths=good.lengths, resets=good.flags))
