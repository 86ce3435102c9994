"""Initial values: each distribution is the one it is called after."""

import dataclasses
import statistics

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from recurrax import initializers
from tests.all_cells import CASES

pytestmark = pytest.mark.once

I, H = 40, 60
KINDS = {"lstm": rx.LSTM, "gru": rx.GRU, "elman": rx.Elman}


def draw(cell, rng, in_features=I):
    return cell.init(jax.random.key(int(rng.integers(2**31))), in_features)


def kernels(params, group):
    return [np.asarray(kernel) for _, kernel in getattr(params, group).items()]


# The tolerances of this file are five standard deviations or more: seeds differ in every run.


def assert_uniform(values, bound):
    """Within the bound, nearly reaching it, and with the standard deviation of a uniform."""
    values = np.ravel(values)
    assert np.max(np.abs(values)) <= bound
    assert np.max(np.abs(values)) > 0.97 * bound
    np.testing.assert_allclose(values.std(), bound / np.sqrt(3), rtol=0.08)


def assert_normal(values, std, cut=None):
    """Mean 0, the standard deviation asked for, cut where it should be; and not uniform."""
    values = np.ravel(values)
    np.testing.assert_allclose(values.std(), std, rtol=0.08)
    assert abs(values.mean()) < 5 * std / np.sqrt(values.size)
    kurtosis = np.mean(values**4) / np.mean(values**2) ** 2
    if cut is None:
        assert 2.5 < kurtosis < 3.5
    else:
        assert np.max(np.abs(values)) <= cut
        assert 2.05 < kurtosis < 2.7  # a normal cut at two standard deviations: 2.36; uniform: 1.8


def orthogonality_error(kernel):
    return np.max(np.abs(kernel @ kernel.T - np.eye(len(kernel))))


ORTHOGONAL = [
    name
    for name, case in CASES.items()
    if getattr(case.cell, "preset", None) == "default"
    and isinstance(getattr(case.cell.params_like(case.in_features), "U", None), rx.Gates)
    and not isinstance(case.cell, rx.Jordan | rx.SLSTM)  # as input kernels; zeros
]


@pytest.mark.parametrize("name", ORTHOGONAL)
def test_the_default_recurrent_kernels_are_orthogonal_gate_by_gate(name, rng):
    params = draw(CASES[name].cell, rng, CASES[name].in_features)
    for kernel in kernels(params, "U"):
        if kernel.dtype == object:  # an operator in the place of a matrix
            continue
        if kernel.shape[0] == kernel.shape[1]:
            assert orthogonality_error(kernel) < 1e-12
        else:  # a projection: (projection, features), orthonormal rows
            assert orthogonality_error(kernel) < 1e-12 or kernel.shape[0] > kernel.shape[1]


def test_gates_are_drawn_independently(rng):
    params = draw(rx.LSTM(H), rng)
    for group in ("W", "U"):
        drawn = kernels(params, group)
        for a in range(4):
            for b in range(a):
                correlation = np.corrcoef(drawn[a].ravel(), drawn[b].ravel())[0, 1]
                assert abs(correlation) < 6 / np.sqrt(drawn[a].size)
    assert not np.array_equal(params.W.i, draw(rx.LSTM(H), rng).W.i)


def test_the_same_key_gives_the_same_parameters():
    first, second = (rx.LSTM(H).init(jax.random.key(7), I) for _ in range(2))
    assert all(
        np.array_equal(a, b)
        for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_default_and_linen(kind, rng):
    for preset in ("default", "linen"):
        params = draw(KINDS[kind](H, preset=preset), rng)
        # LeCun normal, cut at two standard deviations of the uncut normal
        assert_normal(kernels(params, "W"), I**-0.5, cut=2 * I**-0.5 / 0.8796)
        for gate, bias in params.b.items():
            forget = kind == "lstm" and gate == "f" and preset == "default"
            assert np.all(np.asarray(bias) == (1.0 if forget else 0.0))
        assert max(orthogonality_error(u) for u in kernels(params, "U")) < 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_torch(kind, rng):
    bound = H**-0.5
    members = [draw(KINDS[kind](H, preset="torch"), rng) for _ in range(30)]
    assert_uniform([kernels(p, "W") for p in members], bound)
    assert_uniform([kernels(p, "U") for p in members], bound)
    for gate in members[0].b.names:
        biases = np.array([p.b[gate] for p in members])
        if kind == "gru" and gate in ("n", "hn"):  # kept apart, as torch keeps them
            assert_uniform(biases, bound)
        else:  # the sum of two: a triangle of twice the width
            assert np.max(np.abs(biases)) > 1.5 * bound
            np.testing.assert_allclose(biases.std(), bound * np.sqrt(2 / 3), rtol=0.08)
    projected = [draw(rx.LSTM(H, projection=7, preset="torch"), rng).V.h for _ in range(10)]
    assert_uniform(projected, bound)


@pytest.mark.parametrize("kind", KINDS)
def test_keras(kind, rng):
    params = draw(KINDS[kind](H, preset="keras"), rng)
    gates = len(params.W.names)
    assert_uniform(kernels(params, "W"), np.sqrt(6 / (I + gates * H)))
    # orthogonal as one wide kernel (H, gates * H): its rows are orthonormal
    assert orthogonality_error(np.concatenate(kernels(params, "U"), axis=1)) < 1e-12
    if gates > 1:
        assert orthogonality_error(kernels(params, "U")[0]) > 0.1
    assert all(
        np.all(np.asarray(bias) == (kind == "lstm" and gate == "f"))
        for gate, bias in params.b.items()
    )


def test_haiku(rng):
    lstm = draw(rx.LSTM(H, preset="haiku"), rng)
    scale = (I + H) ** -0.5  # the fan-in of [x, h]
    for group in ("W", "U"):
        assert_normal(kernels(lstm, group), 0.8796 * scale, cut=2 * scale)
    assert np.all(np.asarray(lstm.b.f) == 1)  # the +1 of its forward pass
    assert np.all(np.asarray(lstm.b.o) == 0)
    gru = draw(rx.GRU(H, preset="haiku"), rng)
    assert_normal(kernels(gru, "W"), I**-0.5, cut=2 * I**-0.5 / 0.8796)
    assert_normal(kernels(gru, "U"), H**-0.5, cut=2 * H**-0.5 / 0.8796)
    rnn = draw(rx.Elman(H, preset="haiku"), rng)
    assert_normal(kernels(rnn, "W"), 0.8796 * I**-0.5, cut=2 * I**-0.5)
    assert_normal(kernels(rnn, "U"), 0.8796 * H**-0.5, cut=2 * H**-0.5)


def test_irnn(rng):
    params = draw(rx.Elman(H, candidate_fn="relu", preset="irnn"), rng)
    assert np.array_equal(params.U.h, np.eye(H))
    assert np.all(np.asarray(params.b.h) == 0)
    assert_normal(params.W.h, 1e-3)
    scaled = initializers.identity(0.01)(jax.random.key(0), (3, 3), jnp.float64)
    assert np.array_equal(scaled, 0.01 * np.eye(3))


def test_glorot_and_lecun(rng):
    for init, check in (
        (initializers.glorot_uniform(), lambda w: assert_uniform(w, np.sqrt(6 / (I + H)))),
        (initializers.lecun_uniform(), lambda w: assert_uniform(w, np.sqrt(3 / I))),
        (
            initializers.glorot_normal(),
            lambda w: assert_normal(w, np.sqrt(2 / (I + H)), cut=2.3 * np.sqrt(2 / (I + H))),
        ),
    ):
        preset = initializers.preset("default", W=initializers.per_gate(init))
        check(kernels(draw(rx.LSTM(H, preset=preset), rng), "W"))


def test_chrono(rng):
    t_max = 100
    preset = initializers.preset("default", b=initializers.chrono(t_max))
    biases = [draw(rx.LSTM(H, preset=preset), rng).b for _ in range(30)]
    memory = np.exp(np.ravel([b.f for b in biases]))  # uniform on (1, t_max - 1)
    assert memory.min() >= 1
    assert memory.max() <= t_max - 1
    assert abs(memory.mean() - t_max / 2) < 5 * t_max / np.sqrt(12 * memory.size)
    for b in biases:
        assert np.array_equal(b.i, -b.f)
        assert np.all(np.asarray(b.g) == 0)
        assert np.all(np.asarray(b.o) == 0)
    patient = initializers.chrono(t_max, forget="z", input=None)
    gru = rx.GRU(H, preset=initializers.preset("linen", b=patient))
    b = draw(gru, rng).b
    assert statistics.median(np.asarray(b.z).tolist()) > 3
    assert np.all(np.asarray(b.r) == 0)


def test_the_forget_bias_goes_to_the_forget_gate_only(rng):
    patient = initializers.preset("linen", forget_bias=2.5)
    for cell in (rx.LSTM(H, preset=patient), rx.KrauseLSTM(H, preset=patient)):
        b = draw(cell, rng).b
        assert np.all(np.asarray(b.f) == 2.5)
        assert all(np.all(np.asarray(bias) == 0) for gate, bias in b.items() if gate != "f")
    assert all(
        np.all(np.asarray(a) == 0) for a in draw(rx.MGU(H, preset=patient), rng).b._arrays.values()
    )


def test_biases_of_ones_own_bring_their_own_forget_bias(rng):
    ones = initializers.per_gate(jax.nn.initializers.ones)
    assert np.all(
        np.asarray(draw(rx.LSTM(H, preset=initializers.preset("default", b=ones)), rng).b.f) == 1
    )
    both = initializers.preset("default", b=ones, forget_bias=1.0)
    assert np.all(np.asarray(draw(rx.LSTM(H, preset=both), rng).b.f) == 2)


def test_peepholes_start_at_zero(rng):
    for peephole in ("diagonal", "full"):
        P = draw(rx.LSTM(H, peephole=peephole), rng).P
        assert all(np.all(np.asarray(p) == 0) for _, p in P.items())


def test_a_preset_is_equal_to_itself_and_makes_equal_cells():
    for name in initializers.PRESETS:
        assert initializers.preset(name, "gru") == initializers.preset(name, "gru")
    mine = [
        initializers.preset("torch", W=initializers.per_gate(initializers.orthogonal(0.5)))
        for _ in range(2)
    ]
    assert rx.LSTM(4, preset=mine[0]) == rx.LSTM(4, preset=mine[1])
    assert hash(rx.LSTM(4, preset=mine[0])) == hash(rx.LSTM(4, preset=mine[1]))
    assert initializers.preset("torch") != initializers.preset("torch", forget_bias=1.0)
    assert dataclasses.replace(mine[0], forget_bias=3.0).forget_bias == 3.0
