"""Oracles of the cells with a cell state beside the output; conventions as in `numpy_cells`."""

import numpy as np

from .functions import larger, relu, sigmoid, softplus
from .recurrent_product import recurrent_product


def fgr_lstm(params, carry, xs):
    """LSTM with full gate recurrence, Greff et al. (2017), FGR.

    i_t = sigmoid(x_t W_i + h_{t-1} U_i + P_i * c_{t-1} + gates_i + b_i)
    f_t = sigmoid(x_t W_f + h_{t-1} U_f + P_f * c_{t-1} + gates_f + b_f)
    g_t = tanh(x_t W_g + h_{t-1} U_g + b_g)
    c_t = f_t * c_{t-1} + i_t * g_t
    o_t = sigmoid(x_t W_o + h_{t-1} U_o + P_o * c_t + gates_o + b_o)
    h_t = o_t * tanh(c_t)

    gates_k = i_{t-1} R_i[k] + f_{t-1} R_f[k] + o_{t-1} R_o[k], the gates of the step before
    """
    W, U, b, P = params["W"], params["U"], params["b"], params["P"]
    R_i, R_f, R_o = params["R_i"], params["R_f"], params["R_o"]
    h, c, i, f, o = (carry[field] for field in "hcifo")
    ys = []
    for x in xs:
        gates = {k: i @ R_i[k] + f @ R_f[k] + o @ R_o[k] for k in "ifo"}
        i = sigmoid(x @ W["i"] + h @ U["i"] + P["i"] * c + gates["i"] + b["i"])
        f = sigmoid(x @ W["f"] + h @ U["f"] + P["f"] * c + gates["f"] + b["f"])
        g = np.tanh(x @ W["g"] + h @ U["g"] + b["g"])
        c = f * c + i * g
        o = sigmoid(x @ W["o"] + h @ U["o"] + P["o"] * c + gates["o"] + b["o"])
        h = o * np.tanh(c)
        ys.append(h)
    return {"h": h, "c": c, "i": i, "f": f, "o": o}, np.stack(ys)


def multiplicative_lstm(params, carry, xs, *, form="krause"):
    """Multiplicative LSTM, Krause et al. (2016): every gate sees m_t instead of h_{t-1}.

    m_t = (x_t W_m) * (h_{t-1} U_m)
    i_t, f_t, o_t = sigmoid(x_t W + m_t U + b), each with its own W, U, b
    g_t = x_t W_g + m_t U_g + b_g          form="krause", the paper
    g_t = tanh(x_t W_g + m_t U_g + b_g)    form="lstm", the common one
    c_t = f_t * c_{t-1} + i_t * g_t
    h_t = tanh(c_t * o_t)                  form="krause"
    h_t = o_t * tanh(c_t)                  form="lstm"
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, c, ys = carry["h"], carry["c"], []
    for x in xs:
        m = (x @ W["m"]) * (h @ U["m"])
        i = sigmoid(x @ W["i"] + m @ U["i"] + b["i"])
        f = sigmoid(x @ W["f"] + m @ U["f"] + b["f"])
        o = sigmoid(x @ W["o"] + m @ U["o"] + b["o"])
        g = x @ W["g"] + m @ U["g"] + b["g"]
        match form:
            case "krause":
                c = f * c + i * g
                h = np.tanh(c * o)
            case "lstm":
                c = f * c + i * np.tanh(g)
                h = o * np.tanh(c)
            case _:
                raise ValueError(f"unknown form {form!r}")
        ys.append(h)
    return {"h": h, "c": c}, np.stack(ys)


def slstm(params, carry, xs):
    """sLSTM, Beck et al. (2024): an exponential input gate, kept in range by the stabilizer m.

    it_t = x_t W_i + h_{t-1} U_i + b_i
    ft_t = x_t W_f + h_{t-1} U_f + b_f
    z_t = tanh(x_t W_z + h_{t-1} U_z + b_z)
    o_t = sigmoid(x_t W_o + h_{t-1} U_o + b_o)
    l_t = log(sigmoid(ft_t)) + m_{t-1}
    m_t = max(l_t, it_t), or it_t where n_{t-1} = 0: there is nothing to keep in range yet
    i_t = exp(it_t - m_t)
    f_t = exp(l_t - m_t)
    c_t = f_t * c_{t-1} + i_t * z_t
    n_t = f_t * n_{t-1} + i_t
    h_t = o_t * c_t / n_t

    Every U is block-diagonal, with a block for each head.
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, c, n, m = (carry[field] for field in "hcnm")
    ys = []
    for x in xs:
        it = x @ W["i"] + recurrent_product(h, U["i"], "block") + b["i"]
        ft = x @ W["f"] + recurrent_product(h, U["f"], "block") + b["f"]
        z = np.tanh(x @ W["z"] + recurrent_product(h, U["z"], "block") + b["z"])
        o = sigmoid(x @ W["o"] + recurrent_product(h, U["o"], "block") + b["o"])
        kept = -softplus(-ft) + m  # log(sigmoid(ft)) = -log(1 + exp(-ft))
        m = np.where(n.real == 0, it, larger(kept, it))
        i = np.exp(it - m)
        f = np.exp(kept - m)
        c = f * c + i * z
        n = f * n + i
        h = o * c / n
        ys.append(h)
    return {"h": h, "c": c, "n": n, "m": m}, np.stack(ys)


def ran(params, carry, xs, *, output_fn="tanh"):
    """Recurrent additive network, Lee, Levy and Zettlemoyer (2017).

    i_t = sigmoid(x_t W_i + h_{t-1} U_i + b_i)
    f_t = sigmoid(x_t W_f + h_{t-1} U_f + b_f)
    c_t = i_t * (x_t W_c) + f_t * c_{t-1}
    h_t = output_fn(c_t)
    """
    W, U, b = params["W"], params["U"], params["b"]
    output_fn = {"tanh": np.tanh, "identity": lambda c: c}[output_fn]
    h, c, ys = carry["h"], carry["c"], []
    for x in xs:
        i = sigmoid(x @ W["i"] + h @ U["i"] + b["i"])
        f = sigmoid(x @ W["f"] + h @ U["f"] + b["f"])
        c = i * (x @ W["c"]) + f * c
        h = output_fn(c)
        ys.append(h)
    return {"h": h, "c": c}, np.stack(ys)


def janet(params, carry, xs, *, beta=1.0):
    """Just another network, an LSTM with the forget gate only, van der Westhuizen (2018).

    s_t = x_t W_f + c_{t-1} U_f + b_f
    c_t = sigmoid(s_t) * c_{t-1} + (1 - sigmoid(s_t - beta)) * tanh(x_t W_c + c_{t-1} U_c + b_c)
    """
    W, U, b = params["W"], params["U"], params["b"]
    c, ys = carry["c"], []
    for x in xs:
        s = x @ W["f"] + c @ U["f"] + b["f"]
        n = np.tanh(x @ W["c"] + c @ U["c"] + b["c"])
        c = sigmoid(s) * c + (1 - sigmoid(s - beta)) * n
        ys.append(c)
    return {"c": c}, np.stack(ys)


def nas(params, carry, xs):
    """The cell found by neural architecture search, Zoph and Le (2017), as TensorFlow has it.

    X_k = x_t W_k,  H_k = h_{t-1} U_k + b_k
    a_0 = sigmoid(X_0 + H_0)    a_1 = relu(X_1 + H_1)
    a_2 = sigmoid(X_2 + H_2)    a_3 = relu(X_3 * H_3), a product: hence the bias is within H
    a_4 = tanh(X_4 + H_4)       a_5 = sigmoid(X_5 + H_5)
    a_6 = tanh(X_6 + H_6)       a_7 = sigmoid(X_7 + H_7)
    u_t = tanh(tanh(a_0 * a_1) + c_{t-1})
    c_t = u_t * tanh(a_2 + a_3)
    h_t = tanh(c_t * tanh(tanh(a_4 * a_5) + sigmoid(a_6 + a_7)))
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, c, ys = carry["h"], carry["c"], []
    for x in xs:
        X = [x @ W[f"a{k}"] for k in range(8)]
        H = [h @ U[f"a{k}"] + b[f"a{k}"] for k in range(8)]
        a0, a1 = sigmoid(X[0] + H[0]), relu(X[1] + H[1])
        a2, a3 = sigmoid(X[2] + H[2]), relu(X[3] * H[3])
        a4, a5 = np.tanh(X[4] + H[4]), sigmoid(X[5] + H[5])
        a6, a7 = np.tanh(X[6] + H[6]), sigmoid(X[7] + H[7])
        u = np.tanh(np.tanh(a0 * a1) + c)
        c = u * np.tanh(a2 + a3)
        h = np.tanh(c * np.tanh(np.tanh(a4 * a5) + sigmoid(a6 + a7)))
        ys.append(h)
    return {"h": h, "c": c}, np.stack(ys)
