"""Bad lengths, masks and resets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.bad_input import (
    CELL,
    FLAGS,
    LENGTHS,
    PARAMS,
    XS,
    both,
    check,
    masked,
    ours_nnx,
    stack,
    unroll,
)

pytestmark = pytest.mark.once

TABLE = {
    "lengths float": (
        lambda: unroll(lengths=jnp.array([3.0, 5.0])),
        TypeError,
        "rx.unroll: lengths must be integer; got float64.",
    ),
    "lengths negative": (
        lambda: unroll(lengths=jnp.array([-1, 5])),
        ValueError,
        "rx.unroll: lengths must be from 0 to 5, the number of steps of xs; got -1.",
    ),
    "lengths beyond the end": (
        lambda: unroll(lengths=np.array([3, 6])),
        ValueError,
        "rx.unroll: lengths must be from 0 to 5, the number of steps of xs; got 6.",
    ),
    "lengths without steps": (
        lambda: unroll(xs=XS[:, :0], lengths=LENGTHS),
        ValueError,
        "rx.unroll: lengths must be from 0 to 0, the number of steps of xs; got 5.",
    ),
    "lengths of another batch": (
        lambda: unroll(lengths=jnp.array([3, 5, 5])),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got (3,).",
    ),
    "lengths that would broadcast": (
        lambda: unroll(lengths=jnp.array([3])),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got (1,).",
    ),
    "lengths a column": (
        lambda: unroll(lengths=jnp.array([[3], [5]])),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got (2, 1).",
    ),
    "lengths a row": (
        lambda: stack(lengths=jnp.array([[3, 5]])),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got (1, 2).",
    ),
    "lengths one number for a batch": (
        lambda: unroll(lengths=3),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got ().",
    ),
    "lengths one number beyond the end": (
        lambda: unroll(xs=XS[0], lengths=9),
        ValueError,
        "rx.unroll: lengths must be from 0 to 5, the number of steps of xs; got 9.",
    ),
    "lengths for no batch": (
        lambda: unroll(xs=XS[0], lengths=jnp.array([3])),
        ValueError,
        "rx.unroll: lengths must have shape (), the batch axes of xs; got (1,).",
    ),
    "lengths boolean": (
        lambda: unroll(lengths=FLAGS[:, 0]),
        TypeError,
        "rx.unroll: lengths must be integer; got bool. A boolean array is a mask.",
    ),
    "lengths a mask": (
        lambda: both(lengths=FLAGS),
        TypeError,
        "rx.unroll: lengths must be integer; got bool. A boolean array is a mask.",
    ),
    "lengths true": (
        lambda: unroll(lengths=True),
        TypeError,
        "rx.unroll: lengths must be an array; got bool.",
    ),
    "lengths a list": (
        lambda: unroll(lengths=[3, 5]),
        TypeError,
        "rx.unroll: lengths must be an array; got list.",
    ),
    "lengths masked": (
        lambda: unroll(lengths=masked([3, 5])),
        TypeError,
        "rx.unroll: lengths is a masked array, whose mask would be lost; pass .data.",
    ),
    "lengths objects": (
        lambda: unroll(lengths=np.array([3, None], object)),
        TypeError,
        "rx.unroll: lengths must be integer; got object.",
    ),
    "lengths text": (
        lambda: unroll(lengths=np.array(["3", "5"])),
        TypeError,
        "rx.unroll: lengths must be integer; got <U1.",
    ),
    "lengths complex": (
        lambda: unroll(lengths=np.array([3j, 5])),
        TypeError,
        "rx.unroll: lengths must be integer; got complex128.",
    ),
    "lengths described": (
        lambda: unroll(lengths=jax.ShapeDtypeStruct((2,), int)),
        TypeError,
        "rx.unroll: lengths must be an array; got ShapeDtypeStruct. Put the call inside …",
    ),
    "lengths and mask": (
        lambda: unroll(lengths=LENGTHS, mask=FLAGS),
        ValueError,
        "rx.unroll: lengths and mask both say which steps count; give one of them.",
    ),
    "lengths and mask of a stack": (
        lambda: stack(lengths=LENGTHS, mask=FLAGS),
        ValueError,
        "rx.unroll: lengths and mask both say which steps count; give one of them.",
    ),
    "a list of lengths with a mask": (
        lambda: unroll(lengths=[3, 5], mask=FLAGS),
        ValueError,
        "rx.unroll: lengths and mask both say which steps count; give one of them.",
    ),
}

# A mask and resets are asked the same of.
for NAME in ("mask", "resets"):
    WRONG = {
        "integer": (FLAGS.astype(int), TypeError, "must be boolean; got int64. Convert it with …"),
        "float": (FLAGS.astype(float), TypeError, "must be boolean; got float64. Convert it …"),
        "objects": (np.full((2, 5), True, object), TypeError, "must be boolean; got object. …"),
        "lengths": (LENGTHS, TypeError, "must be boolean; got int64. …"),
        "of another length": (
            FLAGS[:, :4],
            ValueError,
            "must have shape (2, 5), the batch and time axes of xs; got (2, 4).",
        ),
        "of another batch": (
            jnp.ones((3, 5), bool),
            ValueError,
            "must have shape (2, 5), the batch and time axes of xs; got (3, 5).",
        ),
        "transposed": (
            FLAGS.T,
            ValueError,
            "must have shape (2, 5), the batch and time axes of xs; got (5, 2). Time and batch are "
            "exchanged.",
        ),
        "of one row": (FLAGS[0], ValueError, "must have shape (2, 5), …; got (5,)."),
        "that would broadcast": (FLAGS[:1], ValueError, "must have shape (2, 5), …; got (1, 5)."),
        "with features": (
            FLAGS[..., None],
            ValueError,
            "must have shape (2, 5), …; got (2, 5, 1).",
        ),
        "a list": ([[True] * 5] * 2, TypeError, "must be an array; got list."),
        "true": (True, TypeError, "must be an array; got bool."),
        "masked": (masked(FLAGS), TypeError, "is a masked array, whose mask would be lost; pass …"),
    }
    for KIND, (VALUE, EXCEPTION, TEXT) in WRONG.items():
        TABLE[f"{NAME} {KIND}"] = (
            lambda name=NAME, value=VALUE: unroll(**{name: value}),
            EXCEPTION,
            f"rx.unroll: {NAME} {TEXT}",
        )


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name):
    check(*TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted():
    """Each bad case differs from one of these in the thing it names."""
    for result in (
        stack(lengths=LENGTHS),
        both(mask=FLAGS, resets=FLAGS, reverse=True),
        unroll(xs=XS[0], lengths=np.int32(3)),
    ):
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(result))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint32", "int32", "uint64"])
def test_lengths_may_be_of_any_integer_dtype(dtype, rng):
    """Also of one that does not hold the number of steps."""
    xs = jnp.asarray(rng.normal(size=(2, 300, 3)))
    lengths = np.array([3, 127], dtype)
    carry, ys = unroll(xs=xs, lengths=lengths.astype(np.int64))
    for run in (
        lambda **options: unroll(xs=xs, **options),
        lambda **options: rx.unroll_truncated(CELL, PARAMS, xs, k1=70, k2=140, **options),
        lambda **options: ours_nnx(xs, return_carry=True, seq_lengths=options["lengths"]),
    ):
        got = run(lengths=lengths)
        want = run(lengths=lengths.astype(np.int64))
        jax.tree.map(np.testing.assert_array_equal, got, want)
    backwards = unroll(xs=xs, lengths=lengths, reverse=True, order="processing")[1]
    assert np.all(backwards[0, :3] != 0)
    assert not np.any(backwards[0, 3:])
    assert np.all(ys[1, 126] == carry.h[1])
