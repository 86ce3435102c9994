"""Bad lengths, masks and resets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.bad_input import CELL, assert_finite, check, masked

pytestmark = pytest.mark.once

TABLE = {
    "lengths float": (
        lambda good: good.unroll(lengths=jnp.array([3.0, 5.0])),
        TypeError,
        "rx.unroll: lengths must be integer; got float64.",
    ),
    "lengths negative": (
        lambda good: good.unroll(lengths=jnp.array([-1, 5])),
        ValueError,
        "rx.unroll: lengths must be from 0 to 5, the number of steps of xs; got -1.",
    ),
    "lengths beyond the end": (
        lambda good: good.unroll(lengths=np.array([3, 6])),
        ValueError,
        "rx.unroll: lengths must be from 0 to 5, the number of steps of xs; got 6.",
    ),
    "lengths without steps": (
        lambda good: good.unroll(xs=good.xs[:, :0], lengths=good.lengths),
        ValueError,
        "rx.unroll: lengths must be from 0 to 0, the number of steps of xs; got 5.",
    ),
    "lengths of another batch": (
        lambda good: good.unroll(lengths=jnp.array([3, 5, 5])),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got (3,).",
    ),
    "lengths that would broadcast": (
        lambda good: good.unroll(lengths=jnp.array([3])),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got (1,).",
    ),
    "lengths a column": (
        lambda good: good.unroll(lengths=jnp.array([[3], [5]])),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got (2, 1).",
    ),
    "lengths a row": (
        lambda good: good.stack(lengths=jnp.array([[3, 5]])),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got (1, 2).",
    ),
    "lengths one number for a batch": (
        lambda good: good.unroll(lengths=3),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got ().",
    ),
    "lengths one number beyond the end": (
        lambda good: good.unroll(xs=good.xs[0], lengths=9),
        ValueError,
        "rx.unroll: lengths must be from 0 to 5, the number of steps of xs; got 9.",
    ),
    "lengths for no batch": (
        lambda good: good.unroll(xs=good.xs[0], lengths=jnp.array([3])),
        ValueError,
        "rx.unroll: lengths must have shape (), the batch axes of xs; got (1,).",
    ),
    "lengths boolean": (
        lambda good: good.unroll(lengths=good.flags[:, 0]),
        TypeError,
        "rx.unroll: lengths must be integer; got bool. A boolean array is a mask.",
    ),
    "lengths a mask": (
        lambda good: good.both(lengths=good.flags),
        TypeError,
        "rx.unroll: lengths must be integer; got bool. A boolean array is a mask.",
    ),
    "lengths true": (
        lambda good: good.unroll(lengths=True),
        TypeError,
        "rx.unroll: lengths must be an array; got bool.",
    ),
    "lengths a list": (
        lambda good: good.unroll(lengths=[3, 5]),
        TypeError,
        "rx.unroll: lengths must be an array; got list.",
    ),
    "lengths masked": (
        lambda good: good.unroll(lengths=masked([3, 5])),
        TypeError,
        "rx.unroll: lengths is a masked array, whose mask would be lost; pass .data.",
    ),
    "lengths objects": (
        lambda good: good.unroll(lengths=np.array([3, None], object)),
        TypeError,
        "rx.unroll: lengths must be integer; got object.",
    ),
    "lengths text": (
        lambda good: good.unroll(lengths=np.array(["3", "5"])),
        TypeError,
        "rx.unroll: lengths must be integer; got <U1.",
    ),
    "lengths complex": (
        lambda good: good.unroll(lengths=np.array([3j, 5])),
        TypeError,
        "rx.unroll: lengths must be integer; got complex128.",
    ),
    "lengths described": (
        lambda good: good.unroll(lengths=jax.ShapeDtypeStruct((2,), int)),
        TypeError,
        "rx.unroll: lengths must be an array; got ShapeDtypeStruct. Put the call inside …",
    ),
    "lengths and mask": (
        lambda good: good.unroll(lengths=good.lengths, mask=good.flags),
        ValueError,
        "rx.unroll: lengths and mask both say which steps are valid; pass one of them.",
    ),
    "lengths and mask of a stack": (
        lambda good: good.stack(lengths=good.lengths, mask=good.flags),
        ValueError,
        "rx.unroll: lengths and mask both say which steps are valid; pass one of them.",
    ),
    "a list of lengths with a mask": (
        lambda good: good.unroll(lengths=[3, 5], mask=good.flags),
        ValueError,
        "rx.unroll: lengths and mask both say which steps are valid; pass one of them.",
    ),
}

FLAGS = {  # for a mask, and for resets
    "integer": (
        lambda good: good.flags.astype(int),
        TypeError,
        "must be boolean; got int64. Convert it with …",
    ),
    "float": (
        lambda good: good.flags.astype(float),
        TypeError,
        "must be boolean; got float64. Convert it …",
    ),
    "objects": (
        lambda good: np.full((2, 5), True, object),
        TypeError,
        "must be boolean; got object. …",
    ),
    "lengths": (lambda good: good.lengths, TypeError, "must be boolean; got int64. …"),
    "of another length": (
        lambda good: good.flags[:, :4],
        ValueError,
        "must have shape (2, 5), the batch and time axes of xs; got (2, 4).",
    ),
    "of another batch": (
        lambda good: jnp.ones((3, 5), bool),
        ValueError,
        "must have shape (2, 5), the batch and time axes of xs; got (3, 5).",
    ),
    "transposed": (
        lambda good: good.flags.T,
        ValueError,
        "must have shape (2, 5), the batch and time axes of xs; got (5, 2). The batch and "
        "time axes are swapped.",
    ),
    "of one row": (lambda good: good.flags[0], ValueError, "must have shape (2, 5), …; got (5,)."),
    "that would broadcast": (
        lambda good: good.flags[:1],
        ValueError,
        "must have shape (2, 5), …; got (1, 5).",
    ),
    "with features": (
        lambda good: good.flags[..., None],
        ValueError,
        "must have shape (2, 5), …; got (2, 5, 1).",
    ),
    "a list": (lambda good: [[True] * 5] * 2, TypeError, "must be an array; got list."),
    "true": (lambda good: True, TypeError, "must be an array; got bool."),
    "masked": (
        lambda good: masked(good.flags),
        TypeError,
        "is a masked array, whose mask would be lost; pass …",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


@pytest.mark.parametrize("kind", FLAGS)
@pytest.mark.parametrize("name", ["mask", "resets"])
def test_bad_flags_are_named(name, kind, good):
    value_of, exception, text = FLAGS[kind]
    value = value_of(good)
    check(good, lambda good: good.unroll(**{name: value}), exception, f"rx.unroll: {name} {text}")


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    """Each bad case differs from one of these in the thing it names."""
    assert_finite(
        good.stack(lengths=good.lengths),
        good.both(mask=good.flags, resets=good.flags, reverse=True),
        good.unroll(xs=good.xs[0], lengths=np.int32(3)),
    )


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint32", "int32", "uint64"])
def test_lengths_may_be_of_any_integer_dtype(dtype, rng, good):
    """Also of one that does not hold the number of steps."""
    xs = jnp.asarray(rng.normal(size=(2, 300, 3)))
    lengths = np.array([3, 127], dtype)
    carry, ys = good.unroll(xs=xs, lengths=lengths.astype(np.int64))
    for run in (
        lambda **options: good.unroll(xs=xs, **options),
        lambda **options: rx.unroll_truncated(CELL, good.params, xs, k1=70, k2=140, **options),
        lambda **options: good.ours_nnx(xs, return_carry=True, seq_lengths=options["lengths"]),
    ):
        got = run(lengths=lengths)
        want = run(lengths=lengths.astype(np.int64))
        jax.tree.map(np.testing.assert_array_equal, got, want)
    backwards = good.unroll(xs=xs, lengths=lengths, reverse=True, order="processing")[1]
    assert np.all(backwards[0, :3] != 0)
    assert not np.any(backwards[0, 3:])
    assert np.all(ys[1, 126] == carry.h[1])
