"""Oracles of the cells built for slow or stable dynamics; conventions as in `numpy_cells`."""

import numpy as np

from .functions import FUNCTIONS, sigmoid
from .recurrent_product import recurrent_product


def fast_rnn(params, carry, xs, *, activation="tanh", recurrent="full", mask=None):
    """FastRNN, Kusupati et al. (2018).

    h_t = sigmoid(alpha) act(x_t W_h + h_{t-1} U_h + b_h) + sigmoid(beta) h_{t-1}
    """
    W, U, b = params["W"], params["U"], params["b"]
    alpha, beta = sigmoid(params["alpha"]), sigmoid(params["beta"])
    act = FUNCTIONS[activation]
    h, ys = carry["h"], []
    for x in xs:
        seen = recurrent_product(h, U["h"], recurrent, mask)
        h = alpha * act(x @ W["h"] + seen + b["h"]) + beta * h
        ys.append(h)
    return {"h": h}, np.stack(ys)


def fast_grnn(params, carry, xs, *, activation="tanh", recurrent="full", mask=None):
    """FastGRNN, Kusupati et al. (2018): the gate and the candidate share W and U.

    s_t = x_t W_s + h_{t-1} U_s
    z_t = sigmoid(s_t + b_z)
    n_t = act(s_t + b_n)
    h_t = (sigmoid(zeta) (1 - z_t) + sigmoid(nu)) * n_t + z_t * h_{t-1}
    """
    W, U, b = params["W"], params["U"], params["b"]
    zeta, nu = sigmoid(params["zeta"]), sigmoid(params["nu"])
    act = FUNCTIONS[activation]
    h, ys = carry["h"], []
    for x in xs:
        s = x @ W["s"] + recurrent_product(h, U["s"], recurrent, mask)
        z = sigmoid(s + b["z"])
        n = act(s + b["n"])
        h = (zeta * (1 - z) + nu) * n + z * h
        ys.append(h)
    return {"h": h}, np.stack(ys)


def co_rnn(params, carry, xs, *, dt=0.06, gamma=66.0, epsilon=15.0):
    """Coupled oscillatory network, Rusch and Mishra (2021); the damping is explicit.

    z_t = z_{t-1} + dt (tanh(x_t W_z + y_{t-1} U_y + z_{t-1} U_z + b_z)
                        - gamma y_{t-1} - epsilon z_{t-1})
    y_t = y_{t-1} + dt z_t
    """
    W, U, b = params["W"], params["U"], params["b"]
    y, z, ys = carry["y"], carry["z"], []
    for x in xs:
        force = np.tanh(x @ W["z"] + y @ U["y"] + z @ U["z"] + b["z"])
        z = z + dt * (force - gamma * y - epsilon * z)
        y = y + dt * z
        ys.append(y)
    return {"y": y, "z": z}, np.stack(ys)


def lem(params, carry, xs, *, dt=1.0):
    """Long expressive memory, Rusch et al. (2022).

    dz_t = dt sigmoid(x_t W_tz + y_{t-1} U_tz + b_tz)
    dy_t = dt sigmoid(x_t W_ty + y_{t-1} U_ty + b_ty)
    z_t = (1 - dz_t) * z_{t-1} + dz_t * tanh(x_t W_z + y_{t-1} U_z + b_z)
    y_t = (1 - dy_t) * y_{t-1} + dy_t * tanh(x_t W_y + z_t U_y + b_y)    the new z
    """
    W, U, b = params["W"], params["U"], params["b"]
    y, z, ys = carry["y"], carry["z"], []
    for x in xs:
        dz = dt * sigmoid(x @ W["tz"] + y @ U["tz"] + b["tz"])
        dy = dt * sigmoid(x @ W["ty"] + y @ U["ty"] + b["ty"])
        z = (1 - dz) * z + dz * np.tanh(x @ W["z"] + y @ U["z"] + b["z"])
        y = (1 - dy) * y + dy * np.tanh(x @ W["y"] + z @ U["y"] + b["y"])
        ys.append(y)
    return {"y": y, "z": z}, np.stack(ys)


def antisymmetric(params, carry, xs, *, gated=False, epsilon=0.1, gamma=0.01):
    """Antisymmetric network, Chang et al. (2019).

    M = U_h - U_h^T - gamma I
    n_t = tanh(x_t W_h + h_{t-1} M + b_h)
    h_t = h_{t-1} + epsilon n_t
    gated:  z_t = sigmoid(x_t W_z + h_{t-1} M + b_z)    the same M
            h_t = h_{t-1} + epsilon z_t * n_t
    """
    W, U, b = params["W"], params["U"], params["b"]
    M = U["h"] - U["h"].T - gamma * np.eye(len(U["h"]))
    h, ys = carry["h"], []
    for x in xs:
        n = np.tanh(x @ W["h"] + h @ M + b["h"])
        z = sigmoid(x @ W["z"] + h @ M + b["z"]) if gated else 1
        h = h + epsilon * z * n
        ys.append(h)
    return {"h": h}, np.stack(ys)


def jordan(params, carry, xs, *, activation="tanh", readout_fn="identity"):
    """Jordan network, Jordan (1986): what is fed back is the output.

    h_t = act(x_t W_h + y_{t-1} U_h + b_h)
    y_t = readout_fn(h_t V_y + b_y)
    """
    W, U, V, b = params["W"], params["U"], params["V"], params["b"]
    act, read = FUNCTIONS[activation], FUNCTIONS[readout_fn]
    y, ys = carry["y"], []
    for x in xs:
        h = act(x @ W["h"] + y @ U["h"] + b["h"])
        y = read(h @ V["y"] + b["y"])
        ys.append(y)
    return {"y": y}, np.stack(ys)


def scrn(params, carry, xs, *, alpha=0.95):
    """Structurally constrained network, Mikolov et al. (2015), before its output layer.

    s_t = (1 - alpha) x_t B_s + alpha s_{t-1}
    h_t = sigmoid(s_t P_h + x_t W_h + h_{t-1} U_h)
    y_t = h_t and s_t side by side
    """
    B, P, W, U = params["B"], params["P"], params["W"], params["U"]
    h, s, ys = carry["h"], carry["s"], []
    for x in xs:
        s = (1 - alpha) * (x @ B["s"]) + alpha * s
        h = sigmoid(s @ P["h"] + x @ W["h"] + h @ U["h"])
        ys.append(np.concatenate([h, s], axis=-1))
    return {"h": h, "s": s}, np.stack(ys)
