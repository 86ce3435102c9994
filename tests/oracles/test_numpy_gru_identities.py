"""The GRU family, held to the GRU and the LSTM."""

import numpy as np
import pytest

from .identities import (
    EYE,
    NONE,
    OPEN,
    assert_same,
    by_steps,
    layer,
    linear_lstm,
    mix,
    plain_gru,
    run,
)
from .numpy_cells import gru, lstm
from .numpy_problems import PROBLEMS, draw, highway

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("name", "z", "n", "sign", "options"),
    [
        ("ugrnn", "g", "c", 1, {}),
        ("li_gru", "z", "n", 1, {"candidate_fn": "relu"}),
        ("light_ru", "f", "c", -1, {}),
    ],
)
def test_a_gru_without_reset(rng, name, z, n, sign, options):
    params, carry, xs = draw(rng, PROBLEMS[name])
    expected = plain_gru(params, z, n, sign, **options)(carry, xs)
    assert_same(run(name, params, carry, xs), expected)


def opposite(params, *gates):
    return {k: params[k] | {g: -params[k][g] for g in gates} for k in "WUb"}


def test_mut_1_is_a_gru_that_sees_its_input_twice(rng):
    params, carry, xs = draw(rng, PROBLEMS["mut_1"])
    W, U, b = params["W"], params["U"], params["b"]
    full = {
        "W": {
            "r": np.concatenate([W["r"], NONE]),
            "z": np.concatenate([-W["z"], NONE]),
            "n": np.concatenate([NONE, EYE]),
        },
        "U": U | {"z": NONE},
        "b": b | {"z": -b["z"]},
    }
    twice = np.concatenate([xs, np.tanh(xs)], axis=-1)
    assert_same(run("mut_1", params, carry, xs), gru(full, carry, twice, reset="before"))


def test_mut_2_is_a_gru_with_the_identity_in_its_reset_gate(rng):
    params, carry, xs = draw(rng, PROBLEMS["mut_2"])
    full = opposite(params | {"W": params["W"] | {"r": EYE}}, "z")
    assert_same(run("mut_2", params, carry, xs), gru(full, carry, xs, reset="before"))


def test_mut_3_is_a_gru_whose_update_gate_sees_a_squashed_state(rng):
    params, carry, xs = draw(rng, PROBLEMS["mut_3"], batch=1)
    full = opposite(params, "z")

    def step(carry, x):
        seen = full["b"]["z"] + np.tanh(carry["h"][0]) @ full["U"]["z"]
        biases = {"U": full["U"] | {"z": NONE}, "b": full["b"] | {"z": seen}}
        return gru(full | biases, carry, x, reset="before")

    assert_same(run("mut_3", params, carry, xs), by_steps(step, carry, xs))


def test_star_squashes_a_light_unit(rng):
    params, carry, xs = draw(rng, PROBLEMS["star"])

    def step(carry, x):
        after, _ = plain_gru(params, "k", "z", sign=-1)(carry, x)
        return {"h": np.tanh(after["h"])}, np.tanh(after["h"])[None]

    assert_same(run("star", params, carry, xs), by_steps(step, carry, xs))


def test_cfn_is_an_lstm_that_starts_every_step_from_a_squashed_state(rng):
    params, carry, xs = draw(rng, PROBLEMS["cfn"])
    full = {
        "W": params["W"] | {"g": params["W"]["c"], "o": params["W"]["f"]},
        "U": params["U"] | {"g": NONE, "o": NONE},
        "b": params["b"] | {"g": NONE[0], "o": OPEN},
    }

    def step(carry, x):
        after, _ = lstm(full, {"h": carry["h"], "c": np.tanh(carry["h"])}, x)
        return {"h": after["c"]}, after["c"][None]

    assert_same(run("cfn", params, carry, xs), by_steps(step, carry, xs))


def test_atr_is_an_lstm_with_twin_gates(rng):
    params, carry, xs = draw(rng, PROBLEMS["atr"])
    W, U = params["W"]["p"], params["U"]["q"]
    full = {
        "W": dict.fromkeys("ifg", W),
        "U": {"i": U, "f": -U, "g": NONE},
        "b": dict.fromkeys("ifg", NONE[0]),
    }
    last, ys = linear_lstm(full, "i", "f", carry["h"], xs, candidate_fn="identity")
    assert_same(run("atr", params, carry, xs), ({"h": last}, ys))


def test_minimal_rnn_is_a_gru_over_a_layer(rng):
    params, carry, xs = draw(rng, PROBLEMS["minimal_rnn"])
    zs = layer("tanh", (xs, params["W"]["z"]), bias=params["b"]["z"])
    gates = {
        "W": {"z": params["U"]["z"], "n": EYE},
        "U": {"z": params["U"]["h"], "n": NONE},
        "b": {"z": params["b"]["u"], "n": NONE[0]},
    }
    expected = plain_gru(gates, "z", "n", candidate_fn="identity")(carry, zs)
    assert_same(run("minimal_rnn", params, carry, xs), expected)


def test_intersection_mixes_once_along_time_and_once_along_depth(rng):
    params, carry, xs = draw(rng, PROBLEMS["intersection"])
    last, ys = run("intersection", params, carry, xs)
    expected, hs = plain_gru(params, "gh", "h")(carry, xs)
    before = np.concatenate([carry["h"][None], hs[:-1]])
    W, U, b = params["W"], params["U"], params["b"]
    logits = layer("identity", (xs, W["gy"]), (before, U["gy"]), bias=b["gy"])
    new = layer("relu", (xs, W["y"]), (before, U["y"]), bias=b["y"])
    want = [mix(g[None], n[None], x)[0] for g, n, x in zip(logits, new, xs, strict=True)]
    assert_same((last, ys), (expected, np.stack(want)))


@pytest.mark.parametrize("depth", [1, 3])
def test_rhn_is_a_gru_without_reset_that_repeats(rng, depth):
    params, carry, xs = draw(rng, highway(depth))

    def step(carry, x):
        for j, (U, b) in enumerate(zip(params["U"], params["b"], strict=True)):
            group = {"W": params["W"], "U": U, "b": b}
            carry, y = plain_gru(group, "t", "h", sign=-1)(carry, x if j == 0 else 0 * x)
        return carry, y

    assert_same(run("rhn", params, carry, xs), by_steps(step, carry, xs))
