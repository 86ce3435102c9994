"""Bad cells and bad input sequences."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.bad_input import CELL, GRU, NotFrozen, assert_finite, check, deleted, masked

pytestmark = pytest.mark.once


class Tensor:
    """Another framework's."""

    shape = (2, 5, 3)
    ndim = 3
    dtype = "theirs"


TABLE = {
    "the cell's class": (
        lambda good: good.unroll(cell=rx.LSTM),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "a cell of Flax": (
        lambda good: good.unroll(cell=nn.LSTMCell(4)),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got LSTMCell.",
    ),
    "a cell that is not frozen": (
        lambda good: good.unroll(cell=NotFrozen(4)),
        TypeError,
        "rx.unroll: NotFrozen must be hashable: a @dataclass(frozen=True) of sizes and options, …",
    ),
    "xs without time": (
        lambda good: good.unroll(xs=jnp.ones(3)),
        ValueError,
        "rx.unroll: xs must have a time and a feature axis, (*batch, time, in_features); got "
        "shape (3,).",
    ),
    "xs a scalar": (
        lambda good: good.unroll(xs=jnp.ones(())),
        ValueError,
        "rx.unroll: xs must have a time and a feature axis, …; got shape ().",
    ),
    "xs ragged": (
        lambda good: good.unroll(xs=[[1.0], [1.0, 2.0]]),
        TypeError,
        "rx.unroll: xs must be an array; got float.",
    ),
    "xs integer": (
        lambda good: good.unroll(xs=jnp.ones((2, 5, 3), jnp.int32)),
        TypeError,
        "rx.unroll: xs must be floating; got int32. Convert it, for instance with "
        "xs.astype(jnp.float32).",
    ),
    "xs of another feature size": (
        lambda good: good.unroll(xs=jnp.ones((2, 5, 7))),
        ValueError,
        "rx.unroll: xs has 7 features, but params.W.i was made for in_features=3; …",
    ),
    "time_axis is the features": (
        lambda good: good.unroll(time_axis=-1),
        ValueError,
        "rx.unroll: time_axis=-1 must name an axis of xs before the last, which holds the "
        "features; xs has shape (2, 5, 3).",
    ),
    "time_axis beyond": (
        lambda good: good.unroll(time_axis=3),
        ValueError,
        "rx.unroll: time_axis=3 must name an axis of xs before the last, …",
    ),
    "inputs that differ in time": (
        lambda good: good.unroll(xs=(good.xs, good.xs[:, :3])),
        ValueError,
        "rx.unroll: the arrays of xs differ in time steps: [3, 5].",
    ),
    # --- what is given, and in which order ---
    "lengths in the place of the carry": (
        lambda good: rx.unroll(CELL, good.params, good.xs, good.lengths),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got int64[2]. cell.initial_carry(batch_shape) "
        "makes one.",
    ),
    "params before the cell": (
        lambda good: rx.unroll(good.params, CELL, good.xs),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got LSTMParams.",
    ),
    "xs before params": (
        lambda good: rx.unroll(CELL, good.xs, good.params),
        ValueError,
        "rx.unroll: the arrays of xs differ in time steps: [3, 4].",
    ),
    "the class of a stack": (
        lambda good: rx.unroll(rx.Stack, good.stack_params, good.xs),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got type. Did you mean Stack(...)?",
    ),
    "the class of a Flax cell": (
        lambda good: good.unroll(cell=nn.LSTMCell),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got type.",
    ),
    "a tuple of cells": (
        lambda good: rx.unroll((CELL, GRU), good.stack_params, good.xs),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got tuple.",
    ),
    "a cell that is not frozen in a stack": (
        lambda good: rx.unroll(rx.Stack((CELL, NotFrozen(4))), good.stack_params, good.xs),
        TypeError,
        "rx.unroll: rx.Stack must be hashable: a @dataclass(frozen=True) of sizes and options, …",
    ),
    # --- xs ---
    "xs none": (lambda good: good.unroll(xs=None), ValueError, "rx.unroll: xs has no arrays."),
    "xs a dict for a cell of one array": (
        lambda good: good.unroll(xs={"x": good.xs}),
        TypeError,
        "rx.unroll: xs is dict(x), which rx.LSTM does not take. rx.LSTM.init: in_features must be "
        "the size of one array; got {'x': 3}, …",
    ),
    "xs a tuple for a cell of one array": (
        lambda good: good.stack(xs=(good.xs,)),
        TypeError,
        "rx.unroll: xs is tuple, which rx.Stack does not take. …",
    ),
    "xs without features": (
        lambda good: good.unroll(xs=jnp.ones((2, 5, 0))),
        ValueError,
        "rx.unroll: xs has no features; got shape (2, 0).",
    ),
    "xs complex": (
        lambda good: good.unroll(xs=good.xs.astype(complex)),
        TypeError,
        "rx.unroll: xs must be floating; got complex128. …",
    ),
    "xs boolean": (
        lambda good: good.unroll(xs=good.flags[..., None]),
        TypeError,
        "rx.unroll: xs must be floating; got bool. …",
    ),
    "xs text": (
        lambda good: good.unroll(xs=np.full((2, 5, 3), "a")),
        TypeError,
        "rx.unroll: xs must be floating; got <U1. …",
    ),
    "xs objects": (
        lambda good: good.unroll(xs=np.full((2, 5, 3), None)),
        TypeError,
        "rx.unroll: xs must be floating; got object. …",
    ),
    "xs dates": (
        lambda good: good.unroll(xs=np.zeros((2, 5, 3), "datetime64[s]")),
        TypeError,
        "rx.unroll: xs must be floating; got datetime64[s]. …",
    ),
    "xs random keys": (
        lambda good: good.unroll(xs=jax.random.split(good.key, (2, 5, 3))),
        TypeError,
        "rx.unroll: xs must be floating; got key<fry>. …",
    ),
    "xs masked": (
        lambda good: good.unroll(xs=masked(np.ones((2, 5, 3)))),
        TypeError,
        "rx.unroll: xs is a masked array, whose mask would be lost; pass .data.",
    ),
    "xs of another framework": (
        lambda good: good.unroll(xs=Tensor()),
        TypeError,
        "rx.unroll: xs must be an array; got Tensor.",
    ),
    "xs described": (
        lambda good: good.unroll(xs=jax.ShapeDtypeStruct((2, 5, 3), float)),
        TypeError,
        "rx.unroll: xs must be an array; got ShapeDtypeStruct. Put the call inside jax.eval_shape.",
    ),
    "xs of a dtype that does not promote": (
        lambda good: good.unroll(xs=good.xs.astype(jnp.float8_e4m3fn)),
        ValueError,
        "rx.unroll: params and inputs have the dtypes float64, float8_e4m3fn, which do not promote "
        "to one (see jax_numpy_dtype_promotion). Cast them, or pass dtype.",
    ),
    "xs of another size for a stack": (
        lambda good: good.stack(xs=jnp.ones((2, 5, 7))),
        ValueError,
        "rx.unroll: xs has 7 features, but params[0].W.i was made for in_features=3; expected "
        "(7, 4), got (3, 4). Give xs with 3 features, or make params with init(key, 7).",
    ),
    "xs of another size for two directions": (
        lambda good: good.both(xs=jnp.ones((2, 5, 7))),
        ValueError,
        "rx.unroll: xs has 7 features, but params.forward.W.i was made for in_features=3; …",
    ),
    "xs time-major beside a batch-major carry": (
        lambda good: good.unroll(xs=jnp.ones((5, 2, 3)), carry=good.carry),
        ValueError,
        "rx.unroll: carry.h must have shape (5, 4), …; got (2, 4).",
    ),
    # --- arrays that were donated ---
    "xs deleted": (
        lambda good: good.unroll(xs=deleted(good.xs)),
        ValueError,
        "rx.unroll: xs is an array that has been deleted, float64[2,5,3]. It was donated to a call "
        "of jax.jit, which took its memory; use what that call returned.",
    ),
    "params deleted": (
        lambda good: good.unroll(
            params=good.params._replace(b=good.params.b.replace(o=deleted(good.params.b.o)))
        ),
        ValueError,
        "rx.unroll: params.b.o is an array that has been deleted, float64[4]. …",
    ),
    "carry deleted": (
        lambda good: good.unroll(carry=good.carry._replace(c=deleted(good.carry.c))),
        ValueError,
        "rx.unroll: carry.c is an array that has been deleted, float64[2,4]. …",
    ),
    "lengths deleted": (
        lambda good: good.unroll(lengths=deleted(good.lengths)),
        ValueError,
        "rx.unroll: lengths is an array that has been deleted, int64[2]. …",
    ),
    "mask deleted": (
        lambda good: good.unroll(mask=deleted(good.flags)),
        ValueError,
        "rx.unroll: mask is an array that has been deleted, bool[2,5]. …",
    ),
    "key deleted": (
        lambda good: good.dropping(key=deleted(jax.random.PRNGKey(0))),
        ValueError,
        "rx.unroll: key is an array that has been deleted, uint32[2]. …",
    ),
    "inputs deleted": (
        lambda good: good.ours_linen(deleted(good.xs)),
        ValueError,
        "rx.linen.RNN: inputs is an array that has been deleted, float64[2,5,3]. …",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    """Each bad case differs from one of these in the thing it names."""
    assert_finite(
        good.unroll(),
        good.unroll(carry=good.carry, chunk=8, time_axis=1),
    )
