"""Cells that are one another for some parameters: no oracle is needed to see a mistake in one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from recurrax.cell.operators import (
    BlockDiagonalKernel,
    DiagonalKernel,
    LowRankKernel,
    MaskedKernel,
)
from recurrax.cells.lmu import delay
from tests.helpers import assert_close, random_like

pytestmark = pytest.mark.once

B, T, I, H = 2, 5, 3, 4


@pytest.fixture(autouse=True)
def equations_add_biases_to_rows():
    with jax.numpy_rank_promotion("allow"):
        yield


@pytest.fixture
def draw(rng):
    def params(cell, in_features=I):
        return random_like(rng, cell.params_like(in_features))

    return params


@pytest.fixture
def xs(rng):
    return jnp.asarray(rng.normal(size=(B, T, I)))


def outputs(cell, params, xs):
    return rx.unroll(cell, params, xs)[1]


def gates(group, **arrays):
    return rx.Gates(group.axes, **arrays)


def test_a_coupled_gate_is_an_lstm_with_the_negated_gate(draw, xs):
    cell = rx.LSTM(H, couple=True)
    params = draw(cell)
    W, U, b = (gates(g, i=-g.f, f=g.f, g=g.g, o=g.o) for g in (params.W, params.U, params.b))
    assert_close(outputs(cell, params, xs), outputs(rx.LSTM(H), params._replace(W=W, U=U, b=b), xs))


@pytest.mark.parametrize("peephole", ["diagonal", "full"])
@pytest.mark.parametrize("o_sees", ["new", "prev"])
def test_peepholes_of_zero_are_no_peepholes(peephole, o_sees, draw, xs):
    cell = rx.LSTM(H, peephole=peephole, o_sees=o_sees)
    params = draw(cell)
    zero = params._replace(P=jax.tree.map(jnp.zeros_like, params.P))
    assert_close(outputs(cell, zero, xs), outputs(rx.LSTM(H), params._replace(P=None), xs))


def test_full_peepholes_of_diagonal_matrices_are_diagonal(draw, xs):
    cell = rx.LSTM(H, peephole="diagonal")
    params = draw(cell)
    P = rx.Gates(("c", "gate"), **{k: jnp.diag(p) for k, p in params.P.items()})
    full = rx.LSTM(H, peephole="full")
    assert_close(outputs(cell, params, xs), outputs(full, params._replace(P=P), xs))


@pytest.mark.parametrize("present", ["fo", "io", "if", "i", ""])
def test_an_absent_gate_is_a_gate_that_is_wide_open(present, draw, xs):
    cell, whole = rx.LSTM(H, gates=present), rx.LSTM(H)
    params = draw(whole)
    kept = [k for k in "ifgo" if k in present or k == "g"]
    W, U, b = (gates(g, **{k: g[k] for k in kept}) for g in (params.W, params.U, params.b))
    shut = {k: jnp.full(H, 50.0) for k in "ifo" if k not in present}  # sigmoid(50) = 1 - 2e-22
    nothing = {
        name: group.replace(**{k: jnp.zeros_like(group[k]) for k in shut})
        for name, group in (("W", params.W), ("U", params.U))
    }
    open_ = params._replace(**nothing, b=params.b.replace(**shut))
    assert_close(outputs(cell, params._replace(W=W, U=U, b=b), xs), outputs(whole, open_, xs))


def test_full_gate_recurrence_without_it_is_the_peephole_lstm(draw, xs):
    cell = rx.FGRLSTM(H)
    params = draw(cell)
    nothing = jax.tree.map(jnp.zeros_like, params.R_i)
    params = params._replace(R_i=nothing, R_f=nothing, R_o=nothing)
    vanilla = rx.LSTM(H, peephole="diagonal")
    like = vanilla.params_like(I)._replace(W=params.W, U=params.U, b=params.b, P=params.P)
    assert_close(outputs(cell, params, xs), outputs(vanilla, like, xs))


def test_a_multiplicative_lstm_whose_m_is_h_is_krause_s(draw, rng):
    """m = (W_m x) * (U_m h) = h where the input makes W_m x one and U_m is the identity."""
    cell, krause = rx.MultiplicativeLSTM(H), rx.KrauseLSTM(H)
    params = draw(cell)
    xs = jnp.asarray(rng.normal(size=(B, T, I))).at[..., 0].set(1.0)
    W_m = jnp.zeros((I, H)).at[0].set(1.0)
    params = params._replace(W=params.W.replace(m=W_m), U=params.U.replace(m=jnp.eye(H)))
    W, U = (gates(g, **{k: g[k] for k in "ifgo"}) for g in (params.W, params.U))
    plain = krause.params_like(I)._replace(W=W, U=U, b=params.b)
    assert_close(outputs(cell, params, xs), outputs(krause, plain, xs))


def test_a_neuromodulated_cell_of_diagonal_matrices_is_bistable(draw, xs):
    cell = rx.BRC(H)
    params = draw(cell)
    U = gates(params.U, **{k: jnp.diag(u.diagonal) for k, u in params.U.items()})
    full = rx.BRC(H, neuromodulated=True)
    assert_close(outputs(cell, params, xs), outputs(full, params._replace(U=U), xs))


@pytest.mark.parametrize("cell", [rx.LSTM, rx.GRU, rx.Elman])
def test_operators_are_the_matrices_that_they_stand_for(cell, rng, draw):
    features = 6
    whole = cell(features)
    params = draw(whole)
    xs = jnp.asarray(rng.normal(size=(B, T, I)))
    mask = ((1, 0, 1), (1, 1, 0), (0, 0, 1))
    zeros = jnp.zeros((3, 3))

    def normal(*shape):
        return jnp.asarray(rng.normal(size=shape))

    def blocks():
        two = normal(2, 3, 3)
        dense = jnp.block([[two[0], zeros], [zeros, two[1]]])
        return BlockDiagonalKernel(two), dense

    def diagonal():
        entries = normal(features)
        return DiagonalKernel(entries), jnp.diag(entries)

    def low_rank():
        left, right = normal(features, 2), normal(2, features)
        return LowRankKernel(left, right), left @ right

    def masked():
        kernel = normal(features, features)
        return MaskedKernel(kernel, mask), kernel * np.kron(np.array(mask), np.ones((2, 2)))

    for operator, make in (
        (rx.BlockDiagonal(2), blocks),
        (rx.Diagonal(), diagonal),
        (rx.LowRank(2), low_rank),
        (rx.Masked(mask), masked),
    ):
        pairs = {k: make() for k in params.U.names}
        special, dense = (
            params._replace(U=gates(params.U, **{k: pair[i] for k, pair in pairs.items()}))
            for i in (0, 1)
        )
        got = outputs(cell(features, recurrent=operator), special, xs)
        assert_close(got, outputs(whole, dense, xs))
        kernel, matrix = make()
        assert kernel.shape == matrix.shape
        for batch in ((), (B,), (2, B)):
            h = rng.normal(size=(*batch, features))  # NumPy leaves the product to the kernel
            assert_close(jnp.asarray(h @ kernel), h @ matrix)
    assert MaskedKernel(normal(3, 6), mask).shape == (3, 6)


def test_ind_rnn_is_an_elman_network_with_a_diagonal_matrix(draw, xs):
    cell = rx.IndRNN(H, candidate_fn="tanh")
    params = draw(cell)
    elman = rx.Elman(H, recurrent=rx.Diagonal())
    U = rx.Gates(("h", "gate"), h=DiagonalKernel(params.u.h))
    like = elman.params_like(I)._replace(W=params.W, U=U, b=params.b)
    assert_close(outputs(cell, params, xs), outputs(elman, like, xs))


def test_fast_rnn_whose_weights_add_up_to_one_leaks(draw, xs):
    cell, leak = rx.FastRNN(H), 0.3
    logit = float(np.log(leak / (1 - leak)))
    params = draw(cell)._replace(alpha=jnp.asarray(logit), beta=jnp.asarray(-logit))
    leaky = rx.Elman(H, leak=leak)
    like = leaky.params_like(I)._replace(W=params.W, U=params.U, b=params.b)
    assert_close(outputs(cell, params, xs), outputs(leaky, like, xs))
    assert_close(outputs(rx.Elman(H, leak=1.0), like, xs), outputs(rx.Elman(H), like, xs))


def test_light_ru_is_star_inside_the_tanh(draw, xs):
    """One step of STAR is tanh of one step of LightRU."""
    light, star = rx.LightRU(H), rx.STAR(H)
    params = draw(light)

    def rename(group):
        return gates(group, **{{"f": "k", "c": "z"}[k]: a for k, a in group.items()})

    same = type(params)(*map(rename, params))
    carry = light.initial_carry((B,))
    h = jnp.tanh(light.step(params, carry, xs[:, 0])[1])
    assert_close(star.step(same, star.initial_carry((B,)), xs[:, 0])[1], h)


def test_sru_2_whose_gates_do_not_see_the_state_is_sru_1(draw, xs):
    second = rx.SRU(H)
    params = draw(second)
    blind = params._replace(v=jax.tree.map(jnp.zeros_like, params.v))
    first = params._replace(v=None)
    assert_close(outputs(second, blind, xs), outputs(rx.SRU(H, version=1), first, xs))


def test_a_qrnn_of_one_input_is_a_min_gru_with_tanh(draw, xs):
    """f-pooling with a window of 1 is h' = f h + (1 - f) z: minGRU with the opposite gate."""
    cell = rx.QRNN(H, pooling="f", window=1)
    params = draw(cell)
    (W,), b = params
    small = rx.MinGRU(H)
    like = small.params_like(I)._replace(W=gates(W, z=-W.f, h=W.z), b=gates(b, z=-b.f, h=b.z))
    f = jax.nn.sigmoid(xs @ W.f + b.f)
    z = jnp.tanh(xs @ W.z + b.z)
    h, want = jnp.zeros((B, H)), []
    for t in range(T):
        h = f[:, t] * h + (1 - f[:, t]) * z[:, t]
        want.append(h)
    assert_close(outputs(cell, params, xs), jnp.stack(want, 1))
    # and of a minGRU whose candidate is small, so that tanh is the identity
    tiny = like._replace(W=like.W.replace(h=1e-7 * like.W.h), b=like.b.replace(h=1e-7 * like.b.h))
    shrunk = params._replace(W=(W.replace(z=1e-7 * W.z),), b=b.replace(z=1e-7 * b.z))
    assert_close(1e7 * outputs(cell, shrunk, xs), 1e7 * outputs(small, tiny, xs))


def test_folded_scrn_is_scrn(draw, xs):
    """P_h s' = alpha P_h s + (1 - alpha) P_h B_s x: one stage on [h, s]."""
    cell = rx.SCRN(H, slow=2, alpha=0.9)
    params = draw(cell)
    B_s, W, U, P = params.B.s, params.W.h, params.U.h, params.P.h
    h, s, want = jnp.zeros((B, H)), jnp.zeros((B, 2)), []
    for t in range(T):
        x = xs[:, t]
        h = jax.nn.sigmoid(
            x @ (W + 0.1 * B_s @ P) + jnp.concatenate([h, s], -1) @ jnp.concatenate([U, 0.9 * P])
        )
        s = 0.9 * s + 0.1 * x @ B_s
        want.append(jnp.concatenate([h, s], -1))
    assert_close(outputs(cell, params, xs), jnp.stack(want, 1))


def test_an_lru_is_a_convolution_with_powers_of_lambda(draw, rng):
    """y_t = Re(C sum_k lambda^k gamma B x_(t-k)) + D x_t, in complex numbers."""
    cell = rx.LRU(H, state=3)
    params = draw(cell, H)
    xs = jnp.asarray(rng.normal(size=(B, T, H)))
    lam = np.exp(-np.exp(np.asarray(params.nu)) + 1j * np.exp(np.asarray(params.theta)))
    Bx = np.asarray(xs) @ (np.asarray(params.B.re) + 1j * np.asarray(params.B.im))
    Bx = Bx * np.exp(np.asarray(params.gamma_log))
    s = np.stack([sum(lam**k * Bx[:, t - k] for k in range(t + 1)) for t in range(T)], 1)
    C = np.asarray(params.C.re) + 1j * np.asarray(params.C.im)
    assert_close(outputs(cell, params, xs), (s @ C).real + np.asarray(params.D.d * xs))


def test_slstm_without_its_stabiliser(draw, rng):
    """h is that of the plain exponential gates, which overflow only for larger inputs."""
    cell = rx.SLSTM(H, heads=2)
    params = draw(cell)
    xs = jnp.asarray(rng.normal(size=(B, T, I)))
    W, U, b = params
    h = c = n = jnp.zeros((B, H))
    want = []
    for t in range(T):
        i, f, z, o = (xs[:, t] @ W[k] + h @ U[k] + b[k] for k in "ifzo")
        c = jax.nn.sigmoid(f) * c + jnp.exp(i) * jnp.tanh(z)
        n = jax.nn.sigmoid(f) * n + jnp.exp(i)
        h = jax.nn.sigmoid(o) * c / n
        want.append(h)
    assert_close(outputs(cell, params, xs), jnp.stack(want, 1))


@pytest.mark.parametrize("size", [1e3, 1e5])
def test_slstm_stays_finite_for_large_gates(size, draw, xs):
    cell = rx.SLSTM(H)
    params = draw(cell)
    for sign in (1, -1):
        large = params._replace(b=params.b.replace(i=params.b.i + sign * size))
        value, grads = jax.value_and_grad(lambda p: jnp.sum(outputs(cell, p, xs) ** 2))(large)
        assert np.isfinite(value)
        assert all(np.all(np.isfinite(g)) for g in jax.tree.leaves(grads))


def test_rg_lru_knows_its_first_step(draw, rng):
    cell = rx.RGLRU(H)
    params = draw(cell, H)
    xs = jnp.asarray(rng.normal(size=(1, T, H)))
    i = jax.nn.sigmoid(xs[:, 0] @ params.W.i + params.b.i)
    _, ys = rx.unroll(cell, params, xs)
    assert_close(ys[:, 0], i * xs[:, 0])  # no factor sqrt(1 - a^2)
    resets = np.zeros((1, T), bool)
    resets[0, 2] = True
    _, again = rx.unroll(cell, params, xs, resets=resets)
    assert_close(again[:, 2:], rx.unroll(cell, params, xs[:, 2:])[1])


def test_an_antisymmetric_network_neither_grows_nor_decays(rng):
    """Without input, bias and diffusion the linear part turns the state: its length is kept."""
    cell = rx.AntisymmetricRNN(H, epsilon=1e-3, gamma=0.0)
    params = jax.tree.map(jnp.zeros_like, cell.params_like(I))
    U = rx.Gates(("h", "gate"), h=jnp.asarray(rng.normal(size=(H, H))))
    params = cell.params_like(I)._replace(
        W=rx.Gates(("x", "gate"), h=jnp.zeros((I, H))), U=U, b=rx.Gates(("gate",), h=jnp.zeros(H))
    )
    start = cell.initial_carry((1,))._replace(h=jnp.asarray(1e-3 * rng.normal(size=(1, H))))
    last, _ = rx.unroll(cell, params, jnp.zeros((1, 500, I)), start)
    ratio = jnp.linalg.norm(last.h) / jnp.linalg.norm(start.h)
    assert abs(ratio - 1) < 0.02  # Euler's method, of first order


def test_highways_of_one_layer_are_a_coupled_update(draw, xs):
    """A recurrent highway of depth 1 is UGRNN with the opposite gate."""
    cell, ugrnn = rx.RHN(H, depth=1), rx.UGRNN(H)
    params = draw(cell)
    (U,), (b,) = params.U, params.b

    def swap(group):
        return gates(group, c=group.h, g=-group.t)

    like = ugrnn.params_like(I)._replace(W=swap(params.W), U=swap(U), b=swap(b))
    assert_close(outputs(cell, params, xs), outputs(ugrnn, like, xs))


@pytest.mark.parametrize(
    ("name", "base"), [("MIRNN", rx.Elman), ("MILSTM", rx.LSTM), ("MIGRU", rx.GRU)]
)
def test_multiplicative_integration_without_its_product_is_the_base_cell(name, base, draw, xs):
    cell = getattr(rx, name)(H)
    base = base(H, reset="before") if name == "MIGRU" else base(H)
    params = draw(cell)
    zero, one = (jax.tree.map(lambda a, v=v: jnp.full_like(a, v), params.alpha) for v in (0, 1))
    plain = params._replace(alpha=zero, beta1=one, beta2=one)
    like = base.params_like(I)._replace(W=params.W, U=params.U, b=params.b)
    assert_close(outputs(cell, plain, xs), outputs(base, like, xs))


def test_a_clockwork_whose_clocks_all_strike_is_an_elman_network(draw, xs):
    cell = rx.ClockworkRNN(H, periods=(1,))
    params = draw(cell)
    dense = params._replace(U=gates(params.U, h=params.U.h.kernel))
    elman = rx.Elman(H).params_like(I)._replace(W=params.W, U=dense.U, b=params.b)
    assert_close(outputs(cell, params, xs), outputs(rx.Elman(H), elman, xs))


def test_modules_of_a_clockwork_run_when_their_clocks_strike(draw, rng):
    """And again from the first step after a reset."""
    cell = rx.ClockworkRNN(6, periods=(1, 2, 3))
    params = draw(cell)
    xs = jnp.asarray(rng.normal(size=(1, 12, I)))
    resets = np.zeros((1, 12), bool)
    resets[0, 7] = True
    _, (carries, _) = rx.unroll_carries(cell, params, xs, resets=resets)
    h = np.asarray(carries.h[0]).reshape(12, 3, 2)
    moved = np.any(h[1:] != h[:-1], axis=-1)
    clock = np.array([*range(7), *range(5)])[1:, None]
    np.testing.assert_array_equal(moved, (clock % np.array([1, 2, 3]) == 0))


def test_faster_modules_do_not_reach_slower_ones(draw, rng):
    cell = rx.ClockworkRNN(6, periods=(1, 2, 4))
    params = draw(cell)
    xs = jnp.asarray(rng.normal(size=(1, 9, I)))

    def last(start):
        carry = cell.initial_carry((1,))._replace(h=start)
        return rx.unroll(cell, params, xs, carry)[0].h[0]

    reached = np.asarray(jax.jacobian(last)(jnp.zeros((1, 6))))[:, 0].reshape(3, 2, 3, 2)
    assert np.array_equal(np.any(reached != 0, axis=(1, 3)), np.triu(np.ones((3, 3), bool)))


def test_folded_lmu_is_lmu(draw, xs):
    """V_h m' = V_h A m + V_h B u: one stage on [h, m]."""
    cell = rx.LMU(H, order=4, theta=3.0)
    params = draw(cell)
    W, U, V = params
    A, B_ = map(jnp.asarray, delay(4, 3.0))
    to_m = A.T + V.u * B_
    h, m, want = jnp.zeros((B, H)), jnp.zeros((B, 4)), []
    for t in range(T):
        x = xs[:, t]
        new = x @ (W.h + W.u * B_ @ V.h) + h @ (U.h + U.u * B_ @ V.h) + m @ (to_m @ V.h)
        m = x @ (W.u * B_) + h @ (U.u * B_) + m @ to_m
        h = jnp.tanh(new)
        want.append(h)
    assert_close(outputs(cell, params, xs), jnp.stack(want, 1))


def test_the_memory_of_an_lmu_is_the_window_of_its_input(draw):
    """Shifted Legendre polynomials with the coefficients m are the last theta steps of u."""
    cell = rx.LMU(H, order=8, theta=40.0)
    params = jax.tree.map(lambda a: jnp.zeros(a.shape), cell.params_like(1))
    params = params._replace(W=params.W.replace(u=jnp.ones((1, 1))))
    u = np.sin(np.arange(200) / 12)
    last, _ = rx.unroll(cell, params, jnp.asarray(u)[None, :, None])
    for ago in (0, 10, 20, 39):
        decoded = sum(
            float(last.m[0, k]) * np.polynomial.Legendre.basis(k)(2 * ago / 40 - 1)
            for k in range(8)
        )
        assert abs(decoded - u[-1 - ago]) < 0.05


def test_the_state_of_an_exp_rnn_keeps_its_length(draw, rng):
    cell = rx.ExpRNN(5)
    params = draw(cell)
    params = params._replace(b=jax.tree.map(jnp.zeros_like, params.b))
    start = rx.ExpRNN.Carry(jnp.asarray(rng.normal(size=(1, 5))))
    last, _ = rx.unroll(cell, params, jnp.zeros((1, 500, I)), start)
    assert_close(jnp.linalg.norm(last.h), jnp.linalg.norm(start.h))


@pytest.mark.parametrize("angles", ["cayley", "henaff"])
def test_an_exp_rnn_starts_with_rotations_of_pairs(angles, rng):
    cell = rx.ExpRNN(5, angles=angles)
    A = np.asarray(cell.init(jax.random.key(int(rng.integers(2**31))), I).A.h)
    assert set(zip(*np.nonzero(A), strict=True)) == {(0, 1), (2, 3)}
    low, high = (-1, 0) if angles == "cayley" else (-np.pi, np.pi)
    assert np.all((low <= A) & (high >= A))


def test_a_phased_lstm_that_is_wide_open_is_a_peephole_lstm(draw, rng):
    """At the middle of the open part k is 1."""
    cell = rx.PhasedLSTM(H)
    params = draw(cell, I + 1)
    params = params._replace(tau=jnp.full(H, 8.0), s=jnp.zeros(H), r=jnp.ones(H))
    xs = jnp.asarray(rng.normal(size=(B, T, I)))
    t = jnp.broadcast_to(8.0 * jnp.arange(T, dtype=float)[:, None] + 4, (B, T, 1))
    lstm = rx.LSTM(H, peephole="diagonal")
    W = rx.Gates(("x", "gate"), **dict(params.W.items()))
    like = lstm.params_like(I)._replace(W=W, U=params.U, b=params.b, P=params.P)
    assert_close(outputs(cell, params, jnp.concatenate([xs, t], -1)), outputs(lstm, like, xs))


def test_a_phased_lstm_keeps_its_state_while_closed(draw, rng):
    cell = rx.PhasedLSTM(H, leak=0.0)
    params = draw(cell, I + 1)
    params = params._replace(tau=jnp.full(H, 8.0), s=jnp.zeros(H), r=jnp.full(H, 0.25))
    times = jnp.asarray([0.5, 1.0, 1.5, 3.0, 5.0, 7.5, 8.5])
    events = jnp.asarray(rng.normal(size=(1, 7, I)))
    xs = jnp.concatenate([events, times[None, :, None]], -1)
    ys = np.asarray(outputs(cell, params, xs))[0]
    np.testing.assert_array_equal(np.any(ys[1:] != ys[:-1], -1), [1, 1, 0, 0, 0, 1])
