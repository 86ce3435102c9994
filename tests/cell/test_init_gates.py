"""``rx.init_gates`` draws what it returns, and no cell throws away what it draws."""

import dataclasses

import jax
import pytest

import recurrax as rx
from tests.all_cells import CASES, CONVOLUTIONAL
from tests.helpers import assert_identical

pytestmark = pytest.mark.once

KEY = jax.random.key(0)
ALL = CASES | CONVOLUTIONAL


def names(params):
    return tuple("".join(group.names) for group in params)


def test_every_gate_sees_x_and_h_and_has_a_bias():
    params = rx.init_gates(KEY, 3, 4, "zrn")
    assert names(params) == ("zrn", "zrn", "zrn")
    assert params.W.z.shape == (3, 4)
    assert params.U.z.shape == (4, 4)
    assert params.b.z.shape == (4,)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"U": "z"}, ("zn", "z", "zn")),
        ({"W": "n", "b": ""}, ("n", "zn", "")),
        ({"U": ""}, ("zn", "", "zn")),
        ({"b": ("z", "n", "hn")}, ("zn", "zn", "znhn")),
        ({"W": "a", "U": "bc", "b": "d"}, ("a", "bc", "d")),
    ],
)
@pytest.mark.parametrize("preset", rx.initializers.PRESETS)
def test_W_U_and_b_name_the_gates_that_have_them(given, expected, preset):
    if preset == "irnn" and "U" not in given:
        pytest.skip("the identity is square")
    family = "lstm"  # the preset "haiku" draws W and U of an LSTM as one kernel
    params = rx.init_gates(KEY, 4, 4, "zn", preset=preset, family=family, **given)
    assert names(params) == expected


def test_the_names_of_gates_may_be_in_any_sequence():
    assert_identical(rx.init_gates(KEY, 3, 4, ("z", "n")), rx.init_gates(KEY, 3, 4, "zn"))
    assert rx.init_gates(KEY, 3, 4, ("gate", "n"), U=["gate"]).U.names == ("gate",)


def test_an_operator_draws_the_gates_that_see_h():
    params = rx.init_gates(KEY, 3, 4, "zn", U="n", recurrent=rx.BlockDiagonal(2))
    assert params.U.names == ("n",)
    assert params.U.n.blocks.shape == (2, 2, 2)


def test_the_forget_bias_goes_to_the_forget_gate():
    assert (rx.init_gates(KEY, 3, 4, "fn", b="f", forget="f").b.f == 1).all()
    assert (rx.init_gates(KEY, 3, 4, "fn", family="lstm").b.f == 1).all()
    assert (rx.init_gates(KEY, 3, 4, "fn").b.f == 0).all()


def unused_draws(init, in_features):
    """The random draws of ``init`` on which no parameter depends."""
    jaxpr = jax.make_jaxpr(lambda key: init(key, in_features))(KEY).jaxpr
    needed = {id(v) for v in jaxpr.outvars}
    unused = []
    for eqn in reversed(jaxpr.eqns):
        if any(id(v) in needed for v in eqn.outvars):
            needed.update(id(v) for v in eqn.invars)
        elif "random_bits" in str(eqn):
            unused.append(str(eqn))
    return unused


@pytest.mark.parametrize("name", ALL)
def test_no_cell_throws_away_what_it_draws(name):
    case = ALL[name]
    assert unused_draws(case.cell.init, case.in_features) == []
    random = rx.initializers.per_gate(rx.initializers.normal(1.0))
    if hasattr(case.cell, "preset"):
        drawn = rx.initializers.Preset(W=random, U=random, b=random, P=random, V=random)
        cell = dataclasses.replace(case.cell, preset=drawn)
        assert unused_draws(cell.init, case.in_features) == []


def test_a_draw_that_is_thrown_away_would_be_noticed():
    def init(key, in_features):
        return rx.init_gates(key, in_features, 4, "zn").W

    assert unused_draws(init, 3)
