"""The SRU of its authors, in both versions."""

from unittest import mock

import torch
from torch.func import functional_call

from ..make_torch_vectors import HIDDEN, INPUTS
from .cases import Case, vectors_of
from .loading import load
from .projects import checkout
from .running import columns
from .shapes import by_gate, fields

PROJECT = "asappresearch/sru"


def cell_class(folder):
    with (
        mock.patch("torch.utils.cpp_extension.load"),  # float32 only, and not called
        mock.patch("torch.jit.script", lambda function: function),
    ):
        return load(folder, "sru.modules").SRUCell


def run(folder, p, carry, xs, **arguments):
    gates = "cfrx" if "x" in p["W"] else "cfr"
    cell = cell_class(folder)(xs.shape[-1], HIDDEN, **arguments).double()
    none = torch.zeros(2 * HIDDEN, dtype=torch.float64)
    weights = {
        "weight": torch.stack([p["W"][gate] for gate in gates], dim=-1).flatten(1),
        "weight_c": columns(p["v"], "fr") if "v" in p else none,
        "bias": columns(p["b"], "fr"),
    }
    ys, c = functional_call(cell, weights, (xs, carry["c"]))
    return ys, {"c": c}


def shapes(gates, inputs):
    return {"W": by_gate(gates, inputs, HIDDEN), "b": by_gate("fr", HIDDEN)}


V = {"v": by_gate("fr", HIDDEN)}
SCALED = {"highway_bias": 0.7, "use_tanh": True}
CASES = {
    "sru_1": Case(
        PROJECT,
        "sru",
        run,
        shapes("cfrx", INPUTS),
        fields("c"),
        {"version": 1, "output_fn": "tanh"},
        {"v1": True, "use_tanh": True},
    ),
    "sru_2": Case(PROJECT, "sru", run, shapes("cfrx", INPUTS) | V, fields("c"), {"version": 2}),
}


def vectors(folder, seed):
    # What the highway is multiplied by; the module holds it in float32.
    module = cell_class(checkout(folder, PROJECT))(HIDDEN, HIDDEN, **SCALED)
    scaled = Case(
        PROJECT,
        "sru",
        run,
        shapes("cfr", HIDDEN) | V,
        fields("c"),
        {"version": 2, "output_fn": "tanh", "highway_scale": module.scale_x.item()},
        SCALED,
        inputs=HIDDEN,
    )
    return vectors_of(CASES | {"sru_2_scaled": scaled}, folder, seed)
