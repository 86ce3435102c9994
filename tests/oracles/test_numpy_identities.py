"""Cells and options that no published vector covers, held to identities with those that are.

A step of the one is a step of the other with other parameters; what depends on the state goes into
a bias, so these run with a batch of one.
"""

import numpy as np
import pytest

from .numpy_cells import (
    ORACLES,
    elman,
    gru,
    krause_lstm,
    layer_norm_gru,
    layer_norm_lstm,
    lstm,
    mgu,
    sigmoid,
    squashed_gru,
)
from .numpy_gradients import numerical_gradients

pytestmark = pytest.mark.once

TIME, INPUTS, HIDDEN, OUTPUTS = 4, 3, 5, 2


def draw(rng, gates, inputs=INPUTS):
    """Parameters of a cell with these gates, and a sequence."""
    shapes = {"W": (inputs, HIDDEN), "U": (HIDDEN, HIDDEN), "b": (HIDDEN,)}
    params = {kind: {gate: rng.normal(size=s) for gate in gates} for kind, s in shapes.items()}
    return params, rng.normal(size=(TIME, 1, inputs))


def draw_carry(rng, *fields):
    return {field: rng.normal(size=(1, HIDDEN)) for field in fields}


def replace(params, **gates):
    """`replace(params, W={"i": ...})`: the parameters with some gates added or replaced."""
    return params | {kind: params.get(kind, {}) | new for kind, new in gates.items()}


def copied_gate(params, target, source, sign=1):
    return replace(params, **{k: {target: sign * params[k][source]} for k in "WUb"})


def assert_same(actual, expected):
    (actual_carry, actual_ys), (expected_carry, expected_ys) = actual, expected
    assert actual_carry.keys() == expected_carry.keys()
    for field in expected_carry:
        np.testing.assert_allclose(actual_carry[field], expected_carry[field], rtol=0, atol=1e-13)
    np.testing.assert_allclose(actual_ys, expected_ys, rtol=0, atol=1e-13)


def test_readout_is_a_layer_without_recurrence(rng):
    params, xs = draw(rng, "h")
    carry = draw_carry(rng, "h")
    V, b = rng.normal(size=(HIDDEN, OUTPUTS)), rng.normal(size=OUTPUTS)
    final, hs = elman(params, carry, xs)
    layer = {"W": {"h": V}, "U": {"h": np.zeros((OUTPUTS, OUTPUTS))}, "b": {"h": b}}
    start = {"h": np.zeros((1, OUTPUTS))}
    for readout_fn in ("identity", "sigmoid"):
        _, ys = elman(layer, start, hs, activation=readout_fn)
        params = replace(params, V={"y": V}, b={"y": b})
        assert_same(elman(params, carry, xs, readout=True, readout_fn=readout_fn), (final, ys))


@pytest.mark.parametrize("o_sees", ["new", "prev"])
@pytest.mark.parametrize("peephole", ["diagonal", "full"])
def test_peephole_is_a_bias_that_follows_the_cell(rng, peephole, o_sees):
    params, xs = draw(rng, "ifgo")
    carry = draw_carry(rng, "h", "c")
    shape = {"diagonal": (HIDDEN,), "full": (HIDDEN, HIDDEN)}[peephole]
    P = {gate: rng.normal(size=shape) for gate in "ifo"}

    def with_peep(params, c, gates):
        product = np.multiply if peephole == "diagonal" else np.matmul
        return replace(params, b={g: params["b"][g] + product(c[0], P[g]) for g in gates})

    expected, ys = carry, []
    for x in xs:
        params_if = with_peep(params, expected["c"], "if")
        new, _ = lstm(params_if, expected, x[None])  # only its cell state is right
        seen = new["c"] if o_sees == "new" else expected["c"]
        expected, y = lstm(with_peep(params_if, seen, "o"), expected, x[None])
        ys.append(y[0])
    options = {"peephole": peephole, "o_sees": o_sees}
    assert_same(lstm(params | {"P": P}, carry, xs, **options), (expected, np.stack(ys)))


def test_coupled_gates_are_opposite_gates(rng):
    params, xs = draw(rng, "fgo")
    carry = draw_carry(rng, "h", "c")
    opposite = copied_gate(params, "i", "f", sign=-1)  # sigmoid(-z) = 1 - sigmoid(z)
    assert_same(lstm(params, carry, xs, couple=True), lstm(opposite, carry, xs))


def test_clip_comes_before_the_output(rng):
    params, xs = draw(rng, "ifgo")
    carry = draw_carry(rng, "h", "c")
    limit = 0.3
    expected, ys, bites = carry, [], 0
    for x in xs:
        free, _ = lstm(params, expected, x[None])
        o = free["h"] / np.tanh(free["c"])
        c = np.clip(free["c"], -limit, limit)
        expected = {"h": o * np.tanh(c), "c": c}
        ys.append(expected["h"])
        bites += np.sum(c != free["c"])
    assert 0 < bites < TIME * HIDDEN
    assert_same(lstm(params, carry, xs, clip=limit), (expected, np.stack(ys)))


def test_minimal_gated_unit_is_a_gru_with_one_gate(rng):
    params, xs = draw(rng, "fn")
    carry = draw_carry(rng, "h")
    two = copied_gate(copied_gate(params, "r", "f"), "z", "f", sign=-1)
    assert_same(mgu(params, carry, xs), gru(two, carry, xs, reset="before"))


def test_gru_without_recurrent_bias(rng):
    params, xs = draw(rng, "rzn")
    carry = draw_carry(rng, "h")
    zero = replace(params, b={"hn": np.zeros(HIDDEN)})
    assert_same(gru(params, carry, xs, recurrent_bias=False), gru(zero, carry, xs))


@pytest.mark.parametrize("squash", ["tanh", "sigmoid"])
@pytest.mark.parametrize("candidate", ["linear", "input"])
def test_krause_lstm_squashes_the_output_of_a_linear_lstm(rng, candidate, squash):
    carry = draw_carry(rng, "h", "c")
    if candidate == "linear":
        params, xs = draw(rng, "ifgo")
        linear = params
    else:
        params, xs = draw(rng, "ifo", inputs=HIDDEN)
        zeros, eye = np.zeros((HIDDEN, HIDDEN)), np.eye(HIDDEN)
        linear = replace(params, W={"g": eye}, U={"g": zeros}, b={"g": zeros[0]})
    expected, ys = carry, []
    for x in xs:
        after, _ = lstm(linear, expected, x[None], candidate_fn="identity", output_fn="identity")
        h = {"tanh": np.tanh, "sigmoid": sigmoid}[squash](after["h"])
        expected = {"h": h, "c": after["c"]}
        ys.append(h)
    options = {"candidate": candidate, "squash": squash}
    assert_same(krause_lstm(params, carry, xs, **options), (expected, np.stack(ys)))


def test_squashed_gru_is_a_gru_whose_state_and_input_are_biases(rng):
    params, xs = draw(rng, "rz", inputs=HIDDEN)
    carry = draw_carry(rng, "c")
    zeros = np.zeros((HIDDEN, HIDDEN))
    c, ys = carry["c"], []
    for x in xs:
        seen = {gate: params["b"][gate] + sigmoid(c[0]) @ params["U"][gate] for gate in "rz"}
        step = {
            "W": {"r": params["W"]["r"], "z": -params["W"]["z"], "n": zeros},
            "U": {"r": zeros, "z": zeros, "n": zeros},
            "b": {"r": seen["r"], "z": -seen["z"], "n": zeros[0], "hn": x[0]},
        }
        c = gru(step, {"h": c}, x[None])[0]["h"]
        ys.append(sigmoid(c))
    assert_same(squashed_gru(params, carry, xs), ({"c": c}, np.stack(ys)))


UNCOVERED = {
    "clip": ("lstm", "ifgo", {"clip": 0.3}),
    "couple": ("lstm", "fgo", {"couple": True}),
    "mgu": ("mgu", "fn", {}),
    "krause_linear": ("krause_lstm", "ifgo", {}),
    "krause_input": ("krause_lstm", "ifo", {"candidate": "input", "squash": "sigmoid"}),
    "squashed_gru": ("squashed_gru", "rz", {}),
}


@pytest.mark.parametrize("name", UNCOVERED)
def test_gradient_is_the_slope(rng, name):
    """The complex step gives what a central difference gives, to the digits that one has."""
    cell, gates, options = UNCOVERED[name]
    params, xs = draw(rng, gates, inputs=HIDDEN)
    fields = {"lstm": "hc", "krause_lstm": "hc", "squashed_gru": "c"}.get(cell, "h")
    carry = draw_carry(rng, *fields)
    direction, d_xs = draw(rng, gates, inputs=HIDDEN)
    d_carry, cot_carry = draw_carry(rng, *fields), draw_carry(rng, *fields)
    cot_ys = rng.normal(size=(TIME, 1, HIDDEN))

    def loss(step):
        moved = {k: {g: params[k][g] + step * direction[k][g] for g in gates} for k in params}
        start = {field: carry[field] + step * d_carry[field] for field in fields}
        final, ys = ORACLES[cell](moved, start, xs + step * d_xs, **options)
        return np.sum(ys * cot_ys) + sum(np.sum(final[f] * cot_carry[f]) for f in fields)

    grads = numerical_gradients(ORACLES[cell], params, carry, xs, cot_ys, cot_carry, **options)
    slope = (
        sum(np.sum(grads["params"][k][g] * direction[k][g]) for k in params for g in gates)
        + sum(np.sum(grads["carry"][field] * d_carry[field]) for field in fields)
        + np.sum(grads["xs"] * d_xs)
    )
    # The slope may be near zero: a central difference has an error of its own, not of the slope.
    np.testing.assert_allclose(slope, (loss(1e-5) - loss(-1e-5)) / 2e-5, rtol=1e-7, atol=1e-7)


def row_norm(product, gain, eps):
    """For one row, the norm is affine: the scale and the shift of each unit."""
    scale = gain / np.sqrt(np.var(product) + eps)
    return scale, -scale * np.mean(product)


def draw_gains(rng, params, gates):
    gains = {part: {g: rng.normal(size=HIDDEN) for g in gates} for part in ("gain_x", "gain_h")}
    return params | gains


def without_norms(params, h, x, groups, eps):
    """Kernels and biases that give the normalised pre-activations of this h and x."""
    W, U, b = (dict(params[kind]) for kind in "WUb")
    for gates in groups:
        for kernels, gains, row in ((W, "gain_x", x), (U, "gain_h", h)):
            product = np.concatenate([row @ params["WU"[row is h]][g] for g in gates], axis=-1)
            for g in gates:
                scale, shift = row_norm(product, params[gains][g], eps)
                kernels[g] = kernels[g] * scale
                bias = "hn" if row is h and g == "n" else g
                b[bias] = b[bias] + shift
    return {"W": W, "U": U, "b": b}


@pytest.mark.parametrize("eps", [1e-6, 0.1])
def test_layer_norm_lstm_is_an_lstm_whose_kernels_are_scaled_at_every_step(rng, eps):
    params, xs = draw(rng, "ifgo")
    params = draw_gains(rng, params, "ifgo")
    gain_c, offset_c = rng.normal(size=HIDDEN), rng.normal(size=HIDDEN)
    params |= {"gain_c": {"c": gain_c}, "offset_c": {"c": offset_c}}
    carry = expected = draw_carry(rng, "h", "c")
    ys = []
    for x in xs:
        plain = without_norms(params, expected["h"], x, ["ifgo"], eps)
        after, _ = lstm(plain, expected, x[None], output_fn="identity")
        scale, shift = row_norm(after["c"], gain_c, eps)
        h = after["h"] / after["c"] * np.tanh(after["c"] * scale + shift + offset_c)
        expected = {"h": h, "c": after["c"]}
        ys.append(h)
    assert_same(layer_norm_lstm(params, carry, xs, eps=eps), (expected, np.stack(ys)))


@pytest.mark.parametrize("eps", [1e-6, 0.1])
def test_layer_norm_gru_is_a_gru_whose_kernels_are_scaled_at_every_step(rng, eps):
    params, xs = draw(rng, "rzn")
    params = replace(draw_gains(rng, params, "rzn"), b={"hn": rng.normal(size=HIDDEN)})
    carry = expected = draw_carry(rng, "h")
    ys = []
    for x in xs:
        plain = without_norms(params, expected["h"], x, ["rz", "n"], eps)
        expected, y = gru(plain, expected, x[None])
        ys.append(y[0])
    assert_same(layer_norm_gru(params, carry, xs, eps=eps), (expected, np.stack(ys)))
