"""Bad options of a cell."""

import jax
import jax.numpy as jnp
import pytest

import recurrax as rx
from tests.bad_input import Wrong, check

pytestmark = pytest.mark.once

TABLE = {
    "features zero": (
        lambda good: rx.LSTM(0),
        ValueError,
        "rx.LSTM: features must be a positive whole number; got 0.",
    ),
    "features negative": (
        lambda good: rx.GRU(-3),
        ValueError,
        "rx.GRU: features must be a positive whole number; got -3.",
    ),
    "features float": (
        lambda good: rx.Elman(4.0),
        TypeError,
        "rx.Elman: features must be a positive whole number; got 4.0.",
    ),
    "features bool": (
        lambda good: rx.MGU(True),
        TypeError,
        "rx.MGU: features must be a positive whole number; got True.",
    ),
    "features text": (
        lambda good: rx.MGU("8"),
        TypeError,
        "rx.MGU: features must be a positive whole number; got '8'.",
    ),
    "features none": (
        lambda good: rx.KrauseLSTM(None),
        TypeError,
        "rx.KrauseLSTM: features must be a positive whole number; got None.",
    ),
    "features array": (
        lambda good: rx.SquashedGRU(jnp.ones(2)),
        TypeError,
        "rx.SquashedGRU: features must be a positive whole number; got …",
    ),
    "user cell's features": (
        lambda good: Wrong(0),
        ValueError,
        "Wrong: features must be a positive whole number; got 0.",
    ),
    "unknown option": (
        lambda good: rx.LSTM(4, peepholes=True),
        TypeError,
        "…unexpected keyword argument 'peepholes'…",
    ),
    "peephole unknown": (
        lambda good: rx.LSTM(4, peephole="yes"),
        ValueError,
        "rx.LSTM: peephole must be None or 'diagonal' or 'full'; got 'yes'.",
    ),
    "peephole bool": (
        lambda good: rx.LSTM(4, peephole=True),
        ValueError,
        "rx.LSTM: peephole must be None or 'diagonal' or 'full'; got True.",
    ),
    "o_sees unknown": (
        lambda good: rx.LSTM(4, peephole="full", o_sees="old"),
        ValueError,
        "rx.LSTM: o_sees must be 'new' or 'prev'; got 'old'.",
    ),
    "o_sees without peephole": (
        lambda good: rx.LSTM(4, o_sees="prev"),
        ValueError,
        "rx.LSTM: o_sees='prev' has no meaning without peephole; set peephole, or leave …",
    ),
    "couple not a flag": (
        lambda good: rx.LSTM(4, couple=1),
        ValueError,
        "rx.LSTM: couple must be False or True; got 1.",
    ),
    "clip negative": (
        lambda good: rx.LSTM(4, clip=-1.0),
        ValueError,
        "rx.LSTM: clip must be a finite number above 0 or None; got -1.0.",
    ),
    "clip zero": (
        lambda good: rx.LSTM(4, clip=0),
        ValueError,
        "rx.LSTM: clip must be a finite number above 0 or None; got 0.",
    ),
    "clip nan": (
        lambda good: rx.LSTM(4, clip=float("nan")),
        ValueError,
        "rx.LSTM: clip must be a finite number above 0 or None; got nan.",
    ),
    "clip flag": (
        lambda good: rx.LSTM(4, clip=True),
        TypeError,
        "rx.LSTM: clip must be a finite number above 0 or None; got True.",
    ),
    "eps zero": (
        lambda good: rx.LayerNormLSTM(4, eps=0),
        ValueError,
        "rx.LayerNormLSTM: eps must be a finite number above 0; got 0.",
    ),
    "eps infinite": (
        lambda good: rx.LayerNormGRU(4, eps=float("inf")),
        ValueError,
        "rx.LayerNormGRU: eps must be a finite number above 0; got inf.",
    ),
    "eps none": (
        lambda good: rx.LayerNormLSTM(4, eps=None),
        TypeError,
        "rx.LayerNormLSTM: eps must be a finite number above 0; got None.",
    ),
    "eps flag": (
        lambda good: rx.LayerNormGRU(4, eps=True),
        TypeError,
        "rx.LayerNormGRU: eps must be a finite number above 0; got True.",
    ),
    "projection zero": (
        lambda good: rx.LSTM(4, projection=0),
        ValueError,
        "rx.LSTM: projection must be a positive whole number or None; got 0.",
    ),
    "activation misspelt": (
        lambda good: rx.LSTM(4, candidate_fn="tahn"),
        ValueError,
        "rx.LSTM: candidate_fn must be a function or one of 'tanh', 'sigmoid', 'relu', "
        "'identity', 'positive'; got 'tahn'. Did you mean 'tanh'?",
    ),
    "activation number": (
        lambda good: rx.GRU(4, gate_fn=3),
        ValueError,
        "rx.GRU: gate_fn must be a function or one of …; got 3.",
    ),
    "reset by version": (
        lambda good: rx.GRU(4, reset="v3"),
        ValueError,
        "rx.GRU: reset must be 'after' or 'before'; got 'v3'.",
    ),
    "recurrent bias with reset before": (
        lambda good: rx.GRU(4, reset="before", recurrent_bias=True),
        ValueError,
        "rx.GRU: recurrent_bias=True has no meaning with reset='before'…",
    ),
    "output_fn without readout": (
        lambda good: rx.Elman(4, output_fn="relu"),
        ValueError,
        "rx.Elman: output_fn='relu' has no meaning without readout; set readout, or …",
    ),
    "readout negative": (
        lambda good: rx.Elman(4, readout=-1),
        ValueError,
        "rx.Elman: readout must be a positive whole number or None; got -1.",
    ),
    "candidate unknown": (
        lambda good: rx.KrauseLSTM(4, candidate="raw"),
        ValueError,
        "rx.KrauseLSTM: candidate must be 'linear' or 'input'; got 'raw'.",
    ),
    "preset unknown": (
        lambda good: rx.LSTM(4, preset="pytorch"),
        ValueError,
        "rx.LSTM: preset: expected one of default, torch, keras, linen, haiku, irnn, fan_in, "
        "glorot, edgeml or an rx.initializers.Preset; got 'pytorch'.",
    ),
    "preset function": (
        lambda good: rx.GRU(4, preset=jax.nn.initializers.zeros),
        ValueError,
        "rx.GRU: preset: expected one of …; got …",
    ),
    "preset field unknown": (
        lambda good: rx.initializers.preset("torch", forget=1.0),
        TypeError,
        "…unexpected keyword argument 'forget'…",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])
