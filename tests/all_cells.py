"""The table of all cells: every public cell, with the options that change its equations."""

from typing import Any, NamedTuple

import recurrax as rx

B, T, I, H = 2, 4, 3, 5
WIDE = 12  # a norm magnifies rounding where all units are nearly equal, as a few sometimes are


class Case(NamedTuple):
    """A cell, the oracle that knows its equations, and the oracle's options."""

    cell: Any
    oracle: str
    options: dict
    in_features: int = I


CASES = {
    "elman": Case(rx.Elman(H), "elman", {}),
    "elman_relu": Case(rx.Elman(H, activation="relu"), "elman", {"activation": "relu"}),
    "elman_sigmoid": Case(rx.Elman(H, activation="sigmoid"), "elman", {"activation": "sigmoid"}),
    "elman_identity": Case(rx.Elman(H, activation="identity"), "elman", {"activation": "identity"}),
    "elman_readout": Case(rx.Elman(H, readout=2), "elman", {"readout": True}),
    "elman_readout_relu": Case(
        rx.Elman(H, activation="sigmoid", readout=2, readout_fn="tanh"),
        "elman",
        {"activation": "sigmoid", "readout": True, "readout_fn": "tanh"},
    ),
    "lstm": Case(rx.LSTM(H), "lstm", {}),
    "lstm_activations": Case(
        rx.LSTM(H, gate_fn="tanh", candidate_fn="sigmoid", output_fn="relu"),
        "lstm",
        {"gate_fn": "tanh", "candidate_fn": "sigmoid", "output_fn": "relu"},
    ),
    "lstm_peephole": Case(rx.LSTM(H, peephole="diagonal"), "lstm", {"peephole": "diagonal"}),
    "lstm_peephole_prev": Case(
        rx.LSTM(H, peephole="diagonal", o_sees="prev"),
        "lstm",
        {"peephole": "diagonal", "o_sees": "prev"},
    ),
    "lstm_full_peephole": Case(rx.LSTM(H, peephole="full"), "lstm", {"peephole": "full"}),
    "lstm_full_peephole_prev": Case(
        rx.LSTM(H, peephole="full", o_sees="prev"), "lstm", {"peephole": "full", "o_sees": "prev"}
    ),
    "lstm_coupled": Case(rx.LSTM(H, couple=True), "lstm", {"couple": True}),
    "lstm_coupled_peephole": Case(
        rx.LSTM(H, couple=True, peephole="diagonal"),
        "lstm",
        {"couple": True, "peephole": "diagonal"},
    ),
    "lstm_clip": Case(rx.LSTM(H, clip=0.4), "lstm", {"clip": 0.4}),
    "lstm_projection": Case(rx.LSTM(H, projection=4), "lstm", {"projection": True}),
    "lstm_everything": Case(
        rx.LSTM(H, peephole="full", couple=True, clip=0.6, projection=4),
        "lstm",
        {"peephole": "full", "couple": True, "clip": 0.6, "projection": True},
    ),
    "gru": Case(rx.GRU(H), "gru", {"reset": "after"}),
    "gru_no_recurrent_bias": Case(
        rx.GRU(H, recurrent_bias=False), "gru", {"reset": "after", "recurrent_bias": False}
    ),
    "gru_before": Case(rx.GRU(H, reset="before"), "gru", {"reset": "before"}),
    "gru_activations": Case(
        rx.GRU(H, gate_fn="tanh", candidate_fn="sigmoid"),
        "gru",
        {"reset": "after", "gate_fn": "tanh", "candidate_fn": "sigmoid"},
    ),
    "mgu": Case(rx.MGU(H), "mgu", {}),
    "krause_lstm": Case(rx.KrauseLSTM(H), "krause_lstm", {}),
    "krause_lstm_input": Case(
        rx.KrauseLSTM(H, candidate="input"), "krause_lstm", {"candidate": "input"}, H
    ),
    "krause_lstm_sigmoid": Case(
        rx.KrauseLSTM(H, squash="sigmoid"), "krause_lstm", {"squash": "sigmoid"}
    ),
    "squashed_gru": Case(rx.SquashedGRU(H), "squashed_gru", {}, H),
    "layer_norm_lstm": Case(rx.LayerNormLSTM(WIDE), "layer_norm_lstm", {}),
    "layer_norm_lstm_activations": Case(
        rx.LayerNormLSTM(H, eps=0.3, gate_fn="tanh", candidate_fn="sigmoid", output_fn="relu"),
        "layer_norm_lstm",
        {"eps": 0.3, "gate_fn": "tanh", "candidate_fn": "sigmoid", "output_fn": "relu"},
    ),
    "layer_norm_gru": Case(rx.LayerNormGRU(WIDE), "layer_norm_gru", {}),
    "layer_norm_gru_activations": Case(
        rx.LayerNormGRU(H, eps=0.3, gate_fn="tanh", candidate_fn="sigmoid"),
        "layer_norm_gru",
        {"eps": 0.3, "gate_fn": "tanh", "candidate_fn": "sigmoid"},
    ),
}
