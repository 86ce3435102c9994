"""Diagonal cells, held to the GRU and the LSTM, or to a closed form."""

import itertools

import numpy as np
import pytest

from .functions import sigmoid
from .identities import (
    EYE,
    NONE,
    OPEN,
    assert_same,
    by_steps,
    dense,
    layer,
    mix,
    run,
    tree_map,
)
from .numpy_cells import elman, gru, lstm
from .numpy_problems import BATCH, HIDDEN, INPUTS, PROBLEMS, TIME, draw, quasi

pytestmark = pytest.mark.once


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_ind_rnn_is_an_elman_network_with_a_diagonal_matrix(rng, activation):
    params, carry, xs = draw(rng, PROBLEMS["ind_rnn"])
    full = params | {"U": {"h": np.diag(params["u"]["h"])}}
    actual = run("ind_rnn", params, carry, xs, activation=activation)
    assert_same(actual, elman(full, carry, xs, activation=activation))


def candidates(params, xs, candidate):
    v = layer("identity", (xs, params["W"]["h"]), bias=params["b"]["h"])
    if candidate == "linear":
        return v
    return np.where(v >= 0, v + 0.5, np.exp(v) / (1 + np.exp(v)))


@pytest.mark.parametrize("candidate", ["linear", "positive"])
def test_min_gru_is_a_gru_without_recurrent_matrices(rng, candidate):
    params, carry, xs = draw(rng, PROBLEMS["min_gru"])
    logits = layer("identity", (xs, -params["W"]["z"]), bias=-params["b"]["z"])
    ns = candidates(params, xs, candidate)
    _, ys = run("min_gru", params, carry, xs, candidate=candidate)
    assert_same(ys, mix(logits, ns, carry["h"]))
    keep = sigmoid(logits)
    terms = [(1 - keep[t]) * ns[t] * np.prod(keep[t + 1 :], axis=0) for t in range(TIME)]
    assert_same(ys[-1], sum(terms) + np.prod(keep, axis=0) * carry["h"])


@pytest.mark.parametrize("candidate", ["linear", "positive"])
def test_min_lstm_has_the_gate_of_the_ratio(rng, candidate):
    params, carry, xs = draw(rng, PROBLEMS["min_lstm"])
    f, i = (layer("sigmoid", (xs, params["W"][g]), bias=params["b"][g]) for g in "fi")
    ns = candidates(params, xs, candidate)
    _, ys = run("min_lstm", params, carry, xs, candidate=candidate)
    assert_same(ys, mix(np.log(f) - np.log(i), ns, carry["h"]))


def test_lru_is_a_sum_of_powers(rng):
    params, carry, xs = draw(rng, PROBLEMS["lru"])
    last, ys = run("lru", params, carry, xs)
    B, C = (params[k]["re"] + 1j * params[k]["im"] for k in "BC")
    power = np.exp(-np.exp(params["nu"]) + 1j * np.exp(params["theta"]))
    us = (xs @ B) * np.exp(params["gamma_log"])
    start = carry["re"] + 1j * carry["im"]
    for t in range(TIME):
        state = power ** (t + 1) * start + sum(power ** (t - k) * us[k] for k in range(t + 1))
        assert_same(ys[t], (state @ C).real + params["D"]["d"] * xs[t])
    assert_same(last, {"re": state.real, "im": state.imag})


def test_rg_lru_is_a_weighted_sum_of_its_inputs(rng):
    params, carry, xs = draw(rng, PROBLEMS["rg_lru"])
    carry = carry | {"started": np.array([[0.0], [1.0]])}
    last, ys = run("rg_lru", params, carry, xs)
    r, i = (
        layer("sigmoid", (xs, dense("block", params["W"][g])), bias=params["b"][g]) for g in "ri"
    )
    a = (1 / (1 + np.exp(params["Lambda"]))) ** (8 * r)
    scale = (1 - a**2) ** 0.5
    scale[0, 0] = 1  # the first row of the batch has not started
    terms = [scale[t] * i[t] * xs[t] * np.prod(a[t + 1 :], axis=0) for t in range(TIME)]
    assert_same(ys[-1], sum(terms) + np.prod(a, axis=0) * carry["h"])
    assert_same(last, {"h": ys[-1], "started": np.ones((BATCH, 1))})


@pytest.mark.parametrize("name", ["sru", "sru_same_width"])
@pytest.mark.parametrize("output_fn", ["identity", "tanh"])
def test_sru_mixes_once_along_time_and_once_along_depth(rng, name, output_fn):
    params, carry, xs = draw(rng, PROBLEMS[name])
    _, ys = run(name, params, carry, xs, output_fn=output_fn, highway_scale=1.7)
    f, r = (layer("identity", (xs, params["W"][g]), bias=params["b"][g]) for g in "fr")
    cs = mix(f, layer("identity", (xs, params["W"]["c"])), carry["c"])
    highway = xs if name == "sru_same_width" else layer("identity", (xs, params["W"]["x"]))
    shown = np.tanh(cs) if output_fn == "tanh" else cs
    want = [mix(-r[t, None], shown[t, None], 1.7 * highway[t])[0] for t in range(TIME)]
    assert_same(ys, np.stack(want))


def test_sru_of_version_2_has_biases_that_follow_the_cell(rng):
    params, carry, xs = draw(rng, PROBLEMS["sru_version_2"], batch=1)

    def step(carry, x):
        b = {gate: params["b"][gate] + params["v"][gate] * carry["c"][0] for gate in "fr"}
        return run("sru_version_2", params | {"b": b}, carry, x, version=1)

    assert_same(run("sru_version_2", params, carry, xs), by_steps(step, carry, xs))


@pytest.mark.parametrize("pooling", ["f", "fo", "ifo"])
@pytest.mark.parametrize("window", [1, 2, 3])
def test_qrnn_is_an_lstm_that_sees_a_window(rng, pooling, window):
    problem = quasi(window, pooling=pooling)
    params, carry, xs = draw(rng, problem)
    carry["pending"] = tree_map(np.zeros_like, carry["pending"])
    late = [np.concatenate([np.zeros((j, BATCH, INPUTS)), xs[: TIME - j]]) for j in range(window)]
    gates = {gate: np.concatenate([group[gate] for group in params["W"]]) for gate in params["b"]}
    none = np.zeros((window * INPUTS, HIDDEN))
    source = {"f": "f", "g": "z", "i": "i", "o": "o"}
    full = {
        "W": {gate: gates.get(name, none) for gate, name in source.items()},
        "U": dict.fromkeys("ifgo", NONE),
        "b": {gate: params["b"].get(name, OPEN) for gate, name in source.items()},
    }
    start = {"h": carry["c"], "c": carry["c"]}
    options = {"couple": pooling != "ifo", "output_fn": "identity"}
    last, ys = lstm(full, start, np.concatenate(late, axis=-1), **options)
    actual, got = run("qrnn_fo", params, carry, xs, pooling=pooling)
    assert_same((actual["c"], got), (last["c"], ys))


@pytest.mark.parametrize("pooling", ["f", "fo", "ifo"])
@pytest.mark.parametrize("cuts", [(1, 2, 3), (2,), (3,)])
def test_qrnn_in_pieces_is_the_whole(rng, pooling, cuts):
    params, carry, xs = draw(rng, PROBLEMS[f"qrnn_{pooling}"])  # a window of 3
    expected = run("qrnn_fo", params, carry, xs, pooling=pooling)
    last, ys = carry, []
    for a, b in itertools.pairwise((0, *cuts, TIME)):
        last, piece = run("qrnn_fo", params, last, xs[a:b], pooling=pooling)
        ys.append(piece)
    assert_same((last, np.concatenate(ys)), expected)
    by_index = {"W": {str(j): W for j, W in enumerate(params["W"])}, "b": params["b"]}
    pending = {str(j): group for j, group in enumerate(carry["pending"])}
    last, ys = run("qrnn_fo", by_index, carry | {"pending": pending}, xs, pooling=pooling)
    last["pending"] = tuple(last["pending"].values())
    assert_same((last, ys), expected)


def test_brc_is_a_gru_whose_reset_gate_reaches_2(rng):
    params, carry, xs = draw(rng, PROBLEMS["brc_neuromodulated"])
    W, U, b = params["W"], params["U"], params["b"]
    full = {  # 1 + tanh(v) = 2 sigmoid(2 v)
        "W": {"r": 2 * W["a"], "z": W["c"], "n": W["h"]},
        "U": {"r": 2 * U["a"], "z": U["c"], "n": 2 * EYE},
        "b": {"r": 2 * b["a"], "z": b["c"], "n": NONE[0]},
    }
    expected = gru(full, carry, xs, recurrent_bias=False)
    assert_same(run("brc_neuromodulated", params, carry, xs), expected)


def test_brc_is_neuromodulated_by_diagonal_matrices(rng):
    params, carry, xs = draw(rng, PROBLEMS["brc"])
    full = params | {"U": {gate: np.diag(U["diagonal"]) for gate, U in params["U"].items()}}
    expected = run("brc", full, carry, xs, neuromodulated=True)
    assert_same(run("brc", params, carry, xs), expected)
