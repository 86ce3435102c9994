"""The LSTM family, held to the LSTM, or to a closed form."""

import numpy as np
import pytest

from .identities import (
    EYE,
    NONE,
    OPEN,
    assert_same,
    by_steps,
    dense,
    layer,
    linear_lstm,
    plain_gru,
    positive,
    run,
    tree_map,
)
from .numpy_cells import krause_lstm, lstm
from .numpy_problems import BATCH, HIDDEN, INPUTS, PROBLEMS, TIME, draw

pytestmark = pytest.mark.once


def test_fgr_lstm_is_a_peephole_lstm_whose_gates_are_biases(rng):
    params, carry, xs = draw(rng, PROBLEMS["fgr_lstm"], batch=1)

    def step(carry, x):
        i, f, o = (carry[gate] for gate in "ifo")
        b = dict(params["b"])
        for gate in "ifo":
            kernels = [params[R][gate] for R in ("R_i", "R_f", "R_o")]
            (old,) = np.concatenate([i, f, o], axis=-1) @ np.concatenate(kernels)
            b[gate] = b[gate] + old
        seen = {k: params[k] for k in "WUP"} | {"b": b}
        new, y = lstm(seen, {"h": carry["h"], "c": carry["c"]}, x, peephole="diagonal")
        gates = {}
        for gate, c in (("i", carry["c"]), ("f", carry["c"]), ("o", new["c"])):
            products = [(x, params["W"][gate]), (carry["h"][None], params["U"][gate])]
            gates[gate] = layer("sigmoid", *products, bias=b[gate] + c[0] * params["P"][gate])[0]
        return new | gates, y

    assert_same(run("fgr_lstm", params, carry, xs), by_steps(step, carry, xs))


def test_fgr_lstm_without_recurrence_of_gates_is_a_peephole_lstm(rng):
    params, carry, xs = draw(rng, PROBLEMS["fgr_lstm"])
    params |= {R: dict.fromkeys("ifo", NONE) for R in ("R_i", "R_f", "R_o")}
    last, ys = run("fgr_lstm", params, carry, xs)
    expected, want = lstm(params, {"h": carry["h"], "c": carry["c"]}, xs, peephole="diagonal")
    assert_same(({"h": last["h"], "c": last["c"]}, ys), (expected, want))


@pytest.mark.parametrize("form", ["krause", "lstm"])
def test_multiplicative_lstm_is_an_lstm_whose_kernels_follow_the_input(rng, form):
    params, carry, xs = draw(rng, PROBLEMS["multiplicative_lstm"], batch=1)
    cell = {"krause": krause_lstm, "lstm": lstm}[form]

    def step(carry, x):
        scale = np.diag(x[0, 0] @ params["W"]["m"])
        U = {gate: params["U"]["m"] @ scale @ params["U"][gate] for gate in "ifgo"}
        return cell({"W": params["W"], "U": U, "b": params["b"]}, carry, x)

    actual = run("multiplicative_lstm", params, carry, xs, form=form)
    assert_same(actual, by_steps(step, carry, xs))


def test_slstm_is_its_sums_without_stabilizer(rng):
    params, carry, xs = draw(rng, PROBLEMS["slstm"])
    carry = positive(carry)
    last, ys = run("slstm", params, carry, xs)
    W, U = params["W"], params["U"]
    kernels = {gate: np.concatenate([W[gate], dense("block", U[gate])]) for gate in "ifzo"}
    h, c, n = carry["h"], carry["c"] * np.exp(carry["m"]), carry["n"] * np.exp(carry["m"])
    for x, y in zip(xs, ys, strict=True):
        gates = {g: np.concatenate([x, h], -1) @ kernels[g] + params["b"][g] for g in "ifzo"}
        c = c / (1 + np.exp(-gates["f"])) + np.exp(gates["i"]) * np.tanh(gates["z"])
        n = n / (1 + np.exp(-gates["f"])) + np.exp(gates["i"])
        h = c / (n + n * np.exp(-gates["o"]))
        assert_same(y, h)
    assert_same(last["c"] * np.exp(last["m"]), c, 1e-10)
    assert_same(last["n"] * np.exp(last["m"]), n, 1e-10)


def test_slstm_does_not_see_a_shift_of_its_stabilizer(rng):
    params, carry, xs = draw(rng, PROBLEMS["slstm"])
    carry = positive(carry)
    shift = rng.normal(size=carry["m"].shape)
    scale = np.exp(-shift)
    shifted = {"m": carry["m"] + shift, "c": carry["c"] * scale, "n": carry["n"] * scale}
    _, ys = run("slstm", params, carry, xs)
    assert_same(run("slstm", params, carry | shifted, xs)[1], ys)


def test_slstm_keeps_the_larger_exponent(rng):
    params, carry, xs = draw(rng, PROBLEMS["slstm"])
    carry = positive(carry)
    last, _ = run("slstm", params, carry, xs[:1])
    new, old = (
        xs[0] @ params["W"][g] + carry["h"] @ dense("block", params["U"][g]) + params["b"][g]
        for g in "if"
    )
    kept = carry["m"] - np.log(1 + np.exp(-old))
    assert np.any(kept > new)
    assert np.any(kept < new)
    assert_same(last["m"], np.maximum(kept, new))


def test_slstm_from_nothing_does_not_see_the_stabilizer(rng):
    params, carry, xs = draw(rng, PROBLEMS["slstm"])
    nothing = {"h": carry["h"], "c": 0 * carry["c"], "n": 0 * carry["n"]}
    low, high = (run("slstm", params, nothing | {"m": m * carry["m"]}, xs) for m in (1, 40))
    assert_same(low, high)
    first, _ = run("slstm", params, nothing | {"m": carry["m"]}, xs[:1])
    assert_same(first["n"], np.ones((BATCH, HIDDEN)))


@pytest.mark.parametrize("output_fn", ["tanh", "identity"])
def test_ran_is_an_lstm_with_a_linear_candidate_of_the_input(rng, output_fn):
    params, carry, xs = draw(rng, PROBLEMS["ran"])
    zeros = {"W": np.zeros((INPUTS, HIDDEN)), "U": NONE}
    full = {
        "W": {"g": params["W"]["c"], "o": zeros["W"]} | params["W"],
        "U": {"g": NONE, "o": NONE} | params["U"],
        "b": {"g": NONE[0], "o": OPEN} | params["b"],
    }
    expected = lstm(full, carry, xs, candidate_fn="identity", output_fn=output_fn)
    assert_same(run("ran", params, carry, xs, output_fn=output_fn), expected)


def test_ran_is_a_weighted_sum_of_its_inputs(rng):
    params, carry, xs = draw(rng, PROBLEMS["ran_linear"])
    _, hs = run("ran_linear", params, carry, xs)
    before = np.concatenate([carry["h"][None], hs[:-1]])
    i, f = (
        layer("sigmoid", (xs, params["W"][g]), (before, params["U"][g]), bias=params["b"][g])
        for g in "if"
    )
    terms = [i[t] * (xs[t] @ params["W"]["c"]) * np.prod(f[t + 1 :], axis=0) for t in range(TIME)]
    assert_same(hs[-1], sum(terms) + np.prod(f, axis=0) * carry["c"])


@pytest.mark.parametrize("beta", [0.0, 0.4, 1.0])
def test_janet_is_an_lstm_with_a_shifted_opposite_gate(rng, beta):
    params, carry, xs = draw(rng, PROBLEMS["janet"])
    full = {k: params[k] | {"g": params[k]["c"], "i": params[k]["f"]} for k in "WUb"}
    full["b"]["i"] = full["b"]["i"] - beta
    last, ys = linear_lstm(full, "i", "f", carry["c"], xs, signs=(-1, 1))
    actual = run("janet", params, carry, xs, beta=beta)
    assert_same(actual, ({"c": last}, ys))
    if beta == 0:  # one gate for both
        assert_same(actual[1], plain_gru(params, "f", "c")({"h": carry["c"]}, xs)[1])


def test_nas_by_layers(rng):
    params, carry, xs = draw(rng, PROBLEMS["nas"])
    W, U, b = params["W"], params["U"], params["b"]
    functions = ["sigmoid", "relu", "sigmoid", None, "tanh", "sigmoid", "tanh", "sigmoid"]

    def step(carry, x):
        h, c = carry["h"][None], carry["c"][None]
        a = [
            layer(fn, (x, W[f"a{k}"]), (h, U[f"a{k}"]), bias=b[f"a{k}"])
            for k, fn in enumerate(functions)
            if fn
        ]
        a.insert(3, np.clip((x @ W["a3"]) * (h @ U["a3"] + b["a3"]), 0, None))
        inner = [layer("tanh", (v, EYE)) for v in (a[0] * a[1], a[2] + a[3], a[4] * a[5])]
        inner.append(layer("sigmoid", (a[6], EYE), (a[7], EYE)))
        c = layer("tanh", (inner[0], EYE), (c, EYE)) * inner[1]
        h = layer("tanh", (c * layer("tanh", (inner[2], EYE), (inner[3], EYE)), EYE))
        return {"h": h[0], "c": c[0]}, h

    assert_same(run("nas", params, carry, xs), by_steps(step, carry, xs))


def test_nas_multiplies_its_fourth_gate(rng):
    params, carry, xs = draw(rng, PROBLEMS["nas"])
    scaled = {k: dict(params[k]) for k in "WUb"}
    for kind, factor in (("W", 4.0), ("U", 0.25), ("b", 0.25)):
        scaled[kind]["a3"] = factor * scaled[kind]["a3"]
    assert_same(run("nas", scaled, carry, xs), run("nas", params, carry, xs))
    silent = tree_map(np.zeros_like, params)
    (last, _), c = run("nas", silent, carry, xs[:1]), np.tanh(carry["c"]) * np.tanh(0.5)
    assert_same(last, {"h": np.tanh(c * np.tanh(1 / (1 + np.exp(-0.5)))), "c": c})
