"""New options of the first cells, the gradients of all others, and their problems.

As in `test_numpy_identities`: a step of the one is a step of the other with other parameters, and
what depends on the state goes into a bias, with a batch of one. A gate is held open, at exactly 1,
by a bias that is large enough. The new cells are in the other `test_numpy_*_identities` files.
"""

import inspect

import numpy as np
import pytest

from .identities import (
    EYE,
    NONE,
    OPEN,
    assert_gradient_is_the_slope,
    assert_same,
    dense,
    plain_gru,
    positive,
    run,
)
from .numpy_cells import ORACLES, lstm
from .numpy_problems import BATCH, HIDDEN, INPUTS, OPERATORS, PROBLEMS, draw
from .recurrent_product import recurrent_product

pytestmark = pytest.mark.once


# Operators and options of the cells that were there


WITH_OPERATOR = [n for n, p in PROBLEMS.items() if p.options.get("recurrent") in OPERATORS]


@pytest.mark.parametrize("name", WITH_OPERATOR)
def test_operator_is_a_full_matrix(rng, name):
    kind = PROBLEMS[name].options["recurrent"]
    params, carry, xs = draw(rng, PROBLEMS[name])
    full = params | {"U": {gate: dense(kind, U) for gate, U in params["U"].items()}}
    actual = run(name, params, carry, xs)
    assert_same(actual, run(name, full, carry, xs, recurrent="full", mask=None))


def test_operators_in_their_limits(rng):
    h, U = rng.normal(size=(BATCH, HIDDEN)), rng.normal(size=(HIDDEN, HIDDEN))
    full = recurrent_product(h, U)
    assert_same(recurrent_product(h, {"blocks": U[None]}, "block"), full)
    assert_same(recurrent_product(h, {"left": U, "right": EYE}, "low_rank"), full)
    assert_same(recurrent_product(h, {"kernel": U}, "masked", np.ones((2, 2))), full)
    assert_same(recurrent_product(h, {"kernel": U}, "masked", np.eye(HIDDEN)), h * np.diag(U))


def test_leak_is_a_constant_update_gate(rng):
    params, carry, xs = draw(rng, PROBLEMS["leaky"])
    constant = {
        "W": params["W"] | {"z": np.zeros((INPUTS, HIDDEN))},
        "U": params["U"] | {"z": NONE},
        "b": params["b"] | {"z": np.full(HIDDEN, np.log(0.7 / 0.3))},
    }
    assert_same(run("leaky", params, carry, xs), plain_gru(constant, "z", "h")(carry, xs))


@pytest.mark.parametrize(
    ("name", "gate"), [("no_input_gate", "i"), ("no_forget_gate", "f"), ("no_output_gate", "o")]
)
@pytest.mark.parametrize("peephole", [None, "diagonal"])
def test_missing_gate_is_an_open_gate(rng, name, gate, peephole):
    params, carry, xs = draw(rng, PROBLEMS[name])
    P = {k: rng.normal(size=HIDDEN) for k in "ifo"}
    closed = {"W": np.zeros((INPUTS, HIDDEN)), "U": NONE, "b": OPEN}
    every = {k: params[k] | {gate: closed[k]} for k in "WUb"} | {"P": P | {gate: 0 * OPEN}}
    actual = run(name, params | {"P": P}, carry, xs, peephole=peephole)
    assert_same(actual, lstm(every, carry, xs, peephole=peephole))


# Every cell


def test_every_oracle_has_a_problem_here_or_in_the_first_identities():
    first = {"mgu", "krause_lstm", "squashed_gru", "layer_norm_lstm", "layer_norm_gru"}
    assert {problem.cell for problem in PROBLEMS.values()} | first == set(ORACLES)


DEFAULTS = {
    "co_rnn": {"dt": 0.06, "gamma": 66.0, "epsilon": 15.0},
    "janet": {"beta": 1.0},
    "lem": {"dt": 1.0},
    "scrn": {"alpha": 0.95},
    "sru": {"version": 1, "output_fn": "identity", "highway_scale": 1.0},
    "unicornn": {"dt": 0.2, "alpha": 1.0},
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults(name):
    """The identities above name every option that is a number."""
    parameters = inspect.signature(ORACLES[name]).parameters
    assert {option: parameters[option].default for option in DEFAULTS[name]} == DEFAULTS[name]


@pytest.mark.parametrize("name", PROBLEMS)
def test_gradient_is_the_slope(rng, name):
    problem = PROBLEMS[name]
    point, direction = draw(rng, problem), draw(rng, problem)
    if name == "slstm":
        point = (point[0], positive(point[1]), point[2])
    assert_gradient_is_the_slope(rng, ORACLES[problem.cell], problem.options, point, direction)
