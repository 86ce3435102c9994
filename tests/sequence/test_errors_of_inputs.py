"""Bad cells and bad input sequences."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.bad_input import (
    CARRY,
    CELL,
    FLAGS,
    GRU,
    KEY,
    LENGTHS,
    PARAMS,
    STACK_PARAMS,
    XS,
    NotFrozen,
    both,
    check,
    deleted,
    dropping,
    masked,
    ours_linen,
    stack,
    unroll,
)

pytestmark = pytest.mark.once


class Tensor:
    """Another framework's."""

    shape = (2, 5, 3)
    ndim = 3
    dtype = "theirs"


TABLE = {
    "the cell's class": (
        lambda: unroll(cell=rx.LSTM),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "a cell of Flax": (
        lambda: unroll(cell=nn.LSTMCell(4)),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got LSTMCell.",
    ),
    "a cell that is not frozen": (
        lambda: unroll(cell=NotFrozen(4)),
        TypeError,
        "rx.unroll: NotFrozen must be hashable: a @dataclass(frozen=True) of sizes and options, …",
    ),
    "xs without time": (
        lambda: unroll(xs=jnp.ones(3)),
        ValueError,
        "rx.unroll: xs must have a time and a feature axis, (*batch, time, in_features); got "
        "shape (3,).",
    ),
    "xs a scalar": (
        lambda: unroll(xs=jnp.ones(())),
        ValueError,
        "rx.unroll: xs must have a time and a feature axis, …; got shape ().",
    ),
    "xs ragged": (
        lambda: unroll(xs=[[1.0], [1.0, 2.0]]),
        TypeError,
        "rx.unroll: xs must be an array; got float.",
    ),
    "xs integer": (
        lambda: unroll(xs=jnp.ones((2, 5, 3), jnp.int32)),
        TypeError,
        "rx.unroll: xs must be floating; got int32. Convert it, for instance with "
        "xs.astype(jnp.float32).",
    ),
    "xs of another feature size": (
        lambda: unroll(xs=jnp.ones((2, 5, 7))),
        ValueError,
        "rx.unroll: xs has 7 features, but params.W.i was made for in_features=3; …",
    ),
    "time_axis is the features": (
        lambda: unroll(time_axis=-1),
        ValueError,
        "rx.unroll: time_axis=-1 must name an axis of xs before the last, which holds the "
        "features; xs has shape (2, 5, 3).",
    ),
    "time_axis beyond": (
        lambda: unroll(time_axis=3),
        ValueError,
        "rx.unroll: time_axis=3 must name an axis of xs before the last, …",
    ),
    "inputs that differ in time": (
        lambda: unroll(xs=(XS, XS[:, :3])),
        ValueError,
        "rx.unroll: the arrays of xs differ in time steps: [3, 5].",
    ),
    # --- what is given, and in which order ---
    "lengths in the place of the carry": (
        lambda: rx.unroll(CELL, PARAMS, XS, LENGTHS),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got int64[2]. cell.initial_carry(batch_shape) "
        "makes one.",
    ),
    "params before the cell": (
        lambda: rx.unroll(PARAMS, CELL, XS),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got LSTMParams.",
    ),
    "xs before params": (
        lambda: rx.unroll(CELL, XS, PARAMS),
        ValueError,
        "rx.unroll: xs must have a time and a feature axis, …; got shape (4,).",
    ),
    "the class of a stack": (
        lambda: rx.unroll(rx.Stack, STACK_PARAMS, XS),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got type. Did you mean Stack(...)?",
    ),
    "the class of a Flax cell": (
        lambda: unroll(cell=nn.LSTMCell),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got type.",
    ),
    "a tuple of cells": (
        lambda: rx.unroll((CELL, GRU), STACK_PARAMS, XS),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got tuple.",
    ),
    "a cell that is not frozen in a stack": (
        lambda: rx.unroll(rx.Stack((CELL, NotFrozen(4))), STACK_PARAMS, XS),
        TypeError,
        "rx.unroll: rx.Stack must be hashable: a @dataclass(frozen=True) of sizes and options, …",
    ),
    # --- xs ---
    "xs none": (lambda: unroll(xs=None), ValueError, "rx.unroll: xs has no arrays."),
    "xs a dict for a cell of one array": (
        lambda: unroll(xs={"x": XS}),
        TypeError,
        "rx.unroll: xs is dict(x), which rx.LSTM does not take. rx.LSTM.init: in_features must be "
        "the size of one array; got {'x': 3}, …",
    ),
    "xs a tuple for a cell of one array": (
        lambda: stack(xs=(XS,)),
        TypeError,
        "rx.unroll: xs is tuple, which rx.Stack does not take. …",
    ),
    "xs without features": (
        lambda: unroll(xs=jnp.ones((2, 5, 0))),
        ValueError,
        "rx.unroll: xs has no features; got shape (2, 0).",
    ),
    "xs complex": (
        lambda: unroll(xs=XS.astype(complex)),
        TypeError,
        "rx.unroll: xs must be floating; got complex128. …",
    ),
    "xs boolean": (
        lambda: unroll(xs=FLAGS[..., None]),
        TypeError,
        "rx.unroll: xs must be floating; got bool. …",
    ),
    "xs text": (
        lambda: unroll(xs=np.full((2, 5, 3), "a")),
        TypeError,
        "rx.unroll: xs must be floating; got <U1. …",
    ),
    "xs objects": (
        lambda: unroll(xs=np.full((2, 5, 3), None)),
        TypeError,
        "rx.unroll: xs must be floating; got object. …",
    ),
    "xs dates": (
        lambda: unroll(xs=np.zeros((2, 5, 3), "datetime64[s]")),
        TypeError,
        "rx.unroll: xs must be floating; got datetime64[s]. …",
    ),
    "xs random keys": (
        lambda: unroll(xs=jax.random.split(KEY, (2, 5, 3))),
        TypeError,
        "rx.unroll: xs must be floating; got key<fry>. …",
    ),
    "xs masked": (
        lambda: unroll(xs=masked(np.ones((2, 5, 3)))),
        TypeError,
        "rx.unroll: xs is a masked array, whose mask would be lost; pass .data.",
    ),
    "xs of another framework": (
        lambda: unroll(xs=Tensor()),
        TypeError,
        "rx.unroll: xs must be an array; got Tensor.",
    ),
    "xs described": (
        lambda: unroll(xs=jax.ShapeDtypeStruct((2, 5, 3), float)),
        TypeError,
        "rx.unroll: xs must be an array; got ShapeDtypeStruct. Put the call inside jax.eval_shape.",
    ),
    "xs of a dtype that does not promote": (
        lambda: unroll(xs=XS.astype(jnp.float8_e4m3fn)),
        ValueError,
        "rx.unroll: params and inputs have the dtypes float64, float8_e4m3fn, which do not promote "
        "to one (see jax_numpy_dtype_promotion). Cast them, or say dtype=.",
    ),
    "xs of another size for a stack": (
        lambda: stack(xs=jnp.ones((2, 5, 7))),
        ValueError,
        "rx.unroll: xs has 7 features, but params[0].W.i was made for in_features=3; expected "
        "(7, 4), got (3, 4). Give xs with 3 features, or make params with init(key, 7).",
    ),
    "xs of another size for two directions": (
        lambda: both(xs=jnp.ones((2, 5, 7))),
        ValueError,
        "rx.unroll: xs has 7 features, but params.forward.W.i was made for in_features=3; …",
    ),
    "xs time-major beside a batch-major carry": (
        lambda: unroll(xs=jnp.ones((5, 2, 3)), carry=CARRY),
        ValueError,
        "rx.unroll: carry.h must have shape (5, 4), …; got (2, 4).",
    ),
    # --- arrays that were donated ---
    "xs deleted": (
        lambda: unroll(xs=deleted(XS)),
        ValueError,
        "rx.unroll: xs is an array that has been deleted, float64[2,5,3]. It was donated to a call "
        "of jax.jit, which took its memory; use what that call returned.",
    ),
    "params deleted": (
        lambda: unroll(params=PARAMS._replace(b=PARAMS.b.replace(o=deleted(PARAMS.b.o)))),
        ValueError,
        "rx.unroll: params.b.o is an array that has been deleted, float64[4]. …",
    ),
    "carry deleted": (
        lambda: unroll(carry=CARRY._replace(c=deleted(CARRY.c))),
        ValueError,
        "rx.unroll: carry.c is an array that has been deleted, float64[2,4]. …",
    ),
    "lengths deleted": (
        lambda: unroll(lengths=deleted(LENGTHS)),
        ValueError,
        "rx.unroll: lengths is an array that has been deleted, int64[2]. …",
    ),
    "mask deleted": (
        lambda: unroll(mask=deleted(FLAGS)),
        ValueError,
        "rx.unroll: mask is an array that has been deleted, bool[2,5]. …",
    ),
    "key deleted": (
        lambda: dropping(key=deleted(jax.random.PRNGKey(0))),
        ValueError,
        "rx.unroll: key is an array that has been deleted, uint32[2]. …",
    ),
    "inputs deleted": (
        lambda: ours_linen(deleted(XS)),
        ValueError,
        "rx.linen.RNN: inputs is an array that has been deleted, float64[2,5,3]. …",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name):
    check(*TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted():
    """Each bad case differs from one of these in the thing it names."""
    for result in (
        unroll(),
        unroll(carry=CARRY, chunk=8, time_axis=1),
    ):
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(result))
