"""What haste runs where it has no GPU: the LSTM with layer norm, the GRU and the IndRNN."""

import torch

from ..make_torch_vectors import HIDDEN, INPUTS
from .cases import Case, vectors_of
from .loading import anything, load
from .running import columns
from .shapes import by_gate, fields, matrices

PROJECT = "lmnt-com/haste"
PLAIN = (False, 0.0)  # not training, no zoneout


def module(folder, name):
    return load(folder / "frameworks", f"pytorch.{name}", anything("haste_pytorch_lib"))


def run_layer_norm_lstm(folder, p, carry, xs):
    gates = "igfo"
    h, c = module(folder, "layer_norm_lstm").LayerNormLSTMScript(
        *PLAIN,
        xs,
        carry["h"],
        carry["c"],
        columns(p["W"], gates),
        columns(p["U"], gates),
        columns(p["b"], gates),
        torch.stack([columns(p["gain_x"], gates), columns(p["gain_h"], gates)]),
        p["gain_c"]["c"],
        p["offset_c"]["c"],
        None,
    )
    return h[1:], {"h": h[-1], "c": c[-1]}


def run_gru(folder, p, carry, xs):
    """It has a recurrent bias for every gate; ours are split for two of them."""
    gates, b = "zrn", p["b"]
    h = module(folder, "gru").GRUScript(
        *PLAIN,
        xs,
        carry["h"],
        columns(p["W"], gates),
        columns(p["U"], gates),
        torch.cat([0.3 * b["z"], 0.3 * b["r"], b["n"]]),
        torch.cat([0.7 * b["z"], 0.7 * b["r"], b["hn"]]),
        None,
    )
    return h[1:], {"h": h[-1]}


def run_ind_rnn(folder, p, carry, xs):
    script = module(folder, "indrnn").IndRNNScript
    h = script(*PLAIN, xs, carry["h"], p["W"]["h"], p["u"]["h"], p["b"]["h"], None)
    return h[1:], {"h": h[-1]}


CASES = {
    "layer_norm_lstm": Case(
        PROJECT,
        "layer_norm_lstm",
        run_layer_norm_lstm,
        matrices("ifgo")
        | {gain: by_gate("ifgo", HIDDEN) for gain in ["gain_x", "gain_h"]}
        | {name: {"c": (HIDDEN,)} for name in ["gain_c", "offset_c"]},
        fields("hc"),
        {"eps": 1e-5},
    ),
    "gru": Case(
        PROJECT,
        "gru",
        run_gru,
        matrices("rzn") | {"b": by_gate(["r", "z", "n", "hn"], HIDDEN)},
        fields("h"),
    ),
    "ind_rnn_tanh": Case(
        PROJECT,
        "ind_rnn",
        run_ind_rnn,
        {"W": {"h": (INPUTS, HIDDEN)}, "u": {"h": (HIDDEN,)}, "b": {"h": (HIDDEN,)}},
        fields("h"),
        {"activation": "tanh"},
    ),
}


def vectors(folder, seed):
    return vectors_of(CASES, folder, seed)
