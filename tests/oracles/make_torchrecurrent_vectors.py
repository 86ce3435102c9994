"""Computes the vectors of torchrecurrent.npz with cells of torchrecurrent, in float64 on the CPU.

    pip install torch numpy torchrecurrent==0.2.5
    python -m tests.oracles.make_torchrecurrent_vectors [seed]

Only cells that follow their papers are taken. Others of that library do not (LEM, NAS, SCRN and the
multiplicative LSTM among them), and three are left out because x must have the size of the state.

torchrecurrent stacks the gates by rows, (gates * hidden, in), and has two biases. Here they are
added. Where a cell has a bias that its paper has not, it is zero.
"""

import sys
from typing import NamedTuple

import numpy as np
import torch
import torchrecurrent

from .make_torch_vectors import BATCH, HIDDEN, INPUTS, SEED, TIME, array, arrays, normal
from .vectors import Vector, save


class Case(NamedTuple):
    """A cell of torchrecurrent, and how its parameters are called here."""

    module: str
    oracle: str
    W: str  # gates of weight_ih, in order
    U: str  # gates of weight_hh, in order
    b: str  # gates that have a bias in the paper
    fields: str = "h"  # of the carry, in the order of the library
    options: dict = {}  # noqa: RUF012
    arguments: dict = {}  # noqa: RUF012
    recurrent_b: str | None = None  # gates of bias_hh, if they are not those of weight_hh
    input_b: str | None = None  # gates of bias_ih, if they are not those of weight_ih


OSCILLATORS = {"dt": 0.3, "gamma": 1.7, "epsilon": 0.6}
TURNING = {"epsilon": 0.4, "gamma": 0.3}
CASES = {
    "lstm_nfg": Case("OriginalLSTMCell", "lstm", "i g o", "i g o", "i g o", "h c", {"gates": "io"}),
    "lstm_peephole": Case(
        "PeepholeLSTMCell", "lstm", "i f g o", "i f g o", "i f g o", "h c", {"peephole": "diagonal"}
    ),
    "janet": Case("JANETCell", "janet", "f c", "f c", "f c", "c c"),
    "ugrnn": Case("UGRNNCell", "ugrnn", "c g", "c g", "c g"),
    "ran": Case("RANCell", "ran", "c i f", "i f", "i f", "h c", input_b="i f"),
    "li_gru": Case("LiGRUCell", "li_gru", "z n", "z n", "z n"),
    "mgu": Case("MGUCell", "mgu", "f n", "f n", "f n"),
    "mut3": Case("MUT3Cell", "mut", "z r n", "z r n", "z r n", options={"variant": 3}),
    "cfn": Case("CFNCell", "cfn", "f i c", "f i", "f i"),
    "star": Case("STARCell", "star", "z k", "k", "z k"),
    "light_ru": Case("LightRUCell", "light_ru", "c f", "f", "c f"),
    "atr": Case("ATRCell", "atr", "p", "q", ""),
    "minimal_rnn": Case("MinimalRNNCell", "minimal_rnn", "z", "h", "z u", recurrent_b="u"),
    "ind_rnn": Case(
        "IndRNNCell", "ind_rnn", "h", "", "h", arguments={"nonlinearity": "relu"}, recurrent_b="h"
    ),
    "co_rnn": Case(
        "coRNNCell", "co_rnn", "z", "y", "z", "y z", OSCILLATORS, OSCILLATORS, recurrent_b="z"
    ),
    "unicornn": Case(
        "UnICORNNCell",
        "unicornn",
        "h",
        "h",
        "h",
        "y z",
        {"dt": 0.3, "alpha": 0.8},
        {"dt": 0.3, "alpha": 0.8},
    ),
    "brc": Case("BRCell", "brc", "a c h", "a c", "a c"),
    "nbrc": Case("NBRCell", "brc", "a c h", "a c", "a c", options={"neuromodulated": True}),
    "antisymmetric": Case(
        "AntisymmetricRNNCell", "antisymmetric", "h", "h", "h", options=TURNING, arguments=TURNING
    ),
    "fast_rnn": Case("FastRNNCell", "fast_rnn", "h", "h", "h"),
    "fast_grnn": Case(
        "FastGRNNCell",
        "fast_grnn",
        "s",
        "s",
        "z n",
        arguments={"nonlinearity": "sigmoid"},
        recurrent_b="z n",
        input_b="z n",
    ),
}


def main(seed):
    torch.set_num_threads(1)  # one order of summation, hence the same bits every time
    save("torchrecurrent", {name: make(seed, case) for name, case in CASES.items()})


def make(seed, case):
    rng = np.random.default_rng(seed)
    module = getattr(torchrecurrent, case.module)(INPUTS, HIDDEN, **case.arguments).double()
    native = {n: p for n, p in module.named_parameters() if n != "beta" or case.oracle != "janet"}
    with torch.no_grad():
        for param in native.values():
            param.copy_(normal(rng, *param.shape) / 2)
        for name, gates in biases(case, native).items():
            for gate, part in zip(gates, native[name].chunk(len(gates)), strict=True):
                if gate not in case.b.split():
                    part.zero_()
    xs = normal(rng, TIME, BATCH, INPUTS).requires_grad_()
    fields = case.fields.split()
    carry = {field: normal(rng, BATCH, HIDDEN).requires_grad_() for field in fields}

    state, ys = tuple(carry[field] for field in fields), []
    state = state if len(fields) > 1 else state[0]
    for x in xs:
        state = module(x, state)
        ys.append(state[0] if len(fields) > 1 else state)
    ys = torch.stack(ys)
    finals = state if len(fields) > 1 else (state,)
    final_carry = dict(zip(fields, finals, strict=True))

    cot_ys = normal(rng, *ys.shape)
    cot_carry = {field: normal(rng, *final.shape) for field, final in final_carry.items()}
    loss = (ys * cot_ys).sum() + sum((final_carry[f] * cot_carry[f]).sum() for f in carry)
    loss.backward()
    zero_grads = {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in native.items()}
    return Vector(
        cell=case.oracle,
        options=case.options,
        params=convert(case, arrays(native), np.add),
        carry=arrays(carry),
        xs=array(xs),
        ys=array(ys),
        final_carry=arrays(final_carry),
        cot_ys=array(cot_ys),
        cot_carry=arrays(cot_carry),
        grads={
            "params": convert(case, arrays(zero_grads), lambda first, second: first),
            "carry": {field: array(a.grad) for field, a in carry.items()},
            "xs": array(xs.grad),
        },
        library="torchrecurrent 0.2.5",
        seed=seed,
    )


def biases(case, native):
    """The gates of each bias that is a parameter in the library."""
    found = {
        "bias_ih": case.W if case.input_b is None else case.input_b,
        "bias_hh": case.U if case.recurrent_b is None else case.recurrent_b,
    }
    if case.oracle == "co_rnn":
        found["bias_ch"] = "z"
    return {name: gates.split() for name, gates in found.items() if name in native}


def convert(case, native, merge):
    """The parameters of the library, or their gradients, by our names."""

    def by_gate(name, gates):
        return dict(zip(gates, np.split(native[name], len(gates)), strict=True))

    params = {"W": {k: rows.T for k, rows in by_gate("weight_ih", case.W.split()).items()}}
    if case.oracle == "ind_rnn":
        params["u"] = {"h": native["vector_u"]}
    elif case.oracle == "unicornn":
        params["u"], params["c"] = {"h": native["weight_hh"]}, {"h": native["weight_ch"]}
    elif case.oracle == "brc" and not case.options:
        parts = by_gate("weight_hh", case.U.split())
        params["U"] = {gate: {"diagonal": part} for gate, part in parts.items()}
    else:
        params["U"] = {k: rows.T for k, rows in by_gate("weight_hh", case.U.split()).items()}
    if case.oracle == "co_rnn":
        params["U"]["z"] = native["weight_ch"].T
    if case.oracle == "minimal_rnn":
        params["U"]["z"] = native["weight_mm"].T
    if "weight_ph" in native:
        params["P"] = by_gate("weight_ph", ["i", "f", "o"])
    for name in ("alpha", "beta", "zeta", "nu"):
        if name in native:
            params[name] = native[name].reshape(())
    b = {}
    for name, gates in biases(case, native).items():
        for gate, part in by_gate(name, gates).items():
            if gate in case.b.split():
                b[gate] = merge(b[gate], part) if gate in b else part
    return params | ({"b": {gate: b[gate] for gate in case.b.split()}} if b else {})


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SEED)
