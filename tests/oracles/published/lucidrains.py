"""minGRU and minLSTM of lucidrains."""

import torch
from torch.func import functional_call

from ..make_torch_vectors import HIDDEN, INPUTS
from .cases import Case, vectors_of
from .loading import load
from .running import calling, columns, loop, rows
from .shapes import by_gate, fields

PROJECT = "lucidrains/minGRU-pytorch"


def with_one(x):
    """The inputs and a last one that is always 1, whose weights are the biases."""
    return torch.cat([x, torch.ones_like(x[..., :1])], dim=-1)


def run(folder, p, carry, xs, *, module, gates, layer, parallel=False):
    cell = getattr(load(folder, f"minGRU_pytorch.{module}"), module)
    cell = cell(INPUTS + 1, expansion_factor=HIDDEN / (INPUTS + 1), proj_out=False)
    weights = torch.cat([rows(p["W"], gates), columns(p["b"], gates)[:, None]], dim=1)

    named = {f"{layer}.weight": weights}
    if parallel:
        inputs = with_one(xs).swapaxes(0, 1)
        ys = functional_call(cell, named, (inputs, carry["h"][:, None])).swapaxes(0, 1)
        return ys, {"h": ys[-1]}
    step = calling(cell, named)
    ys, (h,) = loop(lambda x, h: (step(with_one(x), h),), (carry["h"][:, None],), xs[:, :, None])
    return ys[:, :, 0], {"h": h[:, 0]}


def shapes(gates):
    return {"W": by_gate(gates, INPUTS, HIDDEN), "b": by_gate(gates, HIDDEN)}


MIN_GRU = {"module": "minGRU", "gates": "hz", "layer": "to_hidden_and_gate"}
MIN_LSTM = {"module": "minLSTM", "gates": "hfi", "layer": "to_hidden_and_f_i_gate"}
POSITIVE = {"candidate": "positive"}
CASES = {
    "min_gru": Case(PROJECT, "min_gru", run, shapes("zh"), fields("h"), POSITIVE, MIN_GRU),
    "min_gru_parallel": Case(
        PROJECT,
        "min_gru",
        run,
        shapes("zh"),
        fields("h"),
        POSITIVE,
        MIN_GRU | {"parallel": True},
        positive="h",  # its logarithm is taken
    ),
    # Step by step: its parallel path takes the logarithm of g(h), not of h.
    "min_lstm": Case(PROJECT, "min_lstm", run, shapes("fih"), fields("h"), POSITIVE, MIN_LSTM),
}


def vectors(folder, seed):
    return vectors_of(CASES, folder, seed)
