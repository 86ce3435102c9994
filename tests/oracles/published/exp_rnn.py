"""The expRNN of its author."""

import torch

from ..make_torch_vectors import HIDDEN, INPUTS
from .cases import Case, vectors_of
from .loading import load
from .running import calling, loop
from .shapes import fields


def run(folder, p, carry, xs):
    """Its own exponential is made for float32 (here, 1e-9 away); the cell takes any."""
    module = load(folder, "orthogonal")
    zeros, exponential = torch.nn.init.zeros_, torch.matrix_exp
    cell = module.OrthogonalRNN(INPUTS, HIDDEN, zeros, "static", exponential).double()
    weights = {
        "recurrent_kernel.A": p["A"]["h"] - p["A"]["h"].T,  # only what is over the diagonal counts
        "input_kernel.weight": p["W"]["h"].T,
        "nonlinearity.b": p["b"]["h"],
    }
    step = calling(cell, weights)
    ys, (h,) = loop(lambda x, h: step(x, h)[:1], (carry["h"],), xs)
    return ys, {"h": h}


EXP_RNN = Case(
    "Lezcano/expRNN",
    "exp_rnn",
    run,
    {"W": {"h": (INPUTS, HIDDEN)}, "A": {"h": (HIDDEN, HIDDEN)}, "b": {"h": (HIDDEN,)}},
    fields("h"),
)


def vectors(folder, seed):
    return vectors_of({"exp_rnn": EXP_RNN}, folder, seed)
