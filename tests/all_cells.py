"""The table of all cells: every public cell, with the options that change its equations."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import pytest

import recurrax as rx

B, T, I, H = 2, 4, 3, 5
WIDE = 12  # a norm magnifies rounding where all units are nearly equal, as a few sometimes are


MASK = ((1, 1, 0), (0, 1, 1), (0, 0, 1))
SIX = 6  # for what comes in blocks
PERIODS = (1, 2, 3)


class Case(NamedTuple):
    """A cell, the oracle that knows its equations, and the oracle's options."""

    cell: Any
    oracle: str
    options: dict
    in_features: int = I
    valid: Any = None  # makes of random parameters and carries some that a sequence can have
    counters: tuple[str, ...] = ()  # fields of the carry that are whole numbers


class Spatial(NamedTuple):
    """A convolutional cell, its oracle, and the space that it sees."""

    cell: Any
    oracle: str
    options: dict
    space: tuple[int, ...]
    in_features: int = 2


def positive_normaliser(params, carry):
    """The normaliser of an sLSTM is a sum of exponentials."""
    return params, carry._replace(n=1 + abs(carry.n))


def whole_counters(params, carry):
    """The clocks of a Clockwork RNN count whole steps."""
    t = jnp.round(10 * carry.t)
    return params, carry._replace(t=jnp.mod(t, jnp.full_like(t, jnp.array(PERIODS))))


def running_clocks(params, carry):
    """The clocks of a Phased LSTM have positive periods and are open for a part of them."""
    return params._replace(tau=1 + abs(params.tau), r=0.3 + abs(params.r)), carry


CASES = {
    "elman": Case(rx.Elman(H), "elman", {}),
    "elman_relu": Case(rx.Elman(H, candidate_fn="relu"), "elman", {"activation": "relu"}),
    "elman_sigmoid": Case(rx.Elman(H, candidate_fn="sigmoid"), "elman", {"activation": "sigmoid"}),
    "elman_identity": Case(
        rx.Elman(H, candidate_fn="identity"), "elman", {"activation": "identity"}
    ),
    "elman_readout": Case(rx.Elman(H, readout=2), "elman", {"readout": True}),
    "elman_readout_relu": Case(
        rx.Elman(H, candidate_fn="sigmoid", readout=2, output_fn="tanh"),
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
        rx.KrauseLSTM(H, output_fn="sigmoid"), "krause_lstm", {"squash": "sigmoid"}
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
    "elman_leaky": Case(rx.Elman(H, leak=0.3), "elman", {"leak": 0.3}),
    "elman_diagonal": Case(
        rx.Elman(H, recurrent=rx.Diagonal()), "elman", {"recurrent": "diagonal"}
    ),
    "elman_masked": Case(
        rx.Elman(SIX, recurrent=rx.Masked(MASK)), "elman", {"recurrent": "masked", "mask": MASK}
    ),
    "lstm_nig": Case(
        rx.LSTM(H, gates="fo", peephole="diagonal"),
        "lstm",
        {"gates": "fo", "peephole": "diagonal"},
    ),
    "lstm_nfg": Case(rx.LSTM(H, gates="io"), "lstm", {"gates": "io"}),
    "lstm_nog": Case(
        rx.LSTM(H, gates="if", peephole="diagonal"),
        "lstm",
        {"gates": "if", "peephole": "diagonal"},
    ),
    "lstm_niaf_noaf": Case(
        rx.LSTM(H, candidate_fn="identity", output_fn="identity"),
        "lstm",
        {"candidate_fn": "identity", "output_fn": "identity"},
    ),
    "lstm_diagonal": Case(rx.LSTM(H, recurrent=rx.Diagonal()), "lstm", {"recurrent": "diagonal"}),
    "lstm_blocks": Case(
        rx.LSTM(SIX, recurrent=rx.BlockDiagonal(3)), "lstm", {"recurrent": "block"}
    ),
    "lstm_low_rank": Case(
        rx.LSTM(H, recurrent=rx.LowRank(2), projection=4),
        "lstm",
        {"recurrent": "low_rank", "projection": True},
    ),
    "lstm_masked": Case(
        rx.LSTM(SIX, recurrent=rx.Masked(MASK)), "lstm", {"recurrent": "masked", "mask": MASK}
    ),
    "gru_diagonal": Case(rx.GRU(H, recurrent=rx.Diagonal()), "gru", {"recurrent": "diagonal"}),
    "gru_blocks": Case(
        rx.GRU(SIX, recurrent=rx.BlockDiagonal(2), reset="before"),
        "gru",
        {"recurrent": "block", "reset": "before"},
    ),
    "gru_low_rank": Case(rx.GRU(H, recurrent=rx.LowRank(2)), "gru", {"recurrent": "low_rank"}),
    "gru_masked": Case(
        rx.GRU(SIX, recurrent=rx.Masked(MASK)), "gru", {"recurrent": "masked", "mask": MASK}
    ),
    "fgr_lstm": Case(rx.FGRLSTM(H), "fgr_lstm", {}),
    "ind_rnn": Case(rx.IndRNN(H), "ind_rnn", {}),
    "ind_rnn_tanh": Case(rx.IndRNN(H, candidate_fn="tanh"), "ind_rnn", {"activation": "tanh"}),
    "min_gru": Case(rx.MinGRU(H), "min_gru", {}),
    "min_gru_positive": Case(
        rx.MinGRU(H, candidate_fn="positive"), "min_gru", {"candidate": "positive"}
    ),
    "min_lstm": Case(rx.MinLSTM(H), "min_lstm", {}),
    "min_lstm_positive": Case(
        rx.MinLSTM(H, candidate_fn="positive"), "min_lstm", {"candidate": "positive"}
    ),
    "lru": Case(rx.LRU(H, state=4), "lru", {}, H),
    "rg_lru": Case(rx.RGLRU(SIX, blocks=2), "rg_lru", {}, SIX),
    "ugrnn": Case(rx.UGRNN(H), "ugrnn", {}),
    "janet": Case(rx.JANET(H), "janet", {}),
    "janet_beta": Case(rx.JANET(H, beta=0.3), "janet", {"beta": 0.3}),
    "sru_1": Case(rx.SRU(H, version=1), "sru", {"version": 1}),
    "sru_1_highway": Case(
        rx.SRU(H, version=1, output_fn="tanh", highway_scale=1.7),
        "sru",
        {"version": 1, "output_fn": "tanh", "highway_scale": 1.7},
        H,
    ),
    "sru_2": Case(rx.SRU(H), "sru", {"version": 2}, H),
    "sru_2_tanh": Case(
        rx.SRU(H, output_fn="tanh", highway_scale=1.7),
        "sru",
        {"version": 2, "output_fn": "tanh", "highway_scale": 1.7},
    ),
    "qrnn_f": Case(rx.QRNN(H, pooling="f"), "qrnn", {"pooling": "f"}),
    "qrnn_fo": Case(rx.QRNN(H, window=1), "qrnn", {"pooling": "fo"}),
    "qrnn_ifo": Case(rx.QRNN(H, pooling="ifo", window=3), "qrnn", {"pooling": "ifo"}),
    "slstm": Case(rx.SLSTM(SIX, heads=2), "slstm", {}, valid=positive_normaliser),
    "ran": Case(rx.RAN(H), "ran", {}),
    "ran_identity": Case(rx.RAN(H, output_fn="identity"), "ran", {"output_fn": "identity"}),
    "li_gru": Case(rx.LiGRU(H), "li_gru", {}),
    "fast_rnn": Case(rx.FastRNN(H), "fast_rnn", {}),
    "fast_rnn_relu": Case(
        rx.FastRNN(SIX, candidate_fn="relu", recurrent=rx.BlockDiagonal(2)),
        "fast_rnn",
        {"activation": "relu", "recurrent": "block"},
    ),
    "fast_grnn": Case(rx.FastGRNN(H), "fast_grnn", {}),
    "fast_grnn_low_rank": Case(
        rx.FastGRNN(H, candidate_fn="sigmoid", recurrent=rx.LowRank(2)),
        "fast_grnn",
        {"activation": "sigmoid", "recurrent": "low_rank"},
    ),
    "co_rnn": Case(rx.CoRNN(H), "co_rnn", {}),
    "co_rnn_options": Case(
        rx.CoRNN(H, dt=0.3, gamma=1.2, epsilon=0.7),
        "co_rnn",
        {"dt": 0.3, "gamma": 1.2, "epsilon": 0.7},
    ),
    "lem": Case(rx.LEM(H), "lem", {}),
    "lem_dt": Case(rx.LEM(H, dt=0.3), "lem", {"dt": 0.3}),
    "antisymmetric": Case(
        rx.AntisymmetricRNN(H, epsilon=0.4, gamma=0.3),
        "antisymmetric",
        {"epsilon": 0.4, "gamma": 0.3},
    ),
    "antisymmetric_gated": Case(
        rx.AntisymmetricRNN(H, gated=True),
        "antisymmetric",
        {"gated": True, "epsilon": 0.01, "gamma": 0.01},
    ),
    "brc": Case(rx.BRC(H), "brc", {}),
    "brc_neuromodulated": Case(rx.BRC(H, neuromodulated=True), "brc", {"neuromodulated": True}),
    "mut1": Case(rx.MUT(H, variant=1), "mut", {"variant": 1}, H),
    "mut2": Case(rx.MUT(H, variant=2), "mut", {"variant": 2}, H),
    "mut3": Case(rx.MUT(H, variant=3), "mut", {"variant": 3}),
    "multiplicative_lstm": Case(rx.MultiplicativeLSTM(H), "multiplicative_lstm", {}),
    "multiplicative_lstm_common": Case(
        rx.MultiplicativeLSTM(H, form="lstm"), "multiplicative_lstm", {"form": "lstm"}
    ),
    "star": Case(rx.STAR(H), "star", {}),
    "cfn": Case(rx.CFN(H), "cfn", {}),
    "atr": Case(rx.ATR(H), "atr", {}),
    "light_ru": Case(rx.LightRU(H), "light_ru", {}),
    "minimal_rnn": Case(rx.MinimalRNN(H), "minimal_rnn", {}),
    "nas": Case(rx.NAS(H), "nas", {}),
    "intersection": Case(rx.IntersectionRNN(H), "intersection", {}, H),
    "jordan": Case(rx.Jordan(H, readout=2), "jordan", {}),
    "jordan_options": Case(
        rx.Jordan(H, readout=2, candidate_fn="sigmoid", output_fn="tanh"),
        "jordan",
        {"activation": "sigmoid", "readout_fn": "tanh"},
    ),
    "unicornn": Case(rx.UnICORNN(H), "unicornn", {}),
    "unicornn_options": Case(
        rx.UnICORNN(H, dt=0.7, alpha=0.4), "unicornn", {"dt": 0.7, "alpha": 0.4}
    ),
    "scrn": Case(rx.SCRN(H, slow=2), "scrn", {}),
    "scrn_alpha": Case(rx.SCRN(H, slow=2, alpha=0.4), "scrn", {"alpha": 0.4}),
    "rhn": Case(rx.RHN(H), "rhn", {}),
    "rhn_one": Case(rx.RHN(H, depth=1), "rhn", {}),
    "mi_rnn": Case(rx.MIRNN(H), "mi_rnn", {}),
    "mi_rnn_sigmoid": Case(
        rx.MIRNN(H, candidate_fn="sigmoid"), "mi_rnn", {"activation": "sigmoid"}
    ),
    "mi_lstm": Case(rx.MILSTM(H), "mi_lstm", {}),
    "mi_gru": Case(rx.MIGRU(H), "mi_gru", {}),
    "exp_rnn": Case(rx.ExpRNN(H), "exp_rnn", {}),
    "lmu": Case(
        rx.LMU(H, order=3, theta=4.0, channels=2), "lmu", {"order": 3, "theta": 4.0, "channels": 2}
    ),
    "clockwork": Case(
        rx.ClockworkRNN(SIX, PERIODS),
        "clockwork",
        {"periods": PERIODS},
        valid=whole_counters,
        counters=("t",),
    ),
    "clockwork_sigmoid": Case(
        rx.ClockworkRNN(SIX, PERIODS, candidate_fn="sigmoid"),
        "clockwork",
        {"periods": PERIODS, "activation": "sigmoid"},
        valid=whole_counters,
        counters=("t",),
    ),
    "phased_lstm": Case(rx.PhasedLSTM(H), "phased_lstm", {}, valid=running_clocks),
    "phased_lstm_leak": Case(
        rx.PhasedLSTM(H, leak=0.2), "phased_lstm", {"leak": 0.2}, valid=running_clocks
    ),
}

CONVOLUTIONAL = {
    "conv_lstm_1d": Spatial(rx.ConvLSTM(3, (3,)), "conv_lstm", {}, (5,)),
    "conv_lstm_2d": Spatial(
        rx.ConvLSTM(3, (2, 3), strides=(1, 2), padding="VALID", dilation=(2, 1)),
        "conv_lstm",
        {"strides": (1, 2), "padding": "VALID", "dilation": (2, 1)},
        (4, 6),
    ),
    "conv_lstm_3d": Spatial(
        rx.ConvLSTM(2, (2, 1, 3), strides=2), "conv_lstm", {"strides": (2, 2, 2)}, (3, 2, 4)
    ),
    "conv_gru_2d": Spatial(rx.ConvGRU(3), "conv_gru", {"reset": "after"}, (3, 4)),
    "conv_gru_before": Spatial(
        rx.ConvGRU(3, (2,), reset="before", dilation=2),
        "conv_gru",
        {"reset": "before", "dilation": (2,)},
        (6,),
    ),
    "conv_gru_strides": Spatial(
        rx.ConvGRU(2, (3,), strides=2, padding="VALID"),
        "conv_gru",
        {"strides": (2,), "padding": "VALID"},
        (7,),
    ),
}

# Which cells the quick run takes, by the kind of test. The slow sweep takes all cells.
TIERS = {
    # Laws of what runs a cell, and everything on the newest JAX.
    "engine": {"elman_readout", "lstm_everything", "gru_before", "slstm", "rg_lru"},
    # Laws of the cell itself: one cell of each kind of loop.
    "cell": {
        "elman_readout", "lstm", "lstm_everything", "gru", "gru_before", "krause_lstm_input",
        "layer_norm_lstm", "lem", "min_gru", "rg_lru", "slstm", "qrnn_ifo", "lstm_blocks", "scrn",
        "clockwork",
    },
    # Second derivatives, which compile for a long time.
    "second derivatives": {"lstm", "gru_before", "lem", "rg_lru"},
    # Three layers in both directions, which do so, too.
    "three layers": {"lstm_everything", "elman_readout"},
}  # fmt: skip


def tier(kind: str, name: str) -> Any:
    """The marks of a test of one cell."""
    if name not in TIERS[kind]:
        return pytest.mark.slow
    return () if name in TIERS["engine"] or kind != "cell" else pytest.mark.once


def every_cell_of(kind: str) -> Any:
    """The mark of a test that takes a ``case``."""
    cases = [pytest.param(CASES[n], marks=tier(kind, n), id=n) for n in CASES]
    return pytest.mark.parametrize("case", cases)


every_cell = every_cell_of("cell")
around_every_cell = every_cell_of("engine")
