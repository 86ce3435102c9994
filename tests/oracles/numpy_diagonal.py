"""Oracles of the cells whose units do not see each other's state; see `numpy_cells`.

The neuromodulated BRC is here too, beside the one that it extends.
"""

import numpy as np

from .functions import FUNCTIONS, members, sigmoid, softplus
from .recurrent_product import block_product


def ind_rnn(params, carry, xs, *, activation="relu"):
    """Independently recurrent network, Li et al. (2018).

    h_t = act(x_t W_h + u_h * h_{t-1} + b_h)
    """
    W, u, b = params["W"], params["u"], params["b"]
    act = FUNCTIONS[activation]
    h, ys = carry["h"], []
    for x in xs:
        h = act(x @ W["h"] + u["h"] * h + b["h"])
        ys.append(h)
    return {"h": h}, np.stack(ys)


def min_candidate(v, candidate):
    """Feng et al. (2024): v itself, or g(v) > 0, whose logarithm a parallel form can take.

    g(v) = v + 1/2 where v >= 0, else sigmoid(v)
    """
    match candidate:
        case "linear":
            return v
        case "positive":
            return np.where(v.real >= 0, v + 0.5, sigmoid(v))
        case _:
            raise ValueError(f"unknown candidate {candidate!r}")


def min_gru(params, carry, xs, *, candidate="linear"):
    """minGRU, Feng et al. (2024).

    z_t = sigmoid(x_t W_z + b_z)
    n_t = x_t W_h + b_h, or g(x_t W_h + b_h)
    h_t = (1 - z_t) * h_{t-1} + z_t * n_t
    """
    W, b = params["W"], params["b"]
    h, ys = carry["h"], []
    for x in xs:
        z = sigmoid(x @ W["z"] + b["z"])
        n = min_candidate(x @ W["h"] + b["h"], candidate)
        h = (1 - z) * h + z * n
        ys.append(h)
    return {"h": h}, np.stack(ys)


def min_lstm(params, carry, xs, *, candidate="linear"):
    """minLSTM, Feng et al. (2024), whose two gates are scaled to the sum 1.

    f_t = sigmoid(x_t W_f + b_f)
    i_t = sigmoid(x_t W_i + b_i)
    n_t = x_t W_h + b_h, or g(x_t W_h + b_h)
    h_t = f_t / (f_t + i_t) * h_{t-1} + i_t / (f_t + i_t) * n_t
    """
    W, b = params["W"], params["b"]
    h, ys = carry["h"], []
    for x in xs:
        f = sigmoid(x @ W["f"] + b["f"])
        i = sigmoid(x @ W["i"] + b["i"])
        n = min_candidate(x @ W["h"] + b["h"], candidate)
        h = f / (f + i) * h + i / (f + i) * n
        ys.append(h)
    return {"h": h}, np.stack(ys)


def lru(params, carry, xs):
    """Linear recurrent unit, Orvieto et al. (2023).

    lambda = exp(-exp(nu) + i exp(theta))
    s_t = lambda * s_{t-1} + exp(gamma_log) * (x_t (B_re + i B_im))
    y_t = Re(s_t (C_re + i C_im)) + D * x_t    as many inputs as outputs

    Real and imaginary part are kept apart: the imaginary unit of the complex step is another one.
    """
    B, C, D = params["B"], params["C"], params["D"]["d"]
    modulus, angle = np.exp(-np.exp(params["nu"])), np.exp(params["theta"])
    lambda_re, lambda_im = modulus * np.cos(angle), modulus * np.sin(angle)
    gamma = np.exp(params["gamma_log"])
    re, im, ys = carry["re"], carry["im"], []
    for x in xs:
        re, im = (
            lambda_re * re - lambda_im * im + gamma * (x @ B["re"]),
            lambda_re * im + lambda_im * re + gamma * (x @ B["im"]),
        )
        ys.append(re @ C["re"] - im @ C["im"] + D * x)
    return {"re": re, "im": im}, np.stack(ys)


def rg_lru(params, carry, xs):
    """Real-gated linear recurrent unit, De et al. (2024), Griffin.

    r_t = sigmoid(x_t W_r + b_r)    W_r and W_i are block-diagonal
    i_t = sigmoid(x_t W_i + b_i)
    a_t = exp(-8 softplus(Lambda) * r_t)
    m_t = sqrt(1 - a_t^2), or 1 in the first step of a sequence
    h_t = a_t * h_{t-1} + m_t * (i_t * x_t)    as many inputs as hidden units

    The carry `started` is 0 before the first step, and 1 after any.
    """
    W, b, Lambda = params["W"], params["b"], params["Lambda"]
    h, started, ys = carry["h"], carry["started"], []
    for x in xs:
        r = sigmoid(block_product(x, W["r"]["blocks"]) + b["r"])
        i = sigmoid(block_product(x, W["i"]["blocks"]) + b["i"])
        a = np.exp(-8 * softplus(Lambda) * r)
        m = np.where(started.real == 0, 1, np.sqrt(1 - a * a))
        h = a * h + m * (i * x)
        started = np.ones_like(started)
        ys.append(h)
    return {"h": h, "started": started}, np.stack(ys)


def sru(params, carry, xs, *, version=1, output_fn="identity", highway_scale=1.0):
    """Simple recurrent unit, Lei et al. (2017), version 1, and (2018), version 2.

    f_t = sigmoid(x_t W_f + [v_f * c_{t-1}] + b_f)    in brackets: version 2 only
    r_t = sigmoid(x_t W_r + [v_r * c_{t-1}] + b_r)
    c_t = f_t * c_{t-1} + (1 - f_t) * (x_t W_c)
    y_t = r_t * output_fn(c_t) + (1 - r_t) * highway_scale * x_t

    With another number of inputs than units, x_t W_x stands for x_t in the last equation.
    """
    W, b = params["W"], params["b"]
    output_fn = FUNCTIONS[output_fn]
    v = {1: {"f": 0, "r": 0}, 2: params.get("v")}[version]
    c, ys = carry["c"], []
    for x in xs:
        f = sigmoid(x @ W["f"] + v["f"] * c + b["f"])
        r = sigmoid(x @ W["r"] + v["r"] * c + b["r"])
        c = f * c + (1 - f) * (x @ W["c"])
        highway = x @ W["x"] if "x" in W else x
        ys.append(r * output_fn(c) + (1 - r) * highway_scale * highway)
    return {"c": c}, np.stack(ys)


def qrnn(params, carry, xs, *, pooling="fo"):
    """Quasi-recurrent network, Bradbury et al. (2017).

    Z, F, O, I = (tanh, sigmoid, sigmoid, sigmoid)(sum over j of x_{t-j} W[j] + b)
    f:    c_t = f_t * c_{t-1} + (1 - f_t) * z_t,  y_t = c_t
    fo:   c_t = f_t * c_{t-1} + (1 - f_t) * z_t,  y_t = o_t * c_t
    ifo:  c_t = f_t * c_{t-1} + i_t * z_t,        y_t = o_t * c_t

    W has a group for each of the last inputs, W[0] for x_t. The carry `pending[m]` is what inputs
    before the first one add to the sums of step m.
    """
    W, b, pending = members(params["W"]), params["b"], members(carry["pending"])
    gates = {"f": "zf", "fo": "zfo", "ifo": "zfoi"}[pooling]
    time, waiting = len(xs), len(W) - 1
    sums = [dict.fromkeys(gates, 0) for _ in range(time + waiting)]
    for m in range(waiting):
        for gate in gates:
            sums[m][gate] = sums[m][gate] + pending[m][gate]
    for t, x in enumerate(xs):
        for j, kernels in enumerate(W):
            for gate in gates:
                sums[t + j][gate] = sums[t + j][gate] + x @ kernels[gate]
    c, ys = carry["c"], []
    for t in range(time):
        z = np.tanh(sums[t]["z"] + b["z"])
        f = sigmoid(sums[t]["f"] + b["f"])
        i = sigmoid(sums[t]["i"] + b["i"]) if pooling == "ifo" else 1 - f
        c = f * c + i * z
        ys.append(c if pooling == "f" else sigmoid(sums[t]["o"] + b["o"]) * c)
    after = sums[time:]
    if isinstance(carry["pending"], dict):
        after = {str(m): group for m, group in enumerate(after)}
    else:
        after = tuple(after)
    return {"c": c, "pending": after}, np.stack(ys)


def brc(params, carry, xs, *, neuromodulated=False):
    """Bistable recurrent cell, Vecoven, Ernst and Drion (2021).

    a_t = 1 + tanh(x_t W_a + U_a * h_{t-1} + b_a)
    c_t = sigmoid(x_t W_c + U_c * h_{t-1} + b_c)
    h_t = c_t * h_{t-1} + (1 - c_t) * tanh(x_t W_h + a_t * h_{t-1})

    neuromodulated: U_a and U_c are matrices, h_{t-1} U_a and h_{t-1} U_c
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, ys = carry["h"], []
    for x in xs:
        a_h = h @ U["a"] if neuromodulated else h * U["a"]["diagonal"]
        c_h = h @ U["c"] if neuromodulated else h * U["c"]["diagonal"]
        a = 1 + np.tanh(x @ W["a"] + a_h + b["a"])
        c = sigmoid(x @ W["c"] + c_h + b["c"])
        h = c * h + (1 - c) * np.tanh(x @ W["h"] + a * h)
        ys.append(h)
    return {"h": h}, np.stack(ys)


def unicornn(params, carry, xs, *, dt=0.2, alpha=1.0):
    """Undamped independent controlled oscillators, Rusch and Mishra (2021).

    z_t = z_{t-1} - dt sigmoid(c_h) * (tanh(u_h * y_{t-1} + x_t W_h + b_h) + alpha y_{t-1})
    y_t = y_{t-1} + dt sigmoid(c_h) * z_t
    """
    W, u, b, c = params["W"], params["u"], params["b"], params["c"]
    y, z, ys = carry["y"], carry["z"], []
    for x in xs:
        z = z - dt * sigmoid(c["h"]) * (np.tanh(u["h"] * y + x @ W["h"] + b["h"]) + alpha * y)
        y = y + dt * sigmoid(c["h"]) * z
        ys.append(y)
    return {"y": y, "z": z}, np.stack(ys)
