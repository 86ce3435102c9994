"""Bad options of two directions, residual connections, and dropout of all kinds."""

from dataclasses import replace

import jax
import numpy as np
import pytest

import recurrax as rx
from tests.bad_input import BOTH, CELL, STACK, TWO, check

pytestmark = pytest.mark.once

TABLE = {
    # --- Bidirectional, Residual ---
    "merge unknown": (
        lambda good: rx.Bidirectional(CELL, merge="ave"),
        ValueError,
        "rx.Bidirectional: merge must be 'concat' or 'sum' or 'mul' or 'mean' or None; got 'ave'.",
    ),
    "merge false": (
        lambda good: rx.Bidirectional(CELL, merge=False),
        ValueError,
        "rx.Bidirectional: merge must be …; got False.",
    ),
    "merge in the place of the way back": (
        lambda good: rx.Bidirectional(CELL, "sum"),
        TypeError,
        "rx.Bidirectional: backward must be a recurrax cell; got str.",
    ),
    "two directions of a class": (
        lambda good: rx.Bidirectional(rx.LSTM),
        TypeError,
        "rx.Bidirectional: forward must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "sum of unequal sizes": (
        lambda good: rx.Bidirectional(CELL, rx.LSTM(5), merge="sum"),
        ValueError,
        "rx.Bidirectional: merge='sum' needs outputs of one size; forward has 4 features and "
        "backward 5.",
    ),
    "product of unequal sizes": (
        lambda good: rx.Bidirectional(CELL, rx.GRU(5), merge="mul"),
        ValueError,
        "rx.Bidirectional: merge='mul' needs outputs of one size; …",
    ),
    "sum of pairs": (
        lambda good: rx.Bidirectional(TWO, merge="sum"),
        ValueError,
        "rx.Bidirectional: merge='sum' needs one output from each direction; they put out (4, 4) "
        "and (4, 4). Use merge=None outside, or another merge inside.",
    ),
    "residual of a class": (
        lambda good: rx.Residual(rx.LSTM),
        TypeError,
        "rx.Residual: cell must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "residual of a function": (
        lambda good: rx.Residual(len),
        TypeError,
        "rx.Residual: cell must be a recurrax cell; got builtin_function_or_method.",
    ),
    "residual of unequal sizes": (
        lambda good: rx.Residual(CELL).init(good.key, 3),
        ValueError,
        "rx.Residual: rx.LSTM must put out as many features as it takes, because x is added to "
        "them; it takes 3 and puts out 4.",
    ),
    "residual of unequal sizes in a stack": (
        lambda good: rx.Stack((CELL, rx.Residual(rx.LSTM(5)))).init(good.key, 3),
        ValueError,
        "rx.Residual: rx.LSTM must put out …; it takes 4 and puts out 5.",
    ),
    "residual of two outputs": (
        lambda good: rx.Residual(TWO).init(good.key, 8),
        ValueError,
        "rx.Residual: rx.Bidirectional must put out …; it takes 8 and puts out (4, 4).",
    ),
    "dense without features": (
        lambda good: rx.Dense(0),
        ValueError,
        "rx.Dense: features must be a positive whole number; got 0.",
    ),
    "dense for another size": (
        lambda good: rx.unroll(rx.Dense(4), rx.Dense(4).init(good.key, 2), good.xs),
        ValueError,
        "rx.unroll: params.W must have shape (3, 4); got (2, 4).",
    ),
    # --- dropout and its like ---
    "rate one": (
        lambda good: rx.Dropout(1.0),
        ValueError,
        "rx.Dropout: rate must be from 0 to below 1; got 1.0.",
    ),
    "rate negative": (
        lambda good: rx.DropConnect(CELL, -0.1),
        ValueError,
        "rx.DropConnect: rate must be from 0 to below 1; got -0.1.",
    ),
    "rate not a number": (
        lambda good: rx.RecurrentDropout(CELL, float("nan")),
        ValueError,
        "rx.RecurrentDropout: rate must be from 0 to below 1; got nan.",
    ),
    "rate true": (
        lambda good: rx.Dropout(True),
        TypeError,
        "rx.Dropout: rate must be from 0 to below 1; got True.",
    ),
    "rate text": (
        lambda good: rx.VariationalDropout(CELL, input="0.5"),
        TypeError,
        "rx.VariationalDropout: input must be from 0 to below 1; got '0.5'.",
    ),
    "rate an array": (
        lambda good: rx.Dropout(np.ones(2)),
        TypeError,
        "rx.Dropout: rate must be from 0 to below 1; got array([1., 1.]).",
    ),
    "recurrent rate in percent": (
        lambda good: rx.VariationalDropout(CELL, recurrent=50),
        ValueError,
        "rx.VariationalDropout: recurrent must be from 0 to below 1; got 50.",
    ),
    "per unknown": (
        lambda good: rx.Dropout(0.5, per="sequence"),
        ValueError,
        "rx.Dropout: per must be 'step' or 'run'; got 'sequence'.",
    ),
    "per none": (
        lambda good: rx.RecurrentDropout(CELL, 0.5, per=None),
        ValueError,
        "rx.RecurrentDropout: per must be 'step' or 'run'; got None.",
    ),
    "per_gate text": (
        lambda good: rx.VariationalDropout(CELL, per_gate="yes"),
        ValueError,
        "rx.VariationalDropout: per_gate must be False or True; got 'yes'.",
    ),
    "dropout around a class": (
        lambda good: rx.VariationalDropout(rx.LSTM),
        TypeError,
        "rx.VariationalDropout: cell must be a recurrax cell; got type. Did you mean …",
    ),
    "dropout around two directions": (
        lambda good: rx.VariationalDropout(BOTH, input=0.5),
        TypeError,
        "rx.VariationalDropout: cell must be a recurrax cell; got Bidirectional. It runs in both "
        "directions and has no step; wrap its cells.",
    ),
    "variational dropout of a stack": (
        lambda good: rx.unroll(
            rx.VariationalDropout(STACK, input=0.5, recurrent=0.5),
            good.stack_params,
            good.xs,
            key=good.key,
        ),
        TypeError,
        "rx.VariationalDropout: the parameters of rx.Stack have no recurrent kernels, a field that "
        "holds Gates with axes ('h', 'gate'). …",
    ),
    "weights dropped of a layer without recurrence": (
        lambda good: rx.unroll(
            rx.DropConnect(rx.Dense(4), 0.5), rx.Dense(4).init(good.key, 3), good.xs, key=good.key
        ),
        TypeError,
        "rx.DropConnect: the parameters of rx.Dense have no recurrent kernels, …",
    ),
    "weights normed of a layer without recurrence": (
        lambda good: rx.WeightNorm(rx.Dense(4)).init(good.key, 3),
        TypeError,
        "rx.WeightNorm: the parameters of rx.Dense have no recurrent kernels, …",
    ),
    "recurrent dropout of a wrapper": (
        lambda good: rx.RecurrentDropout(rx.Zoneout(CELL, 0.1), 0.5),
        TypeError,
        "rx.RecurrentDropout: rx.Zoneout has no option candidate_fn, …",
    ),
    "zoneout rate one": (
        lambda good: rx.Zoneout(CELL, 1.0),
        ValueError,
        "rx.Zoneout: rate must be from 0 to below 1; got 1.0.",
    ),
    "zoneout of an unknown field": (
        lambda good: rx.Zoneout(CELL, {"z": 0.5}),
        ValueError,
        "rx.Zoneout: rate names 'z'; the carry of rx.LSTM has h, c.",
    ),
    "zoneout of a field with a wrong rate": (
        lambda good: rx.Zoneout(CELL, {"c": 1.5}),
        ValueError,
        "rx.Zoneout: rate['c'] must be from 0 to below 1; got 1.5.",
    ),
    "zoneout of a field with a flag": (
        lambda good: rx.Zoneout(CELL, {"c": True}),
        TypeError,
        "rx.Zoneout: rate['c'] must be from 0 to below 1; got True.",
    ),
    "zoneout rates without names": (
        lambda good: rx.Zoneout(CELL, (0.5, 0.05)),
        TypeError,
        "rx.Zoneout: rate must be a number or a dict for the carry of rx.LSTM, a NamedTuple; got "
        "(0.5, 0.05).",
    ),
    "zoneout rate text": (
        lambda good: rx.Zoneout(CELL, "0.5"),
        TypeError,
        "rx.Zoneout: rate must be a number or a dict …; got '0.5'.",
    ),
    "zoneout of a stack": (
        lambda good: rx.Zoneout(STACK, 0.5),
        TypeError,
        "rx.Zoneout: rate must be a number or a dict for the carry of rx.Stack, a NamedTuple; …",
    ),
    "rate in the place of the cell": (
        lambda good: rx.Zoneout(0.5, CELL),
        TypeError,
        "rx.Zoneout: cell must be a recurrax cell; got float.",
    ),
    "a learned carry of two directions": (
        lambda good: rx.LearnedCarry(BOTH),
        TypeError,
        "rx.LearnedCarry: cell must be a recurrax cell; got Bidirectional. It runs in both …",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    """Each bad case differs from one of these in the thing it names."""
    drop = rx.Dropout(0.5)
    dense = rx.Stack((rx.Dense(4), rx.Residual(drop), rx.Bidirectional(drop), rx.GRU(4)))
    for result in (rx.unroll(dense, dense.init(good.key, 3), good.xs, key=good.key),):
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(result))


def test_rates_may_be_numbers_of_numpy():
    assert rx.Dropout(np.float32(0.5)) == rx.Dropout(0.5)
    assert type(rx.Dropout(np.float64(0.5)).rate) is float
    assert rx.Zoneout(CELL, np.float32(0.5)) == rx.Zoneout(CELL, 0.5)
    assert rx.Zoneout(CELL, {"c": np.float32(0.5)}) == rx.Zoneout(CELL, {"c": 0.5})
    assert replace(rx.Zoneout(CELL, 0.5)) == rx.Zoneout(CELL, 0.5)
