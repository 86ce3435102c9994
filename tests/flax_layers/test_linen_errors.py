"""Bad input to the linen layers."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import recurrax as rx
from tests.bad_input import BOTH, CELL, DROPPING, GRU, assert_finite, check

pytestmark = pytest.mark.once

TABLE = {
    "linen: unroll zero": (
        lambda good: rx.linen.RNN(CELL, unroll=0),
        ValueError,
        "rx.linen.RNN: unroll must be a positive whole number; got 0.",
    ),
    "linen: variable_axes a list": (
        lambda good: rx.linen.RNN(CELL, variable_axes=["params"]),
        TypeError,
        "rx.linen.RNN: variable_axes must be a dict; got list.",
    ),
    "linen: a collection with entries for steps": (
        lambda good: rx.linen.RNN(nn.GRUCell(4), variable_axes={"intermediates": 0}),
        ValueError,
        "rx.linen.RNN: variable_axes={'intermediates': 0} asks for a collection with an entry for "
        "each step; … use flax.linen.RNN.",
    ),
    "linen: parameters that are not broadcast": (
        lambda good: rx.linen.RNN(nn.GRUCell(4), variable_broadcast="stats"),
        ValueError,
        "rx.linen.RNN: the parameters must be in variable_broadcast and not in variable_carry, …",
    ),
    "linen: parameters that are carried": (
        lambda good: rx.linen.RNN(nn.GRUCell(4), variable_carry=True),
        ValueError,
        "rx.linen.RNN: the parameters must be in variable_broadcast and not in variable_carry, …",
    ),
    "linen: other parameters at every step": (
        lambda good: rx.linen.RNN(nn.GRUCell(4), split_rngs={"params": True}),
        ValueError,
        "rx.linen.RNN: split_rngs={'params': True} would draw other parameters at every step; …",
    ),
    "linen: variable_carry with a recurrax cell": (
        lambda good: rx.linen.RNN(CELL, variable_carry="stats"),
        ValueError,
        "rx.linen.RNN: variable_carry='stats' has no meaning with rx.LSTM, which has parameters …",
    ),
    "linen: split_rngs with a recurrax cell": (
        lambda good: rx.linen.RNN(DROPPING, split_rngs={"params": False, "dropout": True}),
        ValueError,
        "rx.linen.RNN: split_rngs names 'dropout', but rx.Stack decides by its own options what …",
    ),
    "method unknown to a layer": (
        lambda good: rx.linen.RNN(rx.LSTM(4), method="fast").init(good.key, good.xs),
        ValueError,
        "rx.linen.RNN: method must be one of auto, scan, chunked, …; got 'fast'.",
    ),
    "linen: not a cell": (
        lambda good: rx.linen.RNN("lstm"),
        TypeError,
        "rx.linen.RNN: cell must be a recurrax cell or a flax.linen.RNNCellBase; got str.",
    ),
    "linen: a cell of nnx": (
        lambda good: rx.linen.RNN(nnx.LSTMCell(3, 4, rngs=nnx.Rngs(0))),
        TypeError,
        "rx.linen.RNN: cell must be a recurrax cell or a flax.linen.RNNCellBase; got LSTMCell.",
    ),
    "linen: another feature size": (
        lambda good: good.ours_linen(xs=jnp.ones((2, 5, 7))),
        ValueError,
        "rx.linen.RNN: inputs has 7 features, but params.W.i was made for in_features=3; …",
    ),
    "linen: names missing": (
        lambda good: good.ours_linen(variables={"params": {"cell": {"W": {}}}}),
        ValueError,
        "rx.linen.RNN: params.cell: expected W, U, b; missing U, b.",
    ),
    "linen: no parameters": (
        lambda good: good.ours_linen(variables={}),
        ValueError,
        "rx.linen.RNN: params.cell: expected W, U, b; missing W, U, b.",
    ),
    "linen: a gate too many": (
        lambda good: good.ours_linen(
            variables=good.tree(b={**good.variables["params"]["cell"]["b"], "hn": jnp.ones(4)})
        ),
        ValueError,
        "rx.linen.RNN: params.cell.b: expected i, f, g, o; unexpected hn.",
    ),
    "linen: an initial carry of Flax": (
        lambda good: good.ours_linen(initial_carry=(good.carry.c, good.carry.h)),
        TypeError,
        "rx.linen.RNN: initial_carry must be LSTMCarry(h, c); got tuple. …",
    ),
    "linen: inputs without time": (
        lambda good: good.ours_linen(xs=jnp.ones(3)),
        ValueError,
        "rx.linen.RNN: inputs must have a time and a feature axis, …",
    ),
    "linen: integer inputs": (
        lambda good: good.ours_linen(xs=jnp.ones((2, 5, 3), int)),
        TypeError,
        "rx.linen.RNN: inputs must be floating; got int64. …",
    ),
    "linen: a flag of another type": (
        lambda good: good.ours_linen(reverse="yes"),
        TypeError,
        "rx.linen.RNN: reverse must be True or False; got str.",
    ),
    "linen: a class": (
        lambda good: rx.linen.RNN(rx.LSTM),
        TypeError,
        "rx.linen.RNN: cell must be a recurrax cell or a flax.linen.RNNCellBase; got type. Did you "
        "mean LSTM(features)?",
    ),
    "linen: the class of a Flax cell": (
        lambda good: rx.linen.RNN(nn.GRUCell),
        TypeError,
        "rx.linen.RNN: cell must be …; got type. Did you mean GRUCell(features)?",
    ),
    "linen: a tuple of cells": (
        lambda good: rx.linen.RNN((CELL, GRU)),
        TypeError,
        "rx.linen.RNN: cell must be a recurrax cell or a flax.linen.RNNCellBase; got tuple.",
    ),
    "linen: Cell of a class": (
        lambda good: rx.linen.Cell(rx.LSTM),
        TypeError,
        "rx.linen.Cell: cell must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "linen: Cell in two directions": (
        lambda good: rx.linen.Cell(BOTH).init(good.key, good.both_carry, good.x),
        AttributeError,
        "rx.Bidirectional has no step: it runs in both directions, which needs the whole …",
    ),
    "linen: pad unknown": (
        lambda good: rx.linen.RNN(CELL, pad="edge").init(good.key, good.xs),
        ValueError,
        "rx.linen.RNN: pad must be 'zero' or 'hold'; got 'edge'.",
    ),
    "linen: lengths by recurrax's name": (
        lambda good: good.ours_linen(lengths=good.lengths),
        TypeError,
        "…unexpected keyword argument 'lengths'…",
    ),
    "linen: dtype unknown": (
        lambda good: rx.linen.RNN(CELL, dtype="bf16").init(good.key, good.xs),
        TypeError,
        "rx.linen.RNN: dtype must be a floating dtype such as 'bfloat16'; got 'bf16'.",
    ),
    "linen: param_dtype unknown": (
        lambda good: rx.linen.RNN(CELL, param_dtype="floaty"),
        TypeError,
        "rx.linen.RNN: param_dtype must be a floating dtype such as 'bfloat16'; got 'floaty'.",
    ),
    "linen: carry_dtype of an unknown field": (
        lambda good: rx.linen.RNN(CELL, carry_dtype={"z": "float32"}).init(good.key, good.xs),
        ValueError,
        "rx.linen.RNN: carry_dtype names 'z'; the carry of rx.LSTM has c, h.",
    ),
    "linen: dtype with a Flax cell": (
        lambda good: rx.linen.RNN(nn.LSTMCell(4), dtype="bfloat16"),
        ValueError,
        "rx.linen.RNN: dtype is for recurrax cells; a Flax cell has its own, as in "
        "nn.LSTMCell(64, dtype=jnp.bfloat16).",
    ),
    "linen: param_dtype with a Flax cell": (
        lambda good: rx.linen.RNN(nn.LSTMCell(4), param_dtype=jnp.float64),
        ValueError,
        "rx.linen.RNN: param_dtype is for recurrax cells; a Flax cell has its own, …",
    ),
    "linen: deterministic with a Flax cell": (
        lambda good: good.flax_linen(deterministic=True),
        ValueError,
        "rx.linen.RNN: deterministic is for recurrax cells; a Flax cell has its own attributes.",
    ),
    "linen: deterministic left open": (
        lambda good: good.dropping_linen(rngs={"dropout": good.key}),
        ValueError,
        "rx.linen.RNN: rx.Stack draws random numbers in training, so deterministic is required; "
        "pass True or False, in the call or as an attribute.",
    ),
    "linen: deterministic left open in init": (
        lambda good: good.dropping_layer.init(good.key, good.xs),
        ValueError,
        "rx.linen.RNN: rx.Stack draws random numbers in training, so deterministic is required; …",
    ),
    "linen: deterministic a number": (
        lambda good: good.dropping_linen(deterministic=0),
        TypeError,
        "rx.linen.RNN: deterministic must be True or False; got int.",
    ),
    "linen: training without a key": (
        lambda good: good.dropping_linen(deterministic=False),
        ValueError,
        "rx.linen.RNN: deterministic=False needs a random key in the call, as in "
        "layer.apply(variables, xs, rngs={'dropout': key}).",
    ),
    "linen: an array for a group": (
        lambda good: good.ours_linen(variables=good.tree(W=good.xs)),
        ValueError,
        "rx.linen.RNN: params.cell.W: expected a dict with i, f, g, o; got float64[2,5,3].",
    ),
    "linen: kernels transposed": (
        lambda good: good.ours_linen(variables=jax.tree.map(lambda a: a.T, good.variables)),
        ValueError,
        "rx.linen.RNN: params.W.i must have shape (3, 4); got (4, 3). It looks transposed: …",
    ),
    "linen: text": (
        lambda good: good.ours_linen(np.full((2, 5, 3), "a")),
        TypeError,
        "rx.linen.RNN: inputs must be floating; got <U1. …",
    ),
    "linen: text for a Flax cell": (
        lambda good: good.flax_linen(np.full((2, 5, 3), "a")),
        TypeError,
        "rx.linen.RNN: inputs must be floating; got <U1. …",
    ),
    "linen: another size for a Flax cell": (
        lambda good: good.flax_linen(jnp.ones((2, 5, 7))),
        ValueError,
        "rx.linen.RNN: the Flax cell does not take a step of inputs, float64[2,7], with the carry "
        "('float64[2,4]', 'float64[2,4]'): …",
    ),
    "linen: a carry for a Flax cell that would broadcast": (
        lambda good: good.flax_linen(initial_carry=(jnp.ones((1, 4)),) * 2),
        TypeError,
        "rx.linen.RNN: carry[0] is float64[1,4], but the Flax cell returns it as float64[2,4]; a "
        "step must keep the shape of its carry.",
    ),
    "linen: a reset_carry for a Flax cell with a part missing": (
        lambda good: good.flax_linen(resets=good.flags, reset_carry=(jnp.ones((2, 4)),)),
        TypeError,
        "rx.linen.RNN: reset_carry must be tuple(float64[2,4], float64[2,4]); got "
        "tuple(float64[2,4]). cell.initialize_carry makes one.",
    ),
    "linen: a reset_carry for a Flax cell that would broadcast": (
        lambda good: good.flax_linen(resets=good.flags, reset_carry=(jnp.ones((1, 4)),) * 2),
        ValueError,
        "rx.linen.RNN: reset_carry[0] must have shape (2, 4), …; got (1, 4).",
    ),
    "linen: partitioning a list": (
        lambda good: rx.linen.RNN(CELL, partitioning=[None, "model"]).init(good.key, good.xs),
        TypeError,
        "rx.linen.RNN: partitioning must be a dict such as {'U': (None, 'model')}; got …",
    ),
    "linen: partitioning of an unknown group": (
        lambda good: rx.linen.RNN(CELL, partitioning={"Q": (None, "model")}).init(
            good.key, good.xs
        ),
        ValueError,
        "rx.linen.RNN: partitioning names 'Q'; the parameters have U, W, b, f, g, i, o.",
    ),
    "linen: partitioning of too few axes": (
        lambda good: rx.linen.RNN(CELL, partitioning={"U": ("model",)}).init(good.key, good.xs),
        ValueError,
        "rx.linen.RNN: partitioning names 1 axes, ('model',), for an array of shape (4, 4).",
    ),
    "linen: partitioning of a Flax cell": (
        lambda good: rx.linen.RNN(nn.LSTMCell(4), partitioning={"kernel": (None, "model")}),
        ValueError,
        "rx.linen.RNN: partitioning is for recurrax cells; a Flax cell has its own, …",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    """Each bad case differs from one of these in the thing it names."""
    flax_carry = (jnp.ones((2, 4)),) * 2
    assert_finite(
        good.ours_linen(),
        good.dropping_linen(deterministic=False, rngs={"dropout": good.key}),
        rx.linen.RNN(CELL, carry_dtype={"c": "float32"}, dtype="float32").init(good.key, good.xs),
        good.flax_linen(resets=good.flags, reset_carry=flax_carry),
        good.flax_linen(
            resets=good.flags, reset_carry=(jnp.ones(4),) * 2, initial_carry=flax_carry
        ),
    )
