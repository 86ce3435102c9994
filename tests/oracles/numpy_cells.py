"""Every cell as a float64 NumPy loop, written from its published equation.

An oracle is a function `cell(params, carry, xs, **options) -> (carry, ys)`:

    params   nested dict of arrays, `params["W"]["i"]`; every matrix is stored (in, out)
    carry    dict of arrays, `{"h": (B, H), "c": (B, H)}`
    xs, ys   (T, B, I) and (T, B, out)

The cells of the posts, the common ones and the layer norms are here; the others are by family in
the files that are imported below.

`W` acts on the input, `U` on the recurrent state, `V` on the output, `P` is a peephole, `b` a bias.

The oracles never look at how the library computes: no fused matrices, nothing hoisted, one line per
equation. They also accept complex arrays, which is how `numpy_gradients` differentiates them; hence
no `abs`, `max` or comparison of a complex number: a branch is decided by the real part alone.
"""

import numpy as np

from .functions import FUNCTIONS, clip_to, sigmoid
from .numpy_convolutional import conv_gru, conv_lstm
from .numpy_diagonal import (
    brc,
    ind_rnn,
    lru,
    min_gru,
    min_lstm,
    qrnn,
    rg_lru,
    sru,
    unicornn,
)
from .numpy_gru_family import (
    atr,
    cfn,
    intersection,
    li_gru,
    light_ru,
    minimal_rnn,
    mut,
    rhn,
    star,
    ugrnn,
)
from .numpy_lstm_family import fgr_lstm, janet, multiplicative_lstm, nas, ran, slstm
from .numpy_slow_dynamics import antisymmetric, co_rnn, fast_grnn, fast_rnn, jordan, lem, scrn
from .recurrent_product import recurrent_product


def elman(
    params,
    carry,
    xs,
    *,
    activation="tanh",
    readout=False,
    readout_fn="identity",
    leak=None,
    recurrent="full",
    mask=None,
):
    """Simple recurrent network, Elman (1990), with an optional readout that is not fed back.

    n_t = act(x_t W_h + h_{t-1} U_h + b_h)
    h_t = n_t, or (1 - leak) * h_{t-1} + leak * n_t
    y_t = h_t, or readout_fn(h_t V_y + b_y)

    recurrent   the operator that stands for U, with its mask: see `recurrent_product`
    """
    W, U, b = params["W"], params["U"], params["b"]
    act, read = FUNCTIONS[activation], FUNCTIONS[readout_fn]
    h, ys = carry["h"], []
    for x in xs:
        n = act(x @ W["h"] + recurrent_product(h, U["h"], recurrent, mask) + b["h"])
        h = n if leak is None else (1 - leak) * h + leak * n
        y = read(h @ params["V"]["y"] + b["y"]) if readout else h
        ys.append(y)
    return {"h": h}, np.stack(ys)


def lstm(
    params,
    carry,
    xs,
    *,
    gate_fn="sigmoid",
    candidate_fn="tanh",
    output_fn="tanh",
    peephole=None,
    o_sees="new",
    couple=False,
    clip=None,
    projection=False,
    gates="ifo",
    recurrent="full",
    mask=None,
):
    """Long short-term memory with a forget gate, Gers, Schmidhuber and Cummins (2000).

    i_t = gate_fn(x_t W_i + h_{t-1} U_i + b_i + peep_i(c_{t-1}))
    f_t = gate_fn(x_t W_f + h_{t-1} U_f + b_f + peep_f(c_{t-1}))
    g_t = candidate_fn(x_t W_g + h_{t-1} U_g + b_g)
    c_t = f_t * c_{t-1} + i_t * g_t
    o_t = gate_fn(x_t W_o + h_{t-1} U_o + b_o + peep_o(c_t))
    h_t = o_t * output_fn(c_t)

    peephole    "diagonal": peep(c) = c * P (Gers et al. 2002); "full": peep(c) = c P
    o_sees      the cell state that the output gate peeps at: "new" c_t, "prev" c_{t-1}
    couple      i_t = 1 - f_t (Greff et al. 2017, CIFG)
    clip        c_t is held in [-clip, clip] before anything reads it (Sak et al. 2014)
    projection  h_t = (o_t * output_fn(c_t)) V_h (Sak et al. 2014)
    gates       a gate that is not named is 1, without parameters (Greff et al. 2017, NIG, NFG, NOG)
    recurrent   the operator that stands for U, with its mask: see `recurrent_product`
    """
    W, U, b = params["W"], params["U"], params["b"]
    gate_fn, candidate_fn = FUNCTIONS[gate_fn], FUNCTIONS[candidate_fn]
    output_fn = FUNCTIONS[output_fn]

    def peep(gate, c):
        match peephole:
            case None:
                return 0
            case "diagonal":
                return c * params["P"][gate]
            case "full":
                return c @ params["P"][gate]
            case _:
                raise ValueError(f"unknown peephole {peephole!r}")

    def linear(k, x, h):
        return x @ W[k] + recurrent_product(h, U[k], recurrent, mask) + b[k]

    h, c, ys = carry["h"], carry["c"], []
    for x in xs:
        c_prev = c
        f = gate_fn(linear("f", x, h) + peep("f", c_prev)) if "f" in gates else 1
        if couple:
            i = 1 - f
        else:
            i = gate_fn(linear("i", x, h) + peep("i", c_prev)) if "i" in gates else 1
        g = candidate_fn(linear("g", x, h))
        c = f * c_prev + i * g
        if clip is not None:
            c = clip_to(c, clip)
        seen = {"new": c, "prev": c_prev}[o_sees]
        o = gate_fn(linear("o", x, h) + peep("o", seen)) if "o" in gates else 1
        h = o * output_fn(c)
        if projection:
            h = h @ params["V"]["h"]
        ys.append(h)
    return {"h": h, "c": c}, np.stack(ys)


def gru(
    params,
    carry,
    xs,
    *,
    gate_fn="sigmoid",
    candidate_fn="tanh",
    reset="after",
    recurrent_bias=True,
    recurrent="full",
    mask=None,
):
    """Gated recurrent unit, Cho et al. (2014).

    r_t = gate_fn(x_t W_r + h_{t-1} U_r + b_r)
    z_t = gate_fn(x_t W_z + h_{t-1} U_z + b_z)
    n_t = candidate_fn(x_t W_n + b_n + r_t * (h_{t-1} U_n + b_hn))    reset="after" the product
    n_t = candidate_fn(x_t W_n + (r_t * h_{t-1}) U_n + b_n)           reset="before" the product
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}

    Without `recurrent_bias` there is no b_hn; with reset="before" it could not be told from b_n and
    never exists. `recurrent` is the operator that stands for U, with its mask: see
    `recurrent_product`.
    """
    W, U, b = params["W"], params["U"], params["b"]
    gate_fn, candidate_fn = FUNCTIONS[gate_fn], FUNCTIONS[candidate_fn]

    def product(h, gate):
        return recurrent_product(h, U[gate], recurrent, mask)

    h, ys = carry["h"], []
    for x in xs:
        r = gate_fn(x @ W["r"] + product(h, "r") + b["r"])
        z = gate_fn(x @ W["z"] + product(h, "z") + b["z"])
        match reset:
            case "after":
                b_hn = b["hn"] if recurrent_bias else 0
                reset_part = r * (product(h, "n") + b_hn)
            case "before":
                reset_part = product(r * h, "n")
            case _:
                raise ValueError(f"unknown reset {reset!r}")
        n = candidate_fn(x @ W["n"] + b["n"] + reset_part)
        h = (1 - z) * n + z * h
        ys.append(h)
    return {"h": h}, np.stack(ys)


def mgu(params, carry, xs):
    """Minimal gated unit, Zhou et al. (2016).

    f_t = sigmoid(x_t W_f + h_{t-1} U_f + b_f)
    n_t = tanh(x_t W_n + (f_t * h_{t-1}) U_n + b_n)
    h_t = (1 - f_t) * h_{t-1} + f_t * n_t
    """
    W, U, b = params["W"], params["U"], params["b"]
    h, ys = carry["h"], []
    for x in xs:
        f = sigmoid(x @ W["f"] + h @ U["f"] + b["f"])
        n = np.tanh(x @ W["n"] + (f * h) @ U["n"] + b["n"])
        h = (1 - f) * h + f * n
        ys.append(h)
    return {"h": h}, np.stack(ys)


def krause_lstm(params, carry, xs, *, candidate="linear", squash="tanh"):
    """LSTM with the output gate inside the squashing, Krause et al. (2016).

    i_t, f_t, o_t = sigmoid(x_t W + h_{t-1} U + b), each with its own W, U, b
    g_t = x_t W_g + h_{t-1} U_g + b_g    candidate="linear": it is not squashed
    g_t = x_t                            candidate="input": needs as many inputs as hidden units
    c_t = f_t * c_{t-1} + i_t * g_t
    h_t = squash(c_t * o_t)
    """
    W, U, b = params["W"], params["U"], params["b"]
    squash = {"tanh": np.tanh, "sigmoid": sigmoid}[squash]
    h, c, ys = carry["h"], carry["c"], []
    for x in xs:
        i = sigmoid(x @ W["i"] + h @ U["i"] + b["i"])
        f = sigmoid(x @ W["f"] + h @ U["f"] + b["f"])
        o = sigmoid(x @ W["o"] + h @ U["o"] + b["o"])
        match candidate:
            case "linear":
                g = x @ W["g"] + h @ U["g"] + b["g"]
            case "input":
                g = x
            case _:
                raise ValueError(f"unknown candidate {candidate!r}")
        c = f * c + i * g
        h = squash(c * o)
        ys.append(h)
    return {"h": h, "c": c}, np.stack(ys)


def squashed_gru(params, carry, xs):
    """A GRU variant that carries c and shows sigmoid(c); its reset gate acts on the input.

    h_{t-1} = sigmoid(c_{t-1})
    r_t = sigmoid(x_t W_r + h_{t-1} U_r + b_r)
    z_t = sigmoid(x_t W_z + h_{t-1} U_z + b_z)
    c_t = (1 - z_t) * c_{t-1} + z_t * tanh(x_t * r_t)    needs as many inputs as hidden units
    y_t = sigmoid(c_t)
    """
    W, U, b = params["W"], params["U"], params["b"]
    c, ys = carry["c"], []
    for x in xs:
        h = sigmoid(c)
        r = sigmoid(x @ W["r"] + h @ U["r"] + b["r"])
        z = sigmoid(x @ W["z"] + h @ U["z"] + b["z"])
        c = (1 - z) * c + z * np.tanh(x * r)
        ys.append(sigmoid(c))
    return {"c": c}, np.stack(ys)


def layer_norm(parts, eps):
    """Ba, Kiros and Hinton (2016), equation 3: mean and deviation over the units of all parts.

    mu = sum of all units / their number
    sd = sqrt(sum of all (unit - mu)^2 / their number)

    eps is added under the root; the paper has none.
    """
    units = sum(part.shape[-1] for part in parts)
    mu = sum(np.sum(part, axis=-1, keepdims=True) for part in parts) / units
    squares = sum(np.sum((part - mu) * (part - mu), axis=-1, keepdims=True) for part in parts)
    sd = np.sqrt(squares / units + eps)
    return [(part - mu) / sd for part in parts]


def layer_norm_lstm(
    params, carry, xs, *, gate_fn="sigmoid", candidate_fn="tanh", output_fn="tanh", eps=1e-6
):
    """LSTM with layer normalization, Ba, Kiros and Hinton (2016), supplement, equations 20 to 22.

    (i, f, g, o)_t = gain_x * LN(x_t W) + gain_h * LN(h_{t-1} U) + b, each LN over all four gates
    c_t = gate_fn(f_t) * c_{t-1} + gate_fn(i_t) * candidate_fn(g_t)
    h_t = gate_fn(o_t) * output_fn(gain_c * LN(c_t) + offset_c)
    """
    W, U, b = params["W"], params["U"], params["b"]
    gain_x, gain_h = params["gain_x"], params["gain_h"]
    gain_c, offset_c = params["gain_c"]["c"], params["offset_c"]["c"]
    gate_fn, candidate_fn = FUNCTIONS[gate_fn], FUNCTIONS[candidate_fn]
    output_fn = FUNCTIONS[output_fn]
    h, c, ys = carry["h"], carry["c"], []
    for x in xs:
        ix, fx, gx, ox = layer_norm([x @ W["i"], x @ W["f"], x @ W["g"], x @ W["o"]], eps)
        ih, fh, gh, oh = layer_norm([h @ U["i"], h @ U["f"], h @ U["g"], h @ U["o"]], eps)
        i = gate_fn(ix * gain_x["i"] + ih * gain_h["i"] + b["i"])
        f = gate_fn(fx * gain_x["f"] + fh * gain_h["f"] + b["f"])
        g = candidate_fn(gx * gain_x["g"] + gh * gain_h["g"] + b["g"])
        o = gate_fn(ox * gain_x["o"] + oh * gain_h["o"] + b["o"])
        c = f * c + i * g
        (normal,) = layer_norm([c], eps)
        h = o * output_fn(normal * gain_c + offset_c)
        ys.append(h)
    return {"h": h, "c": c}, np.stack(ys)


def layer_norm_gru(params, carry, xs, *, gate_fn="sigmoid", candidate_fn="tanh", eps=1e-6):
    """GRU with layer normalization, Ba, Kiros and Hinton (2016), supplement.

    (r, z)_t = gate_fn(gain_x * LN(x_t W) + gain_h * LN(h_{t-1} U) + b), each LN over both gates
    n_t = candidate_fn(gain_x * LN(x_t W_n) + b_n + r_t * (gain_h * LN(h_{t-1} U_n) + b_hn))
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}    the paper's z is 1 - z
    """
    W, U, b = params["W"], params["U"], params["b"]
    gain_x, gain_h = params["gain_x"], params["gain_h"]
    gate_fn, candidate_fn = FUNCTIONS[gate_fn], FUNCTIONS[candidate_fn]
    h, ys = carry["h"], []
    for x in xs:
        rx, zx = layer_norm([x @ W["r"], x @ W["z"]], eps)
        rh, zh = layer_norm([h @ U["r"], h @ U["z"]], eps)
        (nx,) = layer_norm([x @ W["n"]], eps)
        (nh,) = layer_norm([h @ U["n"]], eps)
        r = gate_fn(rx * gain_x["r"] + rh * gain_h["r"] + b["r"])
        z = gate_fn(zx * gain_x["z"] + zh * gain_h["z"] + b["z"])
        n = candidate_fn(nx * gain_x["n"] + b["n"] + r * (nh * gain_h["n"] + b["hn"]))
        h = (1 - z) * n + z * h
        ys.append(h)
    return {"h": h}, np.stack(ys)


ORACLES = {
    "elman": elman,
    "lstm": lstm,
    "gru": gru,
    "mgu": mgu,
    "krause_lstm": krause_lstm,
    "squashed_gru": squashed_gru,
    "layer_norm_lstm": layer_norm_lstm,
    "layer_norm_gru": layer_norm_gru,
    "fgr_lstm": fgr_lstm,
    "ind_rnn": ind_rnn,
    "min_gru": min_gru,
    "min_lstm": min_lstm,
    "lru": lru,
    "rg_lru": rg_lru,
    "ugrnn": ugrnn,
    "janet": janet,
    "sru": sru,
    "qrnn": qrnn,
    "slstm": slstm,
    "ran": ran,
    "li_gru": li_gru,
    "fast_rnn": fast_rnn,
    "fast_grnn": fast_grnn,
    "co_rnn": co_rnn,
    "lem": lem,
    "antisymmetric": antisymmetric,
    "brc": brc,
    "mut": mut,
    "multiplicative_lstm": multiplicative_lstm,
    "conv_lstm": conv_lstm,
    "conv_gru": conv_gru,
    "star": star,
    "cfn": cfn,
    "atr": atr,
    "light_ru": light_ru,
    "minimal_rnn": minimal_rnn,
    "nas": nas,
    "intersection": intersection,
    "jordan": jordan,
    "unicornn": unicornn,
    "scrn": scrn,
    "rhn": rhn,
}
