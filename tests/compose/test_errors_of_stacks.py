"""Stacks that do not fit together, and bad parameters of cells made of cells."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

import recurrax as rx
from tests.bad_input import (
    BOTH,
    BOTH_STACK,
    CELL,
    DROPPING,
    LEARNED,
    NORMED,
    STACK,
    TWO,
    Faulty,
    Unsized,
    check,
)

pytestmark = pytest.mark.once

TABLE = {
    # --- parameters of cells made of cells ---
    "params of one layer for a stack": (
        lambda good: good.stack(params=good.params),
        TypeError,
        "rx.unroll: params must be tuple(LSTMParams, GateParams); got LSTMParams. Use cell.init, "
        "or rx.params_from_dict for nested dicts.",
    ),
    "params of a stack with too few layers": (
        lambda good: good.stack(params=good.stack_params[:1]),
        TypeError,
        "rx.unroll: params must be tuple(LSTMParams, GateParams); got tuple(LSTMParams). …",
    ),
    "params of a stack in another order": (
        lambda good: good.stack(params=good.stack_params[::-1]),
        TypeError,
        "rx.unroll: params[0] must be LSTMParams(W, U, b, P, V); got GateParams.",
    ),
    "params of a layer made for another size": (
        lambda good: good.stack(params=(good.params, good.gru_params)),
        ValueError,
        "rx.unroll: params[1].W.r was made for in_features=3, but sees 4 features there; expected "
        "(4, 4), got (3, 4). Make params with cell.init of the whole.",
    ),
    "params of dropout": (
        lambda good: rx.unroll(DROPPING, (good.dropping_params[0], ()), good.xs),
        ValueError,
        "rx.unroll: params[1] must be None for this cell; got tuple.",
    ),
    "params of one direction": (
        lambda good: good.both(params=good.params),
        TypeError,
        "rx.unroll: params must be BidirectionalParams(forward, backward); got LSTMParams. …",
    ),
    "params without a learned carry": (
        lambda good: rx.unroll(LEARNED, good.params, good.xs),
        TypeError,
        "rx.unroll: params must be LearnedCarryParams(cell, carry); got LSTMParams. …",
    ),
    "a learned carry of all rows": (
        lambda good: rx.unroll(
            LEARNED, LEARNED.init(good.key, 3)._replace(carry=good.carry), good.xs
        ),
        ValueError,
        "rx.unroll: params.carry.h must have shape (4,); got (2, 4).",
    ),
    "a start from params without a learned carry": (
        lambda good: LEARNED.initial_carry_from(good.params, (2,)),
        TypeError,
        "rx.LearnedCarry: params must be LearnedCarryParams(cell, carry); got LSTMParams.",
    ),
    "a start of a stack from params of one layer": (
        lambda good: STACK.initial_carry_from(good.params, (2,)),
        TypeError,
        "rx.Stack: params must be a tuple of 2, one for each cell; got LSTMParams.",
    ),
    "gains missing": (
        lambda good: rx.unroll(NORMED, good.normed_params._replace(gain={}), good.xs),
        ValueError,
        "rx.unroll: params.gain: expected U; missing U.",
    ),
    "gains of another size": (
        lambda good: rx.unroll(
            NORMED,
            good.normed_params._replace(
                gain=jax.tree.map(lambda a: a[:1], good.normed_params.gain)
            ),
            good.xs,
        ),
        ValueError,
        "rx.unroll: params.gain['U'].i must have shape (4,); got (1,).",
    ),
    "a user's parameters with one too many": (
        lambda good: rx.unroll(Faulty(), {"K": jnp.ones((3, 4)), "Z": good.x}, good.xs),
        ValueError,
        "rx.unroll: params: expected K; unexpected Z.",
    ),
    # --- Stack ---
    "stack empty": (
        lambda good: rx.Stack(()),
        TypeError,
        "rx.Stack: cells must be a tuple of cells, at least one; got ().",
    ),
    "stack of cells side by side": (
        lambda good: rx.Stack(rx.Dropout(0.5), rx.Dropout(0.5)),
        TypeError,
        "Stack.__init__() takes 2 positional arguments but 3 were given",
    ),
    "stack with a class": (
        lambda good: rx.Stack((CELL, rx.GRU)),
        TypeError,
        "rx.Stack: cells[1] must be a recurrax cell; got type. Did you mean GRU(features)?",
    ),
    "stack with none": (
        lambda good: rx.Stack((CELL, None)),
        TypeError,
        "rx.Stack: cells[1] must be a recurrax cell; got NoneType.",
    ),
    "stack with a Flax cell": (
        lambda good: rx.Stack((nn.LSTMCell(4),)),
        TypeError,
        "rx.Stack: cells[0] must be a recurrax cell; got LSTMCell.",
    ),
    "stack in a stack without Stack": (
        lambda good: rx.Stack((CELL, (CELL, CELL))),
        TypeError,
        "rx.Stack: cells[1] must be a recurrax cell; got tuple.",
    ),
    "skip unknown": (
        lambda good: rx.Stack((CELL,), skip="all"),
        ValueError,
        "rx.Stack: skip must be None or 'dense'; got 'all'.",
    ),
    "skip true": (
        lambda good: rx.Stack((CELL,), skip=True),
        ValueError,
        "rx.Stack: skip must be None or 'dense'; got True.",
    ),
    "skip around two outputs": (
        lambda good: rx.Stack((CELL, TWO), skip="dense").init(good.key, 3),
        ValueError,
        "rx.Stack: skip='dense' concatenates the outputs of all cells, but cells[1], "
        "rx.Bidirectional, puts out several, of sizes (4, 4).",
    ),
    "two outputs into a cell of one input": (
        lambda good: rx.Stack((TWO, CELL)).init(good.key, 3),
        TypeError,
        "rx.LSTM.init: in_features must be the size of one array; got (4, 4), with which it …",
    ),
    "step of a stack in two directions": (
        lambda good: BOTH_STACK.step(
            BOTH_STACK.init(good.key, 3), BOTH_STACK.initial_carry((2,)), good.x
        ),
        AttributeError,
        "rx.Stack has no step: it runs in both directions, which needs the whole sequence; use "
        "rx.unroll.",
    ),
    "step in two directions": (
        lambda good: BOTH.step(good.both_params, good.both_carry, good.x),
        AttributeError,
        "rx.Bidirectional has no step: it runs in both directions, which needs the whole sequence; "
        "use rx.unroll.",
    ),
    "a part that does not say its size": (
        lambda good: rx.Stack((Unsized(), CELL)).init(good.key, 3),
        NotImplementedError,
        "Unsized does not define out_features, the size of its output.",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])
