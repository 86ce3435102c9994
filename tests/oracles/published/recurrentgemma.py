"""The RG-LRU of its authors, in sequences that began before."""

from unittest import mock

import torch
from torch.func import functional_call

from .cases import Case, vectors_of
from .loading import load
from .shapes import BLOCKS, HEADS, WIDE, by_gate, fields


def run(folder, p, carry, xs, *, positions):
    """`positions` (B,) are those of the first step in each sequence."""
    typing = mock.MagicMock()
    typing.typed = lambda function: function
    modules = {"recurrentgemma.torch.array_typing": typing}
    layers = load(folder, "recurrentgemma.torch.layers", modules)
    layers.rnn_scan.__defaults__ = (torch.float64,)  # it accumulates in float32 by default
    cell = layers.RGLRU(WIDE, HEADS)
    weights = {
        "a_param": p["Lambda"],
        "a_gate.w": p["W"]["r"]["blocks"],
        "a_gate.b": p["b"]["r"].reshape(HEADS, -1),
        "input_gate.w": p["W"]["i"]["blocks"],
        "input_gate.b": p["b"]["i"].reshape(HEADS, -1),
    }
    segment = torch.tensor(positions)[:, None] + torch.arange(len(xs))
    inputs = (xs.swapaxes(0, 1), segment, carry["h"])
    ys, h = functional_call(cell, weights, inputs)
    return ys.swapaxes(0, 1), {"h": h}


RG_LRU = Case(
    "google-deepmind/recurrentgemma",
    "rg_lru",
    run,
    {"W": {"r": BLOCKS, "i": BLOCKS}, "b": by_gate("ri", WIDE), "Lambda": (WIDE,)},
    fields("h", WIDE),
    arguments={"positions": [4, 1]},
    inputs=WIDE,
    whole={"carry": {"started": [[1], [1]]}, "final_carry": {"started": [[1], [1]]}},
)


def vectors(folder, seed):
    return vectors_of({"rg_lru": RG_LRU}, folder, seed)
