"""Oracles of the convolutional cells; conventions as in `numpy_cells`.

xs, ys   (T, B, *space, I) and (T, B, *space, H), with one, two or three axes of space
W, U     (*kernel, I, H) and (*kernel, H, H)
"""

import math

import numpy as np

from .functions import sigmoid


def convolve(x, kernel, strides=1, padding="SAME", dilation=1):
    """Cross-correlation, y[p] = sum over offsets q of x[p * strides + q * dilation] kernel[q].

    padding="VALID"  only positions at which every offset is inside
    padding="SAME"   ceil(length / stride) positions, zeros outside; of an odd number of zeros the
                     larger half is at the end, as in TensorFlow
    """
    sizes = kernel.shape[:-2]
    space = x.shape[-1 - len(sizes) : -1]
    strides = (strides,) * len(sizes) if isinstance(strides, int) else strides
    dilation = (dilation,) * len(sizes) if isinstance(dilation, int) else dilation
    pads, positions = [], []
    for length, size, stride, step in zip(space, sizes, strides, dilation, strict=True):
        reach = (size - 1) * step + 1  # from the first offset to the last
        match padding:
            case "SAME":
                count = math.ceil(length / stride)
                zeros = max((count - 1) * stride + reach - length, 0)
            case "VALID":
                count = math.ceil((length - reach + 1) / stride)
                zeros = 0
            case _:
                raise ValueError(f"unknown padding {padding!r}")
        pads.append((zeros // 2, zeros - zeros // 2))
        positions.append(count)
    batch = x.ndim - 1 - len(sizes)
    padded = np.pad(x, [(0, 0)] * batch + pads + [(0, 0)])
    y = np.zeros((*x.shape[:batch], *positions, kernel.shape[-1]), np.result_type(x, kernel))
    for offset in np.ndindex(*sizes):
        seen = tuple(  # what this entry of the kernel meets, at every position
            slice(q * step, q * step + (count - 1) * stride + 1, stride)
            for q, count, stride, step in zip(offset, positions, strides, dilation, strict=True)
        )
        y += padded[(..., *seen, slice(None))] @ kernel[offset]
    return y


def conv_lstm(params, carry, xs, *, strides=1, padding="SAME", dilation=1):
    """Convolutional LSTM, Shi et al. (2015), without its peepholes.

    i_t, f_t, o_t = sigmoid(conv(x_t, W) + same(h_{t-1}, U) + b), each with its own W, U, b
    g_t = tanh(conv(x_t, W_g) + same(h_{t-1}, U_g) + b_g)
    c_t = f_t * c_{t-1} + i_t * g_t
    h_t = o_t * tanh(c_t)

    `conv` has the options, `same` keeps the size: no strides, no dilation, padding="SAME".
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, c, ys = carry["h"], carry["c"], []
    for x in xs:
        X = {gate: convolve(x, W[gate], strides, padding, dilation) for gate in "ifgo"}
        H = {gate: convolve(h, U[gate]) for gate in "ifgo"}
        i = sigmoid(X["i"] + H["i"] + b["i"])
        f = sigmoid(X["f"] + H["f"] + b["f"])
        g = np.tanh(X["g"] + H["g"] + b["g"])
        o = sigmoid(X["o"] + H["o"] + b["o"])
        c = f * c + i * g
        h = o * np.tanh(c)
        ys.append(h)
    return {"h": h, "c": c}, np.stack(ys)


def conv_gru(params, carry, xs, *, strides=1, padding="SAME", dilation=1, reset="after"):
    """Convolutional GRU, Ballas et al. (2016), which has reset="before".

    r_t = sigmoid(conv(x_t, W_r) + same(h_{t-1}, U_r) + b_r)
    z_t = sigmoid(conv(x_t, W_z) + same(h_{t-1}, U_z) + b_z)
    n_t = tanh(conv(x_t, W_n) + b_n + r_t * (same(h_{t-1}, U_n) + b_hn))    reset="after"
    n_t = tanh(conv(x_t, W_n) + b_n + same(r_t * h_{t-1}, U_n))             reset="before"
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, ys = carry["h"], []
    for x in xs:
        X = {gate: convolve(x, W[gate], strides, padding, dilation) for gate in "rzn"}
        r = sigmoid(X["r"] + convolve(h, U["r"]) + b["r"])
        z = sigmoid(X["z"] + convolve(h, U["z"]) + b["z"])
        match reset:
            case "after":
                n = np.tanh(X["n"] + b["n"] + r * (convolve(h, U["n"]) + b["hn"]))
            case "before":
                n = np.tanh(X["n"] + b["n"] + convolve(r * h, U["n"]))
            case _:
                raise ValueError(f"unknown reset {reset!r}")
        h = (1 - z) * n + z * h
        ys.append(h)
    return {"h": h}, np.stack(ys)
