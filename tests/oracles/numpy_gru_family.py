"""Oracles of the cells that mix their one state by gates; conventions as in `numpy_cells`."""

import numpy as np

from .functions import members, relu, sigmoid


def ugrnn(params, carry, xs):
    """Update gate network, Collins, Sohl-Dickstein and Sussillo (2017).

    c_t = tanh(x_t W_c + h_{t-1} U_c + b_c)
    g_t = sigmoid(x_t W_g + h_{t-1} U_g + b_g)
    h_t = g_t * h_{t-1} + (1 - g_t) * c_t
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, ys = carry["h"], []
    for x in xs:
        c = np.tanh(x @ W["c"] + h @ U["c"] + b["c"])
        g = sigmoid(x @ W["g"] + h @ U["g"] + b["g"])
        h = g * h + (1 - g) * c
        ys.append(h)
    return {"h": h}, np.stack(ys)


def li_gru(params, carry, xs):
    """Light GRU, Ravanelli et al. (2018), without its batch normalization.

    z_t = sigmoid(x_t W_z + h_{t-1} U_z + b_z)
    n_t = relu(x_t W_n + h_{t-1} U_n + b_n)
    h_t = z_t * h_{t-1} + (1 - z_t) * n_t
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, ys = carry["h"], []
    for x in xs:
        z = sigmoid(x @ W["z"] + h @ U["z"] + b["z"])
        n = relu(x @ W["n"] + h @ U["n"] + b["n"])
        h = z * h + (1 - z) * n
        ys.append(h)
    return {"h": h}, np.stack(ys)


def mut(params, carry, xs, *, variant=1):
    """The three mutations of a GRU, Jozefowicz, Zaremba and Sutskever (2015).

    1:  z_t = sigmoid(x_t W_z + b_z)
        r_t = sigmoid(x_t W_r + h_{t-1} U_r + b_r)
        n_t = tanh((r_t * h_{t-1}) U_n + tanh(x_t) + b_n)    as many inputs as hidden units
    2:  z_t = sigmoid(x_t W_z + h_{t-1} U_z + b_z)
        r_t = sigmoid(x_t + h_{t-1} U_r + b_r)               as many inputs as hidden units
        n_t = tanh((r_t * h_{t-1}) U_n + x_t W_n + b_n)
    3:  z_t = sigmoid(x_t W_z + tanh(h_{t-1}) U_z + b_z)
        r_t = sigmoid(x_t W_r + h_{t-1} U_r + b_r)
        n_t = tanh((r_t * h_{t-1}) U_n + x_t W_n + b_n)
    h_t = n_t * z_t + h_{t-1} * (1 - z_t)
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, ys = carry["h"], []
    for x in xs:
        match variant:
            case 1:
                z = sigmoid(x @ W["z"] + b["z"])
                r = sigmoid(x @ W["r"] + h @ U["r"] + b["r"])
                n = np.tanh((r * h) @ U["n"] + np.tanh(x) + b["n"])
            case 2:
                z = sigmoid(x @ W["z"] + h @ U["z"] + b["z"])
                r = sigmoid(x + h @ U["r"] + b["r"])
                n = np.tanh((r * h) @ U["n"] + x @ W["n"] + b["n"])
            case 3:
                z = sigmoid(x @ W["z"] + np.tanh(h) @ U["z"] + b["z"])
                r = sigmoid(x @ W["r"] + h @ U["r"] + b["r"])
                n = np.tanh((r * h) @ U["n"] + x @ W["n"] + b["n"])
            case _:
                raise ValueError(f"unknown variant {variant!r}")
        h = n * z + h * (1 - z)
        ys.append(h)
    return {"h": h}, np.stack(ys)


def star(params, carry, xs):
    """Stackable recurrent cell, Turkoglu et al. (2022).

    k_t = sigmoid(x_t W_k + h_{t-1} U_k + b_k)
    z_t = tanh(x_t W_z + b_z)
    h_t = tanh((1 - k_t) * h_{t-1} + k_t * z_t)
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, ys = carry["h"], []
    for x in xs:
        k = sigmoid(x @ W["k"] + h @ U["k"] + b["k"])
        z = np.tanh(x @ W["z"] + b["z"])
        h = np.tanh((1 - k) * h + k * z)
        ys.append(h)
    return {"h": h}, np.stack(ys)


def cfn(params, carry, xs):
    """Chaos-free network, Laurent and von Brecht (2017).

    f_t = sigmoid(x_t W_f + h_{t-1} U_f + b_f)
    i_t = sigmoid(x_t W_i + h_{t-1} U_i + b_i)
    h_t = f_t * tanh(h_{t-1}) + i_t * tanh(x_t W_c)
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, ys = carry["h"], []
    for x in xs:
        f = sigmoid(x @ W["f"] + h @ U["f"] + b["f"])
        i = sigmoid(x @ W["i"] + h @ U["i"] + b["i"])
        h = f * np.tanh(h) + i * np.tanh(x @ W["c"])
        ys.append(h)
    return {"h": h}, np.stack(ys)


def atr(params, carry, xs):
    """Addition-subtraction twin-gated network, Zhang et al. (2018).

    p_t = x_t W_p
    q_t = h_{t-1} U_q
    h_t = sigmoid(p_t + q_t) * p_t + sigmoid(p_t - q_t) * h_{t-1}
    """
    W, U = params["W"], params["U"]
    h, ys = carry["h"], []
    for x in xs:
        p = x @ W["p"]
        q = h @ U["q"]
        h = sigmoid(p + q) * p + sigmoid(p - q) * h
        ys.append(h)
    return {"h": h}, np.stack(ys)


def light_ru(params, carry, xs):
    """Light recurrent unit, Ye et al. (2023).

    f_t = sigmoid(x_t W_f + h_{t-1} U_f + b_f)
    h_t = (1 - f_t) * h_{t-1} + f_t * tanh(x_t W_c + b_c)
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, ys = carry["h"], []
    for x in xs:
        f = sigmoid(x @ W["f"] + h @ U["f"] + b["f"])
        h = (1 - f) * h + f * np.tanh(x @ W["c"] + b["c"])
        ys.append(h)
    return {"h": h}, np.stack(ys)


def minimal_rnn(params, carry, xs):
    """MinimalRNN, Chen (2017).

    z_t = tanh(x_t W_z + b_z)
    u_t = sigmoid(h_{t-1} U_h + z_t U_z + b_u)
    h_t = u_t * h_{t-1} + (1 - u_t) * z_t
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, ys = carry["h"], []
    for x in xs:
        z = np.tanh(x @ W["z"] + b["z"])
        u = sigmoid(h @ U["h"] + z @ U["z"] + b["u"])
        h = u * h + (1 - u) * z
        ys.append(h)
    return {"h": h}, np.stack(ys)


def intersection(params, carry, xs):
    """Intersection network or +RNN, Collins, Sohl-Dickstein and Sussillo (2017).

    gy_t = sigmoid(x_t W_gy + h_{t-1} U_gy + b_gy)
    gh_t = sigmoid(x_t W_gh + h_{t-1} U_gh + b_gh)
    y_t = gy_t * x_t + (1 - gy_t) * relu(x_t W_y + h_{t-1} U_y + b_y)    inputs as hidden units
    h_t = gh_t * h_{t-1} + (1 - gh_t) * tanh(x_t W_h + h_{t-1} U_h + b_h)
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, ys = carry["h"], []
    for x in xs:
        gy = sigmoid(x @ W["gy"] + h @ U["gy"] + b["gy"])
        gh = sigmoid(x @ W["gh"] + h @ U["gh"] + b["gh"])
        y = gy * x + (1 - gy) * relu(x @ W["y"] + h @ U["y"] + b["y"])
        h = gh * h + (1 - gh) * np.tanh(x @ W["h"] + h @ U["h"] + b["h"])
        ys.append(y)
    return {"h": h}, np.stack(ys)


def rhn(params, carry, xs):
    """Recurrent highway network with coupled gates, Zilly et al. (2017).

    s_0 = h_{t-1}
    n_l = tanh([x_t W_h] + s_{l-1} U[l]_h + b[l]_h)       in brackets: in the first layer only
    t_l = sigmoid([x_t W_t] + s_{l-1} U[l]_t + b[l]_t)
    s_l = n_l * t_l + s_{l-1} * (1 - t_l)
    h_t = s_depth

    U and b have a group for each layer; their number is the depth.
    """
    W, U, b = params["W"], members(params["U"]), members(params["b"])
    h, ys = carry["h"], []
    for x in xs:
        s = h
        for layer in range(len(U)):
            n_x = x @ W["h"] if layer == 0 else 0
            t_x = x @ W["t"] if layer == 0 else 0
            n = np.tanh(n_x + s @ U[layer]["h"] + b[layer]["h"])
            t = sigmoid(t_x + s @ U[layer]["t"] + b[layer]["t"])
            s = n * t + s * (1 - t)
        h = s
        ys.append(h)
    return {"h": h}, np.stack(ys)
