"""Bad lengths and resets of all four kinds of Flax layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.bad_input import CARRY, FLAGS, LAYERS, LENGTHS, check, masked

pytestmark = pytest.mark.once

TABLE = {}

# Flax's seq_lengths, for recurrax cells and for Flax's own.
SEQ_LENGTHS = {
    "that would broadcast": (
        jnp.array([3]),
        ValueError,
        "must have shape (2,), the batch axes of inputs; got (1,).",
    ),
    "beyond the end": (
        jnp.array([3, 9]),
        ValueError,
        "must be from 0 to 5, the number of steps of inputs; got 9.",
    ),
    "negative": (
        jnp.array([3, -1]),
        ValueError,
        "must be from 0 to 5, the number of steps of inputs; got -1.",
    ),
    "float": (jnp.array([3.0, 5.0]), TypeError, "must be integer; got float64."),
    "masked": (masked([3, 5]), TypeError, "is a masked array, whose mask would be lost; pass …"),
    "a list": ([3, 5], TypeError, "must be an array; got list."),
}
for KIND, CALL in LAYERS.items():
    WHO = KIND.split()[0]
    for NAME, (VALUE, EXCEPTION, TEXT) in SEQ_LENGTHS.items():
        TABLE[f"{KIND}: seq_lengths {NAME}"] = (
            lambda call=CALL, value=VALUE: call(seq_lengths=value),
            EXCEPTION,
            f"{WHO}: seq_lengths {TEXT}",
        )
    TABLE[f"{KIND}: seq_lengths and mask"] = (
        lambda call=CALL: call(seq_lengths=LENGTHS, mask=FLAGS),
        ValueError,
        f"{WHO}: seq_lengths and mask both say which steps count; give one of them.",
    )
    TABLE[f"{KIND}: resets transposed"] = (
        lambda call=CALL: call(resets=FLAGS.T),
        ValueError,
        f"{WHO}: resets must have shape (2, 5), the batch and time axes of inputs; got (5, 2). …",
    )
    TABLE[f"{KIND}: reset_carry without resets"] = (
        lambda call=CALL: call(reset_carry=CARRY),
        ValueError,
        f"{WHO}: reset_carry has no meaning without resets, which say where it is put in place.",
    )


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name):
    check(*TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted():
    """Each bad case differs from one of these in the thing it names."""
    for result in (*(call(seq_lengths=LENGTHS, resets=FLAGS) for call in LAYERS.values()),):
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(result))
