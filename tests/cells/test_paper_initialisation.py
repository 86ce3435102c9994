"""Cells start as their papers or their authors' code have it; how many numbers they have."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.all_cells import CASES, CONVOLUTIONAL

pytestmark = pytest.mark.once

I, H = 30, 400
ALL = CASES | CONVOLUTIONAL


@pytest.fixture
def draw(rng):
    def init(cell, in_features=I):
        params = cell.init(jax.random.key(int(rng.integers(2**31))), in_features)
        return jax.tree.map(np.asarray, params)

    return init


def assert_uniform(values, low, high):
    """Between the bounds, nearly reaching them, with the moments of a uniform: 5 deviations."""
    values = np.ravel(values)
    width = high - low
    assert low <= values.min() < low + 0.05 * width
    assert high - 0.05 * width < values.max() <= high
    assert abs(values.mean() - (low + high) / 2) < 5 * width / np.sqrt(12 * values.size)


def assert_normal(values, scale):
    values = np.ravel(values)
    assert abs(values.mean()) < 5 * scale / np.sqrt(values.size)
    np.testing.assert_allclose(values.std(), scale, rtol=5 / np.sqrt(2 * values.size))


def test_forget_gates_start_open(draw):
    for cell, gate in (
        (rx.UGRNN(H), "g"),
        (rx.JANET(H), "f"),
        (rx.RAN(H), "f"),
        (rx.MinLSTM(H), "f"),
        (rx.MinimalRNN(H), "u"),
        (rx.MultiplicativeLSTM(H), "f"),
        (rx.FGRLSTM(H), "f"),
        (rx.ConvLSTM(H, (1,)), "f"),
        (rx.LSTM(H, gates="if"), "f"),
    ):
        biases = dict(draw(cell).b.items())
        assert np.all(biases.pop(gate) == 1)
        assert all(np.all(b == 0) for b in biases.values())


def test_ind_rnn_and_unicornn(draw):
    assert_uniform(draw(rx.IndRNN(H)).u.h, 0, 1)
    params = draw(rx.UnICORNN(H))
    assert_uniform(params.u.h, 0, 1)
    assert_uniform(params.c.h, -0.1, 0.1)


def test_antisymmetric(draw):
    params = draw(rx.AntisymmetricRNN(H, gated=True))
    assert_normal(params.W.h, I**-0.5)
    assert_normal(params.W.z, I**-0.5)
    assert_normal(params.U.h, H**-0.5)


def test_oscillators_and_lem_start_as_torch_does(draw):
    for cell in (rx.CoRNN(H), rx.LEM(H)):
        params = draw(cell)
        for group in (params.W, params.U):
            for kernel in jax.tree.leaves(group):
                assert_uniform(kernel, -(H**-0.5), H**-0.5)


def test_brc(draw):
    params = draw(rx.BRC(H))
    assert np.all(params.U.a.diagonal == 1)
    assert np.all(params.U.c.diagonal == 1)
    bound = np.sqrt(6 / (2 * H))
    assert_uniform(draw(rx.BRC(H, neuromodulated=True)).U.a, -bound, bound)
    bound = np.sqrt(6 / (I + H))
    assert_uniform(params.W.h, -bound, bound)


def test_fast_cells(draw):
    params = draw(rx.FastRNN(H))
    assert_normal(params.W.h, 0.1)
    assert_normal(params.U.h, 0.1)
    assert (params.alpha, params.beta) == (-3, 3)
    assert np.all(params.b.h == 1)
    params = draw(rx.FastGRNN(H, recurrent=rx.LowRank(7)))
    assert_normal(params.U.s.left, 0.1)
    assert (params.zeta, params.nu) == (1, -4)
    assert np.all(params.b.z == 1)
    assert np.all(params.b.n == 1)


def test_sru(draw):
    bound = np.sqrt(3 / I)
    for version, gates in ((1, bound), (2, bound * np.sqrt(0.5))):
        params = draw(rx.SRU(H, version=version))
        assert_uniform(params.W.c, -bound, bound)
        assert_uniform(params.W.f, -gates, gates)
        assert_uniform(params.W.r, -gates, gates)
    assert_uniform(params.v.f, -np.sqrt(1.5), np.sqrt(1.5))


def test_lru_is_a_ring_of_stable_eigenvalues_with_unit_variance(draw):
    params = draw(rx.LRU(H, state=2000, r_min=0.6, r_max=0.9, max_phase=1.0), H)
    modulus, phase = np.exp(-np.exp(params.nu)), np.exp(params.theta)
    assert_uniform(modulus**2, 0.36, 0.81)  # uniform over the area of the ring
    assert_uniform(phase, 0, 1)
    np.testing.assert_allclose(np.exp(params.gamma_log), np.sqrt(1 - modulus**2), rtol=1e-12)
    assert_normal(params.B.re, (2 * H) ** -0.5)
    assert_normal(params.C.im, 2000**-0.5)
    assert_normal(params.D.d, 1)


def test_rg_lru_is_a_ring_of_slow_decays(draw):
    params = draw(rx.RGLRU(H, blocks=4), H)
    slowest = 1 / (1 + np.exp(params.Lambda))  # exp(-softplus)
    assert_uniform(slowest**2, 0.81, 0.999**2)


def test_slstm(draw):
    params = draw(rx.SLSTM(H, heads=4))
    assert all(np.all(U.blocks == 0) for _, U in params.U.items())
    fall = 5 - 12 * (np.arange(100) / 99) ** 0.3
    np.testing.assert_allclose(params.b.f.reshape(4, -1), np.stack([fall] * 4), rtol=1e-12)
    np.testing.assert_allclose(draw(rx.SLSTM(2)).b.f, [5, -7])
    assert draw(rx.SLSTM(2, heads=2)).b.f.tolist() == [5, 5]


def test_biases_of_highways_and_gates(draw):
    params = draw(rx.RHN(H, depth=2))
    assert all(np.all(b.t == -2) and np.all(b.h == 0) for b in params.b)
    params = draw(rx.CFN(H))
    assert np.all(params.b.f == 1)
    assert np.all(params.b.i == -1)
    params = draw(rx.IntersectionRNN(H), H)
    assert np.all(params.b.gy == 1)
    assert np.all(params.b.gh == 1)


def test_multiplicative_integration(draw):
    for cell in (rx.MIRNN(H), rx.MILSTM(H), rx.MIGRU(H)):
        params = draw(cell)
        assert params.alpha.names == params.beta1.names == params.W.names
        for group in (params.alpha, params.beta1, params.beta2):
            assert all(np.all(a == 1) for a in jax.tree.leaves(group))
    params = draw(rx.MILSTM(H, alpha=2.0, beta1=0.5, beta2=0.25))
    assert np.all(params.alpha.g == 2)
    assert np.all(params.beta1.g == 0.5)
    assert np.all(params.beta2.g == 0.25)
    assert np.all(params.b.f == 1)


def test_exp_rnn(draw):
    params = draw(rx.ExpRNN(2 * H))
    assert_normal(params.W.h, (2 / I) ** 0.5)
    assert_uniform(params.b.h, -0.01, 0.01)
    angles = np.diag(params.A.h, 1)[::2]
    assert_uniform(-2 * np.arctan(angles), 0, np.pi / 2)
    assert_uniform(np.diag(draw(rx.ExpRNN(2 * H, angles="henaff")).A.h, 1)[::2], -np.pi, np.pi)


def test_lmu(draw):
    params = draw(rx.LMU(H, order=30, theta=50.0, channels=7))
    W, U, V = params
    assert_uniform(W.u, -((3 / I) ** 0.5), (3 / I) ** 0.5)
    assert_uniform(U.u, -((3 / H) ** 0.5), (3 / H) ** 0.5)
    assert np.all(V.u == 0)
    for kernel in (W.h, U.h, V.h):
        assert_normal(kernel, (2 / sum(kernel.shape)) ** 0.5)


def test_clockwork(draw):
    params = draw(rx.ClockworkRNN(H, periods=(1, 2, 4, 8)))
    assert params.U.h.mask == ((1, 0, 0, 0), (1, 1, 0, 0), (1, 1, 1, 0), (1, 1, 1, 1))


def test_phased_lstm(draw):
    params = draw(rx.PhasedLSTM(H))
    assert_uniform(np.log(params.tau), 0, 3)
    assert_uniform(params.s / params.tau, 0, 1)
    assert np.all(params.r == 0.05)
    assert np.all(params.b.f == 1)
    assert params.W.i.shape == (I - 1, H)


def test_operators(draw):
    assert_uniform(draw(rx.GRU(H, recurrent=rx.Diagonal())).U.r.diagonal, -1, 1)
    assert_uniform(draw(rx.GRU(H, recurrent=rx.Diagonal(0.2, 0.3))).U.r.diagonal, 0.2, 0.3)
    blocks = draw(rx.LSTM(H, recurrent=rx.BlockDiagonal(4))).U.g.blocks
    for block in blocks:
        np.testing.assert_allclose(block @ block.T, np.eye(100), atol=1e-12)
    assert not np.allclose(blocks[0], blocks[1])
    low = draw(rx.Elman(H, recurrent=rx.LowRank(3))).U.h
    assert (low.left.shape, low.right.shape) == ((H, 3), (3, H))


def test_convolutions(draw):
    cell = rx.ConvGRU(4, (2, 3))
    for kernel in jax.tree.leaves(draw(cell).U):
        columns = kernel.reshape(-1, 4)
        np.testing.assert_allclose(columns.T @ columns, np.eye(4), atol=1e-12)
    assert np.all(draw(rx.ConvLSTM(4, preset="haiku")).b.f == 1)  # haiku's is of the LSTM family
    assert rx.ConvLSTM(4, 5).kernel_size == (5,)
    assert rx.ConvLSTM(4, (5, 3), padding="VALID").out_batch_shape((2, 3, 3)) == (2, 0, 1)


def named(key, shape, gates, dtype=float):
    """A number for every gate, by its name."""
    return {gate: jnp.full(shape, float(sum(map(ord, gate))), dtype) for gate in gates}


WITH_PRESETS = sorted(
    {type(case.cell): case for case in ALL.values() if hasattr(case.cell, "preset")}.items(),
    key=lambda item: item[0].__name__,
)


@pytest.mark.parametrize(
    "case", [c for _, c in WITH_PRESETS], ids=[t.__name__ for t, _ in WITH_PRESETS]
)
def test_what_is_drawn_for_a_gate_goes_to_that_gate(case):
    """Kernels and biases by the names of their gates; biases beside those of the paper."""
    preset = rx.initializers.Preset(W=named, U=named, b=named, P=named, V=named)
    plain = rx.initializers.Preset()
    key = jax.random.key(0)
    got, usual = (
        dataclasses.replace(case.cell, preset=p).init(key, case.in_features)
        for p in (preset, plain)
    )
    for field in got._fields:
        groups = getattr(got, field)
        others = getattr(usual, field)
        if isinstance(groups, rx.Gates):
            groups, others = (groups,), (others,)
        if not isinstance(groups, tuple):
            continue
        for group, other in zip(groups, others, strict=True):
            for gate, kernel in group.items():
                wanted = sum(map(ord, gate))
                for a, b in zip(jax.tree.leaves(kernel), jax.tree.leaves(other[gate]), strict=True):
                    if field == "b":
                        assert np.all(np.abs(a - b - wanted) < 1e-9), f"{field}.{gate}"
                    elif not np.array_equal(a, b):  # drawn by the preset
                        assert np.all(a == wanted), f"{field}.{gate}"


DEFAULTS = {
    rx.AntisymmetricRNN: {"gated": False, "epsilon": 0.01, "gamma": 0.01},
    rx.CoRNN: {"dt": 0.06, "gamma": 66.0, "epsilon": 15.0},
    rx.UnICORNN: {"dt": 0.2, "alpha": 1.0},
    rx.LEM: {"dt": 1.0},
    rx.JANET: {"beta": 1.0},
    rx.MUT: {"variant": 1},
    rx.SRU: {"version": 2, "highway_scale": 1.0},
    rx.QRNN: {"pooling": "fo", "window": 2},
    rx.SLSTM: {"heads": 1},
    rx.RGLRU: {"blocks": 1},
    rx.RHN: {"depth": 3},
    rx.ConvLSTM: {"kernel_size": (3, 3), "strides": (1, 1), "dilation": (1, 1), "padding": "SAME"},
    rx.ConvGRU: {"kernel_size": (3, 3), "strides": (1, 1), "dilation": (1, 1), "reset": "after"},
    rx.GRU: {"reset": "after", "recurrent_bias": True},
    rx.MILSTM: {"alpha": 1.0, "beta1": 1.0, "beta2": 1.0},
    rx.PhasedLSTM: {"leak": 0.001},
    rx.LRU: {"r_min": 0.0, "r_max": 1.0, "max_phase": 6.283, "size": 4},
}


@pytest.mark.parametrize("cell", DEFAULTS, ids=lambda c: c.__name__)
def test_defaults_are_those_of_the_papers(cell):
    made = cell(4)
    assert {name: getattr(made, name) for name in DEFAULTS[cell]} == DEFAULTS[cell]


def test_chrono_biases_of_janet(draw):
    biases = rx.initializers.chrono(100, input=None)
    params = draw(rx.JANET(H, preset=rx.initializers.preset("default", b=biases)))
    assert_uniform(np.exp(params.b.f), 1, 99)


# Parameter counts: H I gx + H^2 gh + H p of the paper's equations, written out by hand.
COUNTS = {
    "Elman": (rx.Elman(64), 1, 4_224),
    "GRU before": (rx.GRU(64, reset="before"), 1, 12_672),
    "GRU after": (rx.GRU(64), 1, 12_672 + 64),  # torch and Keras keep two biases per gate: 12,864
    "LSTM": (rx.LSTM(64), 1, 16_896),
    "LSTM, diagonal peepholes": (rx.LSTM(64, peephole="diagonal"), 1, 17_088),
    "LSTM, full peepholes": (rx.LSTM(64, peephole="full"), 1, 29_184),
    "minGRU": (rx.MinGRU(64), 1, 256),
    "minLSTM": (rx.MinLSTM(64), 1, 384),
    "CIFG": (rx.LSTM(64, couple=True), 1, 12_672),
    "NFG": (rx.LSTM(64, gates="io"), 1, 12_672),
    "FGR": (rx.FGRLSTM(64), 1, 17_088 + 9 * 64 * 64),
    "LSTMP": (rx.LSTM(64, projection=16), 3, 64 * (4 * 3 + 4 * 16 + 4 + 16)),
    "IndyLSTM": (rx.LSTM(64, recurrent=rx.Diagonal()), 1, 64 * (4 + 4 + 4)),
    "IndyGRU": (rx.GRU(64, reset="before", recurrent=rx.Diagonal()), 1, 64 * (3 + 3 + 3)),
    "IndRNN": (rx.IndRNN(128), 2, 128 * (2 + 1 + 1)),
    "MGU": (rx.MGU(64), 3, 2 * 64 * (3 + 64 + 1)),
    "UGRNN": (rx.UGRNN(64), 3, 2 * 64 * (3 + 64 + 1)),
    "JANET": (rx.JANET(64), 3, 2 * 64 * (3 + 64 + 1)),
    "RAN": (rx.RAN(64), 3, 64 * (3 * 3 + 2 * 64 + 2)),
    "LiGRU": (rx.LiGRU(64), 3, 2 * 64 * (3 + 64 + 1)),
    "MUT1": (rx.MUT(64), 64, 64 * (2 * 64 + 2 * 64 + 3)),
    "MUT2": (rx.MUT(64, variant=2), 64, 64 * (2 * 64 + 3 * 64 + 3)),
    "MUT3": (rx.MUT(64, variant=3), 3, 64 * (3 * 3 + 3 * 64 + 3)),
    "SRU 1": (rx.SRU(64, version=1), 64, 3 * 64 * 64 + 2 * 64),
    "SRU 2, projected": (rx.SRU(64), 3, 4 * 64 * 3 + 4 * 64),
    "QRNN fo, window 2": (rx.QRNN(64), 3, 3 * 64 * (2 * 3 + 1)),
    "LRU": (rx.LRU(64, state=16), 64, 3 * 16 + 2 * 64 * 16 + 2 * 16 * 64 + 64),
    "RG-LRU": (rx.RGLRU(64, blocks=4), 64, 2 * 64 * 16 + 2 * 64 + 64),
    "sLSTM": (rx.SLSTM(64, heads=4), 3, 4 * 64 * (3 + 16 + 1)),
    "FastRNN": (rx.FastRNN(64), 3, 64 * (3 + 64 + 1) + 2),
    "FastGRNN": (rx.FastGRNN(64), 3, 64 * (3 + 64 + 2) + 2),
    "coRNN, adding problem": (rx.CoRNN(128), 2, 128 * (2 + 2 * 128 + 1)),
    "LEM": (rx.LEM(64), 3, 4 * 64 * (3 + 64 + 1)),
    "antisymmetric": (rx.AntisymmetricRNN(64), 3, 64 * (3 + 64 + 1)),
    "antisymmetric, gated": (rx.AntisymmetricRNN(64, gated=True), 3, 64 * (2 * 3 + 64 + 2)),
    "BRC": (rx.BRC(64), 3, 64 * (3 * 3 + 2 + 2)),
    "nBRC": (rx.BRC(64, neuromodulated=True), 3, 64 * (3 * 3 + 2 * 64 + 2)),
    "mLSTM (multiplicative)": (rx.MultiplicativeLSTM(64), 3, 64 * (5 * 3 + 5 * 64 + 4)),
    "KrauseLSTM": (rx.KrauseLSTM(64), 3, 4 * 64 * (3 + 64 + 1)),
    "STAR": (rx.STAR(64), 3, 64 * (2 * 3 + 64 + 2)),
    "CFN": (rx.CFN(64), 3, 64 * (3 * 3 + 2 * 64 + 2)),
    "ATR": (rx.ATR(64), 3, 64 * (3 + 64)),
    "LightRU": (rx.LightRU(64), 3, 64 * (2 * 3 + 64 + 2)),
    "MinimalRNN": (rx.MinimalRNN(64), 3, 64 * (3 + 2 * 64 + 2)),
    "NAS": (rx.NAS(64), 3, 8 * 64 * (3 + 64 + 1)),
    "+RNN": (rx.IntersectionRNN(64), 64, 4 * 64 * (2 * 64 + 1)),
    "Jordan": (rx.Jordan(64, readout=5), 3, 64 * (3 + 5 + 1) + 65 * 5),
    "UnICORNN": (rx.UnICORNN(64), 3, 64 * (3 + 3)),
    "SCRN": (rx.SCRN(64, slow=16), 3, 3 * 16 + 64 * (3 + 64 + 16)),
    "RHN, depth 3": (rx.RHN(64), 3, 64 * (2 * 3 + 6 * 64 + 6)),
    "MI-RNN": (rx.MIRNN(64), 3, 64 * (3 + 64 + 4)),
    "MI-LSTM": (rx.MILSTM(64), 3, 4 * 64 * (3 + 64 + 4)),
    "MI-GRU": (rx.MIGRU(64), 3, 3 * 64 * (3 + 64 + 4)),
    "expRNN": (rx.ExpRNN(64), 3, 64 * (3 + 64 + 1)),  # A stored whole
    "LMU, psMNIST": (
        rx.LMU(212, order=256, theta=784),
        1,
        102_027 - 10 * 213,
    ),  # the 102k less the readout
    "Clockwork": (rx.ClockworkRNN(64, periods=(1, 2)), 3, 64 * (3 + 64 + 1)),  # U stored whole
    "Phased LSTM": (rx.PhasedLSTM(64), 4, 4 * 64 * (3 + 64 + 1) + 3 * 64 + 3 * 64),
    "ConvLSTM 3x3": (rx.ConvLSTM(8), 2, 4 * 8 * (9 * 2 + 9 * 8 + 1)),
    "ConvGRU 3x3": (rx.ConvGRU(8), 2, 3 * 8 * (9 * 2 + 9 * 8 + 1) + 8),
}


@pytest.mark.parametrize(("cell", "in_features", "count"), COUNTS.values(), ids=COUNTS)
def test_parameter_counts(cell, in_features, count):
    params = cell.params_like(in_features)
    assert sum(a.size for a in jax.tree.leaves(params)) == count


def test_every_kind_of_cell_is_counted():
    counted = {type(cell) for cell, _, _ in COUNTS.values()}
    cells = {c for c in vars(rx.cells).values() if isinstance(c, type) and issubclass(c, rx.Cell)}
    normed = {rx.LayerNormLSTM, rx.LayerNormGRU, rx.SquashedGRU}
    assert cells - counted == normed
    assert jnp.zeros(()).dtype == np.float64  # the counts do not depend on it
