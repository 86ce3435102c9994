"""Slow and stable cells, held to the common ones, or to a linear system."""

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
    tree_map,
)
from .numpy_cells import elman
from .numpy_problems import BATCH, HIDDEN, INPUTS, PROBLEMS, TIME, draw

pytestmark = pytest.mark.once


def test_fast_rnn_is_an_lstm_with_constant_gates(rng):
    params, carry, xs = draw(rng, PROBLEMS["fast_rnn"])
    constant = {"W": np.zeros((INPUTS, HIDDEN)), "U": NONE}
    full = {k: {"g": params[k]["h"], "i": constant[k], "f": constant[k]} for k in "WU"}
    ones = np.ones(HIDDEN)
    full["b"] = {"g": params["b"]["h"], "i": params["alpha"] * ones, "f": params["beta"] * ones}
    last, ys = linear_lstm(full, "i", "f", carry["h"], xs)
    assert_same(run("fast_rnn", params, carry, xs), ({"h": last}, ys))


def test_fast_rnn_of_opposite_scalars_leaks(rng):
    params, carry, xs = draw(rng, PROBLEMS["fast_rnn"])
    params |= {"alpha": np.log(0.3 / 0.7), "beta": np.log(0.7 / 0.3)}
    for activation in ("tanh", "relu"):
        expected = elman(params, carry, xs, activation=activation, leak=0.3)
        assert_same(run("fast_rnn", params, carry, xs, activation=activation), expected)


def test_fast_grnn_is_a_gru_that_shares_its_matrices(rng):
    params, carry, xs = draw(rng, PROBLEMS["fast_grnn"])
    shared = {k: {"z": params[k]["s"], "n": params[k]["s"]} for k in "WU"} | {"b": params["b"]}
    for activation in ("tanh", "relu"):
        cell = plain_gru(shared, "z", "n", candidate_fn=activation)
        pure = params | {"zeta": np.array(1000.0), "nu": np.array(-700.0)}
        assert_same(run("fast_grnn", pure, carry, xs, activation=activation), cell(carry, xs))
        # Elsewhere a step is linear in the two scales, (1, 0) being the GRU.
        a, b = 1 / (1 + np.exp(-params["zeta"])), 1 / (1 + np.exp(-params["nu"]))
        products = [(xs[:1], params["W"]["s"]), (carry["h"][None], params["U"]["s"])]
        n = layer(activation, *products, bias=params["b"]["n"])
        logits = layer("identity", *products, bias=params["b"]["z"])
        kept = mix(logits, 0 * n, carry["h"])
        want = a * cell(carry, xs[:1])[1] + (1 - a) * kept + b * n
        got = run("fast_grnn", params, carry, xs[:1], activation=activation)
        assert_same(got, ({"h": want[0]}, want))


def force(params, x, carry):
    kernels = {"y": params["U"]["y"], "z": params["U"]["z"]}
    states = [(carry[field][None], kernels[field]) for field in "yz"]
    return layer("tanh", (x, params["W"]["z"]), *states, bias=params["b"]["z"])


def test_co_rnn_is_a_forced_linear_system(rng):
    params, carry, xs = draw(rng, PROBLEMS["co_rnn"])
    dt, gamma, epsilon = PROBLEMS["co_rnn"].options.values()
    system = np.array(
        [[1 - dt * dt * gamma, -dt * gamma], [dt - dt * dt * epsilon, 1 - dt * epsilon]]
    )
    kernel, push = np.kron(system, EYE), np.kron([[dt * dt, dt]], EYE)

    def step(carry, x):
        state = np.concatenate([carry["y"], carry["z"]], axis=-1)[None]
        y, z = np.split(layer("identity", (state, kernel), (force(params, x, carry), push)), 2, -1)
        return {"y": y[0], "z": z[0]}, y

    assert_same(run("co_rnn", params, carry, xs), by_steps(step, carry, xs))
    free = tree_map(np.zeros_like, params)
    last, _ = run("co_rnn", free, carry, xs)
    want = np.einsum("fbh,fg->gbh", [carry["y"], carry["z"]], np.linalg.matrix_power(system, TIME))
    assert_same(last, {"y": want[0], "z": want[1]})


def test_lem_is_two_grus_of_which_the_second_sees_the_new_state_of_the_first(rng):
    params, carry, xs = draw(rng, PROBLEMS["lem"])
    dt, W, U, b = 0.7, params["W"], params["U"], params["b"]

    def step(carry, x):
        y, z = carry["y"][None], carry["z"][None]
        pre = {g: layer("identity", (x, W[g]), (y, U[g]), bias=b[g]) for g in ("tz", "ty", "z")}
        # A smaller step of time goes a part of the way.
        z = (1 - dt) * z + dt * mix(-pre["tz"], np.tanh(pre["z"]), carry["z"])
        new = layer("tanh", (x, W["y"]), (z, U["y"]), bias=b["y"])
        y = (1 - dt) * y + dt * mix(-pre["ty"], new, carry["y"])
        return {"y": y[0], "z": z[0]}, y

    assert_same(run("lem", params, carry, xs), by_steps(step, carry, xs))


def test_lem_with_open_gates_leaks(rng):
    params, carry, xs = draw(rng, PROBLEMS["lem"])
    W, U, b = (dict(params[k]) for k in "WUb")
    W |= dict.fromkeys(("tz", "ty"), np.zeros((INPUTS, HIDDEN)))
    U |= {"tz": NONE, "ty": NONE, "z": NONE}
    b |= {"tz": OPEN, "ty": OPEN}
    last, ys = run("lem", {"W": W, "U": U, "b": b}, carry, xs)
    first = {"W": {"h": W["z"]}, "U": {"h": NONE}, "b": {"h": b["z"]}}
    final, zs = elman(first, {"h": carry["z"]}, xs, leak=0.7)
    second = {"W": {"h": np.concatenate([W["y"], U["y"]])}, "U": {"h": NONE}, "b": {"h": b["y"]}}
    both = np.concatenate([xs, zs], axis=-1)
    end, want = elman(second, {"h": carry["y"]}, both, leak=0.7)
    assert_same((last, ys), ({"y": end["h"], "z": final["h"]}, want))


def difference(matrix, gamma):
    result = np.zeros_like(matrix)
    for row, column in np.ndindex(matrix.shape):
        result[row, column] = matrix[row, column] - matrix[column, row] - gamma * (row == column)
    return result


def test_antisymmetric_is_an_lstm_that_keeps_everything(rng):
    params, carry, xs = draw(rng, PROBLEMS["antisymmetric"])
    none = np.zeros((INPUTS, HIDDEN))
    full = {
        "W": {"i": none, "f": none, "g": params["W"]["h"]},
        "U": {"i": NONE, "f": NONE, "g": difference(params["U"]["h"], 0.3)},
        "b": {"i": np.full(HIDDEN, np.log(0.1 / 0.9)), "f": OPEN, "g": params["b"]["h"]},
    }
    last, ys = linear_lstm(full, "i", "f", carry["h"], xs)
    assert_same(run("antisymmetric", params, carry, xs), ({"h": last}, ys))


def test_antisymmetric_gate_sees_the_same_matrix(rng):
    params, carry, xs = draw(rng, PROBLEMS["antisymmetric_gated"])
    matrix = difference(params["U"]["h"], 0.01)
    full = {
        "W": {"i": params["W"]["z"], "f": np.zeros((INPUTS, HIDDEN)), "g": params["W"]["h"]},
        "U": {"i": matrix, "f": NONE, "g": matrix},
        "b": {"i": params["b"]["z"], "f": OPEN, "g": params["b"]["h"]},
    }

    def step(carry, x):
        h, _ = linear_lstm(full, "i", "f", carry["h"], x)
        h = 0.6 * carry["h"] + 0.4 * h  # epsilon goes a part of the way
        return {"h": h}, h[None]

    assert_same(run("antisymmetric_gated", params, carry, xs), by_steps(step, carry, xs))


def test_antisymmetric_does_not_see_the_symmetric_part(rng):
    params, carry, xs = draw(rng, PROBLEMS["antisymmetric_gated"])
    part = rng.normal(size=(HIDDEN, HIDDEN))
    other = params | {"U": {"h": params["U"]["h"] + part + part.T}}
    for options in ({"gated": True}, {"gated": False}):
        actual = run("antisymmetric_gated", other, carry, xs, **options)
        assert_same(actual, run("antisymmetric_gated", params, carry, xs, **options))


def test_jordan_is_an_elman_network_that_feeds_its_readout_back(rng):
    params, carry, xs = draw(rng, PROBLEMS["jordan"])
    W, U, V, b = params["W"], params["U"]["h"], params["V"], params["b"]
    h = rng.normal(size=(BATCH, HIDDEN))
    carry = {"y": h @ V["y"] + b["y"]}
    folded = {"W": W, "U": {"h": V["y"] @ U}, "V": V}
    folded["b"] = {"h": b["h"] + b["y"] @ U, "y": b["y"]}
    _, ys = elman(folded, {"h": h}, xs, readout=True)
    assert_same(run("jordan", params, carry, xs), ({"y": ys[-1]}, ys))


def test_jordan_feeds_back_what_it_shows(rng):
    params, carry, xs = draw(rng, PROBLEMS["jordan_sigmoid"], batch=1)
    W, U, V, b = params["W"], params["U"]["h"], params["V"], params["b"]

    def step(carry, x):
        seen = {"h": b["h"] + carry["y"][0] @ U, "y": b["y"]}
        options = {"activation": "relu", "readout": True, "readout_fn": "sigmoid"}
        start = {"h": np.zeros((1, HIDDEN))}
        _, y = elman({"W": W, "U": {"h": NONE}, "V": V, "b": seen}, start, x, **options)
        return {"y": y[0]}, y

    assert_same(run("jordan_sigmoid", params, carry, xs), by_steps(step, carry, xs))


def test_unicornn_is_a_forced_linear_system_for_each_unit(rng):
    params, carry, xs = draw(rng, PROBLEMS["unicornn"])
    dt, alpha = PROBLEMS["unicornn"].options.values()
    rate = dt / (1 + np.exp(-params["c"]["h"]))
    u, W, b = params["u"]["h"], params["W"]["h"], params["b"]["h"]
    one = np.ones(HIDDEN)
    system = np.array([[one - rate * rate * alpha, -rate * alpha], [rate, one]])

    def step(carry, x):
        force = layer("tanh", (x, W), (carry["y"][None], np.diag(u)), bias=b)[0]
        y, z = np.einsum("fbh,fgh->gbh", [carry["y"], carry["z"]], system)
        return {"y": y - rate**2 * force, "z": z - rate * force}, (y - rate**2 * force)[None]

    assert_same(run("unicornn", params, carry, xs), by_steps(step, carry, xs))


def test_scrn_is_an_elman_network_beside_a_moving_average(rng):
    params, carry, xs = draw(rng, PROBLEMS["scrn"])
    alpha = 0.8
    inputs = [xs @ params["B"]["s"]]
    slow = [
        alpha ** (t + 1) * carry["s"]
        + (1 - alpha) * sum(alpha ** (t - k) * inputs[0][k] for k in range(t + 1))
        for t in range(TIME)
    ]
    kernel = np.concatenate([params["W"]["h"], params["P"]["h"]])
    plain = {"W": {"h": kernel}, "U": params["U"], "b": {"h": 0}}
    both = np.concatenate([xs, slow], axis=-1)
    last, hs = elman(plain, {"h": carry["h"]}, both, activation="sigmoid")
    expected = (last | {"s": slow[-1]}, np.concatenate([hs, slow], axis=-1))
    assert_same(run("scrn", params, carry, xs), expected)
