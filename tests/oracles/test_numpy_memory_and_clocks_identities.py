"""Multiplicative integration, an orthogonal map, a memory and clocks.

They are held to the common cells, or to what their papers promise of them.
"""

import inspect
import math

import numpy as np
import pytest
from numpy.polynomial import legendre
from scipy.interpolate import pade
from scipy.linalg import logm

from .identities import assert_gradient_is_the_slope, assert_same, by_steps, layer, tree_map
from .numpy_cells import elman, gru, lstm
from .numpy_memory_and_clocks import (
    clockwork,
    exp_rnn,
    lmu,
    mi_gru,
    mi_lstm,
    mi_rnn,
    openness,
    phased_lstm,
)
from .numpy_problems import BATCH, HIDDEN, INPUTS, SQUARE, TIME, Problem, draw, shapes, simple

pytestmark = pytest.mark.once


ORACLES = {
    "mi_rnn": mi_rnn,
    "mi_lstm": mi_lstm,
    "mi_gru": mi_gru,
    "exp_rnn": exp_rnn,
    "lmu": lmu,
    "clockwork": clockwork,
    "phased_lstm": phased_lstm,
}


def integrating(cell, gates, fields="h", options=None):
    kinds = dict.fromkeys(("W", "U", "b", "alpha", "beta1", "beta2"), gates)
    return simple(cell, fields, options=options, **kinds)


def memory(order, channels, theta):
    states = order * channels
    params = shapes(W="h", U="h") | {"V": {"h": (states, HIDDEN)}}
    params["e"] = {"x": (INPUTS, channels), "h": (HIDDEN, channels), "m": (states, channels)}
    options = {"order": order, "theta": theta, "channels": channels}
    return Problem("lmu", params, {"h": (HIDDEN,), "m": (states,)}, options=options)


CLOCKED = Problem("clockwork", shapes(W="h", U="h", b="h"), {"h": (HIDDEN,), "t": (1,)})
EXP = shapes(W="h", b="h") | {"A": {"h": SQUARE}}
PHASED = shapes(W="i f g o", U="i f g o", b="i f g o", P="i f o")
PROBLEMS = {
    "mi_rnn": integrating("mi_rnn", "h"),
    "mi_rnn_relu": integrating("mi_rnn", "h", options={"activation": "relu"}),
    "mi_lstm": integrating("mi_lstm", "i f g o", "hc"),
    "mi_gru": integrating("mi_gru", "r z n"),
    "exp_rnn": Problem("exp_rnn", EXP, {"h": (HIDDEN,)}),
    "lmu": memory(order=4, channels=1, theta=5.3),
    "lmu_channels": memory(order=3, channels=2, theta=2.7),
    "clockwork": CLOCKED._replace(options={"periods": (1, 2, 3)}),
    "clockwork_relu": CLOCKED._replace(options={"periods": (2, 3), "activation": "relu"}),
    "phased_lstm": Problem(
        "phased_lstm",
        PHASED | {"tau": (HIDDEN,), "s": (HIDDEN,), "r": (HIDDEN,)},
        {"h": (HIDDEN,), "c": (HIDDEN,)},
        options={"leak": 0.2},
    ),
}


def start(rng, name, batch=BATCH):
    """As `draw`, with clocks that stand at different numbers, and with times and rhythms."""
    params, carry, xs = draw(rng, PROBLEMS[name], batch)
    if "t" in carry:
        carry["t"] = 5.0 * np.arange(batch)[:, None]
    if name == "phased_lstm":
        params["tau"] = rng.uniform(1, 3, size=HIDDEN)
        params["r"] = rng.uniform(0.3, 0.9, size=HIDDEN)
        xs = (xs, np.cumsum(rng.uniform(0, 2, size=(TIME, batch, 1)), axis=0))
    return params, carry, xs


def run(name, params, carry, xs, **options):
    problem = PROBLEMS[name]
    return ORACLES[problem.cell](params, carry, xs, **(problem.options | options))


# Multiplicative integration


def relu_elman(params, carry, xs):
    return elman(params, carry, xs, activation="relu")


def gru_before(params, carry, xs):
    return gru(params, carry, xs, reset="before")


ADDITIVE = {"mi_rnn": elman, "mi_rnn_relu": relu_elman, "mi_lstm": lstm, "mi_gru": gru_before}


@pytest.mark.parametrize("name", ADDITIVE)
def test_integration_without_the_product_is_the_cell_that_adds(rng, name):
    params, carry, xs = start(rng, name)
    params["alpha"] = tree_map(np.zeros_like, params["alpha"])
    for beta in ("beta1", "beta2"):
        params[beta] = tree_map(np.ones_like, params[beta])
    assert_same(run(name, params, carry, xs), ADDITIVE[name](params, carry, xs))


@pytest.mark.parametrize("name", ADDITIVE)
def test_integration_is_the_cell_that_adds_with_columns_of_U_scaled_by_the_input(rng, name):
    params, carry, xs = start(rng, name, batch=1)

    def step(carry, x):
        W, U = dict(params["W"]), dict(params["U"])
        for gate in W:
            U[gate] = U[gate] * (params["alpha"][gate] * (x[0] @ W[gate]) + params["beta1"][gate])
            W[gate] = W[gate] * params["beta2"][gate]
        return ADDITIVE[name]({"W": W, "U": U, "b": params["b"]}, carry, x)

    assert_same(run(name, params, carry, xs), by_steps(step, carry, xs))


# An orthogonal matrix


def rotation(A):
    """exp(A - A^T) by the eigenvectors of the Hermitian i (A - A^T)."""
    values, vectors = np.linalg.eigh(1j * (A - A.T))
    return np.einsum("ik,k,jk->ij", vectors, np.exp(-1j * values), vectors.conj()).real


def test_exp_rnn_has_an_orthogonal_matrix(rng):
    params, _, _ = start(rng, "exp_rnn")
    params |= {"b": {"h": np.zeros(HIDDEN)}}
    _, powers = run("exp_rnn", params, {"h": np.eye(HIDDEN)}, np.zeros((TIME, HIDDEN, INPUTS)))
    np.testing.assert_allclose(np.linalg.norm(powers, axis=-1), 1, rtol=1e-13)
    np.testing.assert_allclose(powers[0] @ powers[0].T, np.eye(HIDDEN), atol=1e-13)
    np.testing.assert_allclose(np.linalg.det(powers[0]), 1, rtol=1e-13)
    np.testing.assert_allclose(powers[3], np.linalg.matrix_power(powers[0], 4), atol=1e-13)


def test_exp_rnn_turns_a_plane():
    params = {"W": {"h": np.zeros((1, 2))}, "b": {"h": np.zeros(2)}}
    params["A"] = {"h": np.array([[7.0, 0.3], [0.0, -2.0]])}
    _, ys = exp_rnn(params, {"h": np.array([[1.0, 0.0]])}, np.zeros((9, 1, 1)))
    angles = 0.3 * np.arange(1, 10)
    np.testing.assert_allclose(ys[:, 0], np.stack([np.cos(angles), np.sin(angles)], -1), atol=1e-13)


def test_exp_rnn_without_a_bias_is_linear(rng):
    params, carry, xs = start(rng, "exp_rnn")
    params |= {"b": {"h": np.zeros(HIDDEN)}}
    linear = params | {"U": {"h": rotation(params["A"]["h"])}}
    for h in (carry["h"], np.abs(carry["h"])):
        expected = elman(linear, {"h": h}, xs, activation="identity")
        assert_same(run("exp_rnn", params, {"h": h}, xs), expected)


def test_exp_rnn_moves_every_unit_from_0_by_its_bias(rng):
    params, carry, xs = start(rng, "exp_rnn")
    b = params["b"]["h"] = np.array([0.5, -3.0, 0.1, -3.0, 0.9, -3.0])
    linear = params | {"U": {"h": rotation(params["A"]["h"])}, "b": {"h": 0}}
    dead = []

    def step(carry, x):
        _, v = elman(linear, carry, x, activation="identity")
        y = np.where(v > 0, np.maximum(v + b, 0), np.minimum(v - b, 0))
        dead.append(y == 0)
        return {"h": y[0]}, y

    expected = by_steps(step, carry, xs)
    assert 0 < np.mean(dead) < 1
    assert_same(run("exp_rnn", params, carry, xs), expected)


# A memory


def seen_memory(order, theta, inputs, m):
    """The memory after every number of `inputs` (T,), from the memories m (B, order)."""
    none = np.zeros((order, 1))
    params = {"W": {"h": none[:1]}, "U": {"h": none[:1]}, "V": {"h": none}}
    params["e"] = {"x": np.ones((1, 1)), "h": none[:1], "m": none}
    carry, ms = {"h": np.zeros((len(m), 1)), "m": m}, []
    for u in inputs:
        carry, _ = lmu(params, carry, np.full((1, len(m), 1), u), order=order, theta=theta)
        ms.append(carry["m"])
    return np.stack(ms)


def continuous(order, theta):
    """A and B from one step of the memory: the logarithm of what a step does to (m, u)."""
    step = np.eye(order + 1)
    step[:order, :order] = seen_memory(order, theta, [0.0], np.eye(order))[0].T
    step[:order, order] = seen_memory(order, theta, [1.0], np.zeros((1, order)))[0, 0]
    system = theta * logm(step)
    np.testing.assert_allclose(system[order], 0, atol=1e-12)
    return system[:order, :order], system[:order, order]


def test_lmu_has_the_matrices_of_the_paper():
    A, B = continuous(order=3, theta=6.5)
    np.testing.assert_allclose(A, [[-1, -1, -1], [3, -3, -3], [-5, 5, -5]], atol=1e-11)
    np.testing.assert_allclose(B, [1, -3, 5], atol=1e-11)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_lmu_delays_as_a_pade_approximant(order):
    A, B = continuous(order, theta=7.3)
    taylor = [(-1) ** k / math.factorial(k) for k in range(2 * order)]  # of exp(-s)
    above, below = pade(taylor, order, order - 1)
    for s in (0.3, 2.0, 1j, 1 - 3j):
        response = np.sum(np.linalg.solve(s * np.eye(order) - A, B))
        np.testing.assert_allclose(response, above(s) / below(s), rtol=1e-9)


def test_lmu_remembers_a_slow_wave():
    theta, speed, steps = 60.0, 2 * np.pi / 150, np.arange(400)
    ms = seen_memory(8, theta, np.sin(speed * steps), np.zeros((1, 8)))[:, 0]
    for part in (0.0, 0.25, 0.5, 1.0):
        # Shifted Legendre polynomials; an input stands for the step that ends with it.
        decoded = legendre.legval(2 * part - 1, ms.T)
        passed = np.sin(speed * (steps + 0.5 - part * theta))
        np.testing.assert_allclose(decoded[150:], passed[150:], atol=0.02)


def held(order, theta):
    """A step of dm/ds = (A m + B u) / theta by the series of the exponential."""
    A, B = np.zeros((order, order)), np.zeros(order)
    for i in range(order):
        B[i] = [1, -1][i % 2] * (2 * i + 1)
        for j in range(order):
            A[i, j] = (2 * i + 1) * (-1 if i < j or (i - j) % 2 == 0 else 1)
    terms = [np.linalg.matrix_power(A / theta, k) / math.factorial(k) for k in range(60)]
    return sum(terms), sum(term / (k + 1) for k, term in enumerate(terms)) @ B / theta


@pytest.mark.parametrize("name", ["lmu", "lmu_channels"])
def test_lmu_with_its_memory_folded_into_its_matrices(rng, name):
    params, carry, xs = start(rng, name)
    order, theta, channels = PROBLEMS[name].options.values()
    one_keep, one_write = held(order, theta)
    write = np.kron(np.eye(channels), one_write[None])
    keep = np.kron(np.eye(channels), one_keep.T) + params["e"]["m"] @ write
    V = params["V"]["h"]
    W = params["W"]["h"] + params["e"]["x"] @ write @ V
    U = params["U"]["h"] + params["e"]["h"] @ write @ V

    def step(carry, x):
        h, m = carry["h"][None], carry["m"][None]
        y = layer("tanh", (x, W), (h, U), (m, keep @ V))
        m = layer(
            "identity", (x, params["e"]["x"] @ write), (h, params["e"]["h"] @ write), (m, keep)
        )
        return {"h": y[0], "m": m[0]}, y

    assert_same(run(name, params, carry, xs), by_steps(step, carry, xs))


# Clocks


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("modules", [1, 2, 3])
def test_clockwork_of_one_period_is_an_elman_network(rng, modules, activation):
    params, carry, xs = start(rng, "clockwork")
    last, ys = elman(params, {"h": carry["h"]}, xs, activation=activation)
    options = {"periods": (1,) * modules, "activation": activation}
    expected = (last | {"t": carry["t"] + TIME}, ys)
    assert_same(run("clockwork", params, carry, xs, **options), expected)


SCHEDULE = np.array(
    # the steps 0 to 11 of modules with the periods 1, 2 and 3
    [
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0],
        [1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0],
    ],
    dtype=bool,
)


def test_clockwork_keeps_the_units_whose_time_has_not_come(rng):
    params, carry, _ = start(rng, "clockwork")
    xs = rng.normal(size=(7, BATCH, INPUTS))
    _, ys = run("clockwork", params, carry, xs)
    changed = ys != np.concatenate([carry["h"][None], ys[:-1]])
    for row, first in enumerate((0, 5)):
        updated = np.repeat(SCHEDULE.T[first : first + 7], 2, axis=-1)
        np.testing.assert_array_equal(changed[:, row], updated)


def test_clockwork_is_an_elman_network_whose_slow_units_feed_the_fast(rng):
    params, carry, _ = start(rng, "clockwork")
    xs = rng.normal(size=(7, BATCH, INPUTS))
    kernel = params | {"U": {"h": {"kernel": params["U"]["h"]}}}
    options = {"recurrent": "masked", "mask": np.tril(np.ones((3, 3)))}

    def step(carry, x):
        _, y = elman(kernel, {"h": carry["h"]}, x, **options)
        now = np.repeat(SCHEDULE.T[carry["t"][:, 0].astype(int)], 2, axis=-1)
        h = np.where(now, y[0], carry["h"])
        return {"h": h, "t": carry["t"] + 1}, h[None]

    assert_same(run("clockwork", params, carry, xs), by_steps(step, carry, xs))


def test_clockwork_slowest_module_is_an_elman_network_of_its_own_steps(rng):
    params, carry, _ = start(rng, "clockwork")
    carry = {"h": carry["h"], "t": np.zeros((BATCH, 1))}
    xs = rng.normal(size=(12, BATCH, INPUTS))
    _, ys = run("clockwork", params, carry, xs)
    own = {"W": {"h": params["W"]["h"][:, 4:]}, "U": {"h": params["U"]["h"][4:, 4:]}}
    own["b"] = {"h": params["b"]["h"][4:]}
    _, expected = elman(own, {"h": carry["h"][:, 4:]}, xs[::3])
    assert_same(ys[:, :, 4:], np.repeat(expected, 3, axis=0))


def test_clockwork_ignores_what_would_feed_slow_units_from_fast_ones(rng):
    params, carry, xs = start(rng, "clockwork")
    U = params["U"]["h"].copy()
    U[:2, 2:] = U[2:4, 4:] = np.nan
    actual = run("clockwork", params | {"U": {"h": U}}, carry, xs)
    assert_same(actual, run("clockwork", params, carry, xs), atol=0)


def test_clockwork_counts_in_any_type(rng):
    params, carry, xs = start(rng, "clockwork")
    last, ys = run("clockwork", params, carry | {"t": carry["t"].astype(np.int32)}, xs)
    assert last["t"].dtype.kind == "i"
    assert_same((last, ys), run("clockwork", params, carry, xs), atol=0)


# Time gates


def gate(time, tau, s, r, leak):
    """For one time and one unit, the triangle of the paper's figure 1."""
    phi = np.mod(time - s, tau) / tau
    return np.interp(phi, [0, r / 2, r], [0, 1, 0]) if phi < r else leak * phi


def test_time_gate_is_a_triangle_and_a_leak(rng):
    times = rng.uniform(-9, 9, size=200)
    tau, r = rng.uniform(0.5, 3, size=200), rng.uniform(0.1, 1, size=200)
    s = rng.normal(size=200)
    k = openness(times, tau, s, r, leak=0.2)
    assert np.all((k >= 0) & (k <= 1))
    np.testing.assert_allclose(k, [gate(*a, 0.2) for a in zip(times, tau, s, r, strict=True)])
    np.testing.assert_allclose(openness(times + 3 * tau, tau, s, r, 0.2), k, atol=1e-12)


def test_time_gate_where_its_pieces_meet():
    phi = np.array([0, 0.125, 0.25, 0.375, 0.5, 0.75])
    one = np.ones(6)
    k = openness(3 + 8 * (phi - 2), 8 * one, 3 * one, 0.5 * one, leak=0.5)
    np.testing.assert_array_equal(k, [0, 0.5, 1, 0.5, 0.25, 0.375])


@pytest.mark.parametrize("r", [1.0, 0.25])
def test_phased_lstm_is_a_peephole_lstm_where_its_time_gates_are_open(rng, r):
    params, carry, (xs, _) = start(rng, "phased_lstm")
    tau = np.full(HIDDEN, 2.0**20)
    params |= {"tau": tau, "s": np.full(HIDDEN, 7.0), "r": np.full(HIDDEN, r)}
    times = 7 + 2.0**20 * (r / 2 + np.arange(TIME * BATCH).reshape(TIME, BATCH, 1))
    assert np.all(openness(times, tau, params["s"], params["r"], 0.2) == 1)
    expected = lstm(params, carry, xs, peephole="diagonal")
    assert_same(run("phased_lstm", params, carry, (xs, times)), expected)


def test_phased_lstm_goes_a_part_of_the_way_of_a_peephole_lstm(rng):
    params, carry, (xs, times) = start(rng, "phased_lstm")
    rhythm = [params[name] for name in ("tau", "s", "r")]
    k = np.array(
        [
            [[gate(time, *unit, 0.2) for unit in zip(*rhythm, strict=True)] for (time,) in now]
            for now in times
        ]
    )
    both = np.concatenate([xs, k], axis=-1)

    def step(carry, both):
        x, k = both[..., :INPUTS], both[0, :, INPUTS:]
        whole, _ = lstm(params, carry, x, peephole="diagonal")
        new = {field: k * whole[field] + (1 - k) * carry[field] for field in "hc"}
        return new, new["h"][None]

    assert_same(run("phased_lstm", params, carry, (xs, times)), by_steps(step, carry, both))


def test_phased_lstm_sleeps_where_its_time_gates_are_closed(rng):
    params, carry, (xs, _) = start(rng, "phased_lstm")
    params |= {"tau": np.full(HIDDEN, 2.0), "s": np.zeros(HIDDEN), "r": np.full(HIDDEN, 0.5)}
    times = 1.0 + 2 * np.arange(TIME * BATCH).reshape(TIME, BATCH, 1)  # phi is 1/2
    actual = run("phased_lstm", params, carry, (xs, times), leak=0.0)
    assert_same(actual, (carry, np.stack([carry["h"]] * TIME)), atol=0)


# Every cell


DEFAULTS = {
    "mi_rnn": {"activation": "tanh"},
    "lmu": {"channels": 1},
    "clockwork": {"activation": "tanh"},
    "phased_lstm": {"leak": 0.001},
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults(name):
    parameters = inspect.signature(ORACLES[name]).parameters
    assert {option: parameters[option].default for option in DEFAULTS[name]} == DEFAULTS[name]


@pytest.mark.parametrize("name", PROBLEMS)
def test_gradient_is_the_slope(rng, name):
    problem = PROBLEMS[name]
    point, direction = start(rng, name), start(rng, name)
    if "t" in direction[1]:
        direction[1]["t"] = np.zeros((BATCH, 1))  # the number of a step is not moved
    assert_gradient_is_the_slope(rng, ORACLES[problem.cell], problem.options, point, direction)
