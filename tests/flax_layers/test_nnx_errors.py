"""Bad input to the nnx layers."""

import flax.linen as nn
import jax.numpy as jnp
import pytest
from flax import nnx

import recurrax as rx
from tests.bad_input import BOTH, CELL, DROPPING, assert_finite, check

pytestmark = pytest.mark.once

TABLE = {
    "nnx: unroll true": (
        lambda good: rx.nnx.RNN(CELL, 3, rngs=nnx.Rngs(0), unroll=True),
        ValueError,
        "rx.nnx.RNN: unroll must be a positive whole number; got True.",
    ),
    "nnx: state_axes a list": (
        lambda good: rx.nnx.RNN(nnx.GRUCell(3, 4, rngs=nnx.Rngs(0)), state_axes=[0]),
        TypeError,
        "rx.nnx.RNN: state_axes must be a dict or nnx.StateAxes; got list.",
    ),
    "nnx: state with entries for steps": (
        lambda good: rx.nnx.RNN(nnx.GRUCell(3, 4, rngs=nnx.Rngs(0)), state_axes={"stats": 0}),
        ValueError,
        "rx.nnx.RNN: state_axes={'stats': 0} asks for state with an entry for each step; … use "
        "flax.nnx.RNN.",
    ),
    "nnx: state_axes with a recurrax cell": (
        lambda good: rx.nnx.RNN(CELL, 3, rngs=nnx.Rngs(0), state_axes={...: nnx.Carry}),
        ValueError,
        "rx.nnx.RNN: state_axes has no meaning with rx.LSTM, which has parameters and no other …",
    ),
    "nnx: broadcast_rngs with a recurrax cell": (
        lambda good: rx.nnx.RNN(DROPPING, 3, rngs=nnx.Rngs(0), broadcast_rngs="dropout"),
        ValueError,
        "rx.nnx.RNN: broadcast_rngs has no meaning with rx.Stack, which has parameters and no …",
    ),
    "nnx: no in_features": (
        lambda good: rx.nnx.RNN(CELL, rngs=nnx.Rngs(0)),
        TypeError,
        "rx.nnx.RNN: a recurrax cell needs in_features and rngs, as in rx.nnx.RNN(cell, 3, "
        "rngs=nnx.Rngs(0)); got in_features=None, rngs=Rngs.",
    ),
    "nnx: no rngs": (
        lambda good: rx.nnx.RNN(CELL, 3),
        TypeError,
        "rx.nnx.RNN: a recurrax cell needs in_features and rngs, …; got in_features=3, "
        "rngs=NoneType.",
    ),
    "nnx: in_features with a Flax cell": (
        lambda good: rx.nnx.RNN(nnx.GRUCell(3, 4, rngs=nnx.Rngs(0)), 3),
        TypeError,
        "rx.nnx.RNN: in_features is fixed by the Flax cell already; leave it out.",
    ),
    "nnx: a cell of linen": (
        lambda good: rx.nnx.RNN(nn.LSTMCell(4)),
        TypeError,
        "rx.nnx.RNN: cell must be a recurrax cell or a flax.nnx.RNNCellBase; got LSTMCell.",
    ),
    "nnx: another feature size": (
        lambda good: good.ours_nnx(jnp.ones((2, 5, 7))),
        ValueError,
        "rx.nnx.RNN: inputs has 7 features, but params.W.i was made for in_features=3; …",
    ),
    "nnx: carry_init": (
        lambda good: rx.nnx.Cell(CELL, 3, rngs=nnx.Rngs(0)).initialize_carry(
            (2, 3), carry_init=nn.initializers.ones
        ),
        ValueError,
        "rx.nnx.Cell: carry_init must be None; a recurrax cell defines its initial carry. …",
    ),
    # --- flags and names ---
    "order of processing of a layer in two directions": (
        lambda good: good.ours_nnx(cell=BOTH, reverse=True),
        ValueError,
        "rx.nnx.RNN: the outputs of rx.Bidirectional, which runs in both directions, have no …",
    ),
    "nnx: a class": (
        lambda good: rx.nnx.RNN(rx.GRU, 3, rngs=nnx.Rngs(0)),
        TypeError,
        "rx.nnx.RNN: cell must be a recurrax cell or a flax.nnx.RNNCellBase; got type. Did you "
        "mean GRU(features)?",
    ),
    "nnx: a key in the place of rngs": (
        lambda good: rx.nnx.RNN(CELL, 3, rngs=good.key),
        TypeError,
        "rx.nnx.RNN: a recurrax cell needs in_features and rngs, …, rngs=key<fry>[].",
    ),
    "nnx: a shape in the place of in_features": (
        lambda good: rx.nnx.RNN(CELL, good.xs.shape, rngs=nnx.Rngs(0)),
        TypeError,
        "rx.LSTM.init: in_features must be the size of one array; got (2, 5, 3), with which it …",
    ),
    "nnx: Cell of a class": (
        lambda good: rx.nnx.Cell(rx.LSTM, 3, rngs=nnx.Rngs(0)),
        TypeError,
        "rx.nnx.Cell: cell must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "nnx: Cell with a key": (
        lambda good: rx.nnx.Cell(CELL, 3, rngs=good.key),
        TypeError,
        "rx.nnx.Cell: rngs must be nnx.Rngs, as in nnx.Rngs(0); got key<fry>[].",
    ),
    "nnx: pad unknown": (
        lambda good: rx.nnx.RNN(CELL, 3, rngs=nnx.Rngs(0), pad="edge")(good.xs),
        ValueError,
        "rx.nnx.RNN: pad must be 'zero' or 'hold'; got 'edge'.",
    ),
    "nnx: param_dtype integer": (
        lambda good: rx.nnx.RNN(CELL, 3, rngs=nnx.Rngs(0), param_dtype=int),
        TypeError,
        "rx.nnx.RNN: param_dtype must be a floating dtype; got int64.",
    ),
    "nnx: carry_dtype with a Flax cell": (
        lambda good: rx.nnx.RNN(nnx.GRUCell(3, 4, rngs=nnx.Rngs(0)), carry_dtype="float32"),
        ValueError,
        "rx.nnx.RNN: carry_dtype is for recurrax cells; a Flax cell has its own, …",
    ),
    "nnx: partitioning by a name": (
        lambda good: rx.nnx.RNN(CELL, 3, rngs=nnx.Rngs(0), partitioning={"b": "model"}),
        TypeError,
        "rx.nnx.RNN: partitioning['b'] must be a tuple of names of mesh axes; got 'model'.",
    ),
    "nnx: deterministic with a Flax cell": (
        lambda good: good.flax_nnx(deterministic=False),
        ValueError,
        "rx.nnx.RNN: deterministic is for recurrax cells; a Flax cell has its own attributes.",
    ),
    "nnx: deterministic left open": (
        lambda good: good.ours_nnx(cell=DROPPING, rngs=nnx.Rngs(0)),
        ValueError,
        "rx.nnx.RNN: rx.Stack draws random numbers in training, so deterministic is required; …",
    ),
    "nnx: deterministic text": (
        lambda good: good.ours_nnx(cell=DROPPING, deterministic="no"),
        TypeError,
        "rx.nnx.RNN: deterministic must be True or False; got str.",
    ),
    "nnx: training without rngs": (
        lambda good: good.ours_nnx(cell=DROPPING, deterministic=False),
        ValueError,
        "rx.nnx.RNN: deterministic=False needs rngs in the call, as in "
        "layer(xs, rngs=nnx.Rngs(dropout=0)); got NoneType.",
    ),
    "nnx: training with a key": (
        lambda good: good.ours_nnx(cell=DROPPING, deterministic=False, rngs=good.key),
        ValueError,
        "rx.nnx.RNN: deterministic=False needs rngs in the call, …; got key<fry>[].",
    ),
    "nnx: training without the stream": (
        lambda good: good.ours_nnx(cell=DROPPING, deterministic=False, rngs=nnx.Rngs(params=0)),
        ValueError,
        "rx.nnx.RNN: deterministic=False needs rngs in the call, …; got no stream 'dropout'.",
    ),
    "nnx: an initial carry of Flax": (
        lambda good: good.ours_nnx(initial_carry=(good.carry.c, good.carry.h)),
        TypeError,
        "rx.nnx.RNN: initial_carry must be LSTMCarry(h, c); got tuple. …",
    ),
    "nnx: an initial carry that would broadcast": (
        lambda good: good.ours_nnx(initial_carry=CELL.initial_carry((1,))),
        ValueError,
        "rx.nnx.RNN: initial_carry.h must have shape (2, 4), …; got (1, 4).",
    ),
    "nnx: another size for a Flax cell": (
        lambda good: good.flax_nnx(jnp.ones((2, 5, 7))),
        TypeError,
        "rx.nnx.RNN: the Flax cell does not take a step of inputs, float64[2,7], with the carry …",
    ),
    "nnx: a carry for a Flax cell of another batch": (
        lambda good: good.flax_nnx(initial_carry=(jnp.ones((3, 4)),) * 2),
        TypeError,
        "rx.nnx.RNN: the Flax cell does not take a step of inputs, float64[2,3], with the carry "
        "('float64[3,4]', 'float64[3,4]'): …",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    """Each bad case differs from one of these in the thing it names."""
    flax_carry = (jnp.ones((2, 4)),) * 2
    assert_finite(
        good.ours_nnx(),
        good.flax_nnx(resets=good.flags, reset_carry=flax_carry),
        good.ours_nnx(cell=DROPPING, deterministic=False, rngs=nnx.Rngs(0)),
    )
