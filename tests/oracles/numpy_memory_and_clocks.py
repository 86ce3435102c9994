"""Oracles of multiplicative integration, an orthogonal map, a memory and clocks.

Conventions as in `numpy_cells`.
"""

import numpy as np
from scipy.linalg import expm

from .functions import FUNCTIONS, relu, sigmoid


def multiplicative_integration(params, gate, x, h):
    """alpha * (x W) * (h U) + beta1 * (h U) + beta2 * (x W) + b, Wu et al. (2016), equation 4."""
    from_x, from_h = x @ params["W"][gate], h @ params["U"][gate]
    alpha, beta1, beta2 = (params[k][gate] for k in ("alpha", "beta1", "beta2"))
    return alpha * from_x * from_h + beta1 * from_h + beta2 * from_x + params["b"][gate]


def mi_rnn(params, carry, xs, *, activation="tanh"):
    """Simple network with multiplicative integration, Wu et al. (2016).

    h_t = act(MI_h(x_t, h_{t-1}))
    MI(x, h) = alpha * (x W) * (h U) + beta1 * (h U) + beta2 * (x W) + b
    """
    act = FUNCTIONS[activation]
    h, ys = carry["h"], []
    for x in xs:
        h = act(multiplicative_integration(params, "h", x, h))
        ys.append(h)
    return {"h": h}, np.stack(ys)


def mi_lstm(params, carry, xs):
    """LSTM with multiplicative integration, Wu et al. (2016); MI as in `mi_rnn`.

    i_t = sigmoid(MI_i(x_t, h_{t-1}))
    f_t = sigmoid(MI_f(x_t, h_{t-1}))
    g_t = tanh(MI_g(x_t, h_{t-1}))
    o_t = sigmoid(MI_o(x_t, h_{t-1}))
    c_t = f_t * c_{t-1} + i_t * g_t
    h_t = o_t * tanh(c_t)
    """
    h, c, ys = carry["h"], carry["c"], []
    for x in xs:
        i = sigmoid(multiplicative_integration(params, "i", x, h))
        f = sigmoid(multiplicative_integration(params, "f", x, h))
        g = np.tanh(multiplicative_integration(params, "g", x, h))
        o = sigmoid(multiplicative_integration(params, "o", x, h))
        c = f * c + i * g
        h = o * np.tanh(c)
        ys.append(h)
    return {"h": h, "c": c}, np.stack(ys)


def mi_gru(params, carry, xs):
    """GRU with multiplicative integration, Wu et al. (2016); MI as in `mi_rnn`.

    r_t = sigmoid(MI_r(x_t, h_{t-1}))
    z_t = sigmoid(MI_z(x_t, h_{t-1}))
    n_t = tanh(MI_n(x_t, r_t * h_{t-1}))    the reset comes before the product
    h_t = z_t * h_{t-1} + (1 - z_t) * n_t
    """
    h, ys = carry["h"], []
    for x in xs:
        r = sigmoid(multiplicative_integration(params, "r", x, h))
        z = sigmoid(multiplicative_integration(params, "z", x, h))
        n = np.tanh(multiplicative_integration(params, "n", x, r * h))
        h = z * h + (1 - z) * n
        ys.append(h)
    return {"h": h}, np.stack(ys)


def exp_rnn(params, carry, xs):
    """Network with an orthogonal recurrent matrix, Lezcano-Casado and Martínez-Rubio (2019).

    R = exp(A_h - A_h^T)
    v_t = x_t W_h + h_{t-1} R
    h_t = sign(v_t) * relu(|v_t| + b_h)    modrelu, Arjovsky et al. (2016)
    """
    W, A, b = params["W"], params["A"], params["b"]
    R = expm(A["h"] - A["h"].T)
    h, ys = carry["h"], []
    for x in xs:
        v = x @ W["h"] + h @ R
        sign = np.sign(v.real)
        h = sign * relu(v * sign + b["h"])
        ys.append(h)
    return {"h": h}, np.stack(ys)


def legendre_memory(order, theta):
    """(Ab, Bb) of m_t = Ab m_{t-1} + Bb u_t, the delay by `theta` of Voelker et al. (2019).

    A_ij = (2i + 1) * (-1 if i < j, else (-1)^(i - j + 1))
    B_i = (2i + 1) * (-1)^i
    theta dm/ds = A m + B u, and u is held for the step of length 1; so a step multiplies (m, u) by
    exp([[A, B], [0, 0]] / theta).
    """
    system = np.zeros((order + 1, order + 1))
    for i in range(order):
        for j in range(order):
            system[i, j] = (2 * i + 1) * (-1 if i < j else (-1) ** (i - j + 1))
        system[i, order] = (2 * i + 1) * (-1) ** i
    held = expm(system / theta)
    return held[:order, :order], held[:order, order]


def lmu(params, carry, xs, *, order, theta, channels=1):
    """Legendre memory unit, Voelker, Kajić and Eliasmith (2019).

    u_t = x_t e_x + h_{t-1} e_h + m_{t-1} e_m    a number for every channel
    m_t = Ab m_{t-1} + Bb u_t                    each channel alone: see `legendre_memory`
    h_t = tanh(x_t W_h + h_{t-1} U_h + m_t V_h)

    m is carried as (B, channels * order), one channel after the other.
    """
    e, W, U, V = params["e"], params["W"], params["U"], params["V"]
    Ab, Bb = legendre_memory(order, theta)
    h, m, ys = carry["h"], carry["m"], []
    for x in xs:
        u = x @ e["x"] + h @ e["h"] + m @ e["m"]
        memories = []
        for channel in range(channels):
            old = m[:, channel * order : (channel + 1) * order]
            memories.append(old @ Ab.T + u[:, channel : channel + 1] * Bb)
        m = np.concatenate(memories, axis=-1)
        h = np.tanh(x @ W["h"] + h @ U["h"] + m @ V["h"])
        ys.append(h)
    return {"h": h, "m": m}, np.stack(ys)


def clockwork(params, carry, xs, *, periods, activation="tanh"):
    """Clockwork network, Koutník et al. (2014).

    The units are in modules of one size, module g with the period T_g.

    n_t = act(x_t W_h + h_{t-1} U_h + b_h)
    h_t = n_t where t mod T_g = 0, else h_{t-1}

    Unit j feeds unit i where the period of j is that of i or longer; elsewhere U_h counts as 0. The
    carry `t` is the number of the step that comes, from 0.
    """
    W, U, b = params["W"], params["U"]["h"], params["b"]
    act = FUNCTIONS[activation]
    units = len(U)
    period = [periods[unit * len(periods) // units] for unit in range(units)]
    seen = np.zeros_like(U)
    for j in range(units):
        for i in range(units):
            if period[j] >= period[i]:
                seen[j, i] = U[j, i]
    h, t, ys = carry["h"], carry["t"], []
    for x in xs:
        n = act(x @ W["h"] + h @ seen + b["h"])
        h = np.where(np.mod(t.real, period) == 0, n, h)
        t = t + 1
        ys.append(h)
    return {"h": h, "t": t}, np.stack(ys)


def openness(t, tau, s, r, leak):
    """The time gate of `phased_lstm`: 0 is closed, 1 is open."""
    since = t - s
    phi = (since - tau * np.floor(since.real / tau.real)) / tau
    rising = phi.real < r.real / 2
    falling = phi.real < r.real
    return np.where(rising, 2 * phi / r, np.where(falling, 2 - 2 * phi / r, leak * phi))


def phased_lstm(params, carry, xs, *, leak=0.001):
    """Phased LSTM, Neil, Pfeiffer and Liu (2016); `xs` are the inputs and their times (T, B, 1).

    i_t = sigmoid(x_t W_i + h_{t-1} U_i + P_i * c_{t-1} + b_i)
    f_t = sigmoid(x_t W_f + h_{t-1} U_f + P_f * c_{t-1} + b_f)
    g_t = tanh(x_t W_g + h_{t-1} U_g + b_g)
    ct_t = f_t * c_{t-1} + i_t * g_t
    o_t = sigmoid(x_t W_o + h_{t-1} U_o + P_o * ct_t + b_o)
    ht_t = o_t * tanh(ct_t)
    c_t = k_t * ct_t + (1 - k_t) * c_{t-1}
    h_t = k_t * ht_t + (1 - k_t) * h_{t-1}

    phi_t = ((time - s) mod tau) / tau
    k_t = 2 phi_t / r        where phi_t < r / 2
    k_t = 2 - 2 phi_t / r    where r / 2 <= phi_t < r
    k_t = leak phi_t         elsewhere

    The output gate peeps at ct_t, what the cell would be with an open time gate. The paper prints
    its equation for o_t, with c_t, once, for the LSTM without a time gate, and changes only the
    lines of c and h; read to the letter, o_t would see the c_t that k_t has mixed.
    """
    W, U, b, P = params["W"], params["U"], params["b"], params["P"]
    tau, s, r = params["tau"], params["s"], params["r"]
    h, c, ys = carry["h"], carry["c"], []
    for x, time in zip(*xs, strict=True):
        i = sigmoid(x @ W["i"] + h @ U["i"] + P["i"] * c + b["i"])
        f = sigmoid(x @ W["f"] + h @ U["f"] + P["f"] * c + b["f"])
        g = np.tanh(x @ W["g"] + h @ U["g"] + b["g"])
        c_open = f * c + i * g
        o = sigmoid(x @ W["o"] + h @ U["o"] + P["o"] * c_open + b["o"])
        h_open = o * np.tanh(c_open)
        k = openness(time, tau, s, r, leak)
        c = k * c_open + (1 - k) * c
        h = k * h_open + (1 - k) * h
        ys.append(h)
    return {"h": h, "c": c}, np.stack(ys)
