"""The LSTM in the settings of Greff et al. (2017), in NumPy, by schmidhuber-problems.

The step before sees inputs of its own, one for each sequence of the batch, which are 0 later. The
gradients by their weights are those of that step by its gates, and are taken away from the
gradients by the biases and by the peephole of the output gate; nothing else acts on it.
"""

import numpy as np

from ..make_torch_vectors import BATCH, HIDDEN, INPUTS, TIME
from ..vectors import Vector
from .cases import draw
from .loading import load
from .projects import checkout, cite
from .shapes import by_gate, matrices

PROJECT = "cybertronai/schmidhuber-problems"
SETTINGS = {
    "V": {},
    "NIG": {"gates": "fo"},
    "NFG": {"gates": "io"},
    "NOG": {"gates": "if"},
    "NIAF": {"candidate_fn": "identity"},
    "NOAF": {"output_fn": "identity"},
    "CIFG": {"couple": True},
    "NP": {"peephole": None},
}


def all_gates(group, *shape):
    """Gates that a setting has not are 0."""
    return np.concatenate([group.get(gate, np.zeros(shape)) for gate in "ifgo"], axis=-1)


def split(stacked, gates):
    parts = dict(zip("ifgo", np.split(stacked, 4, axis=-1), strict=True))
    return {gate: parts[gate] for gate in gates}


def vector(folder, seed, setting, options):
    module = load(
        checkout(folder, PROJECT) / "lstm-search-space-odyssey", "lstm_search_space_odyssey"
    )
    flags = module.VariantFlags.from_name(setting)
    options = {"peephole": "diagonal"} | options
    present = "fo" if "couple" in options else options.get("gates", "ifo")
    rng = np.random.default_rng(seed)
    shapes = matrices(present + "g")
    if options["peephole"]:
        shapes["P"] = by_gate(present, HIDDEN)
    p = draw(rng, shapes)
    start = rng.normal(size=(BATCH, 4 * HIDDEN))
    native = module.LSTMParams(
        np.concatenate([all_gates(p["W"], INPUTS, HIDDEN), start]),
        all_gates(p["U"], HIDDEN, HIDDEN),
        all_gates(p["b"], HIDDEN),
        *(p.get("P", {}).get(gate, np.zeros(HIDDEN)) for gate in "ifo"),
        rng.normal(size=(HIDDEN, 1)),
        np.zeros(1),
    )
    xs = rng.normal(size=(TIME, BATCH, INPUTS))
    inputs = np.zeros((TIME + 1, BATCH, INPUTS + BATCH))
    inputs[0, :, INPUTS:] = np.eye(BATCH)
    inputs[1:, :, :INPUTS] = xs
    _, cache = module.lstm_forward(native, inputs, flags)
    h, c = cache["h"], cache["c"]

    # Its loss is of a number made of the last h.
    weights = rng.normal(size=BATCH)
    cot_h = weights[:, None] * native.Wy[:, 0]
    cot_ys = np.zeros_like(h[2:])
    cot_ys[-1] = 0.3 * cot_h
    grads = module.lstm_backward(native, cache, weights, flags)
    first = grads["Wx"][INPUTS:]
    grads["b"] -= first.sum(axis=0)
    grads["Wco"] -= (c[1] * first[:, 3 * HIDDEN :]).sum(axis=0)
    grad_params = {
        "W": split(grads["Wx"][:INPUTS], p["W"]),
        "U": split(grads["Wh"], p["U"]),
        "b": split(grads["b"], p["b"]),
    }
    if "P" in p:
        grad_params["P"] = {gate: grads[f"Wc{gate}"] for gate in p["P"]}
    return Vector(
        cell="lstm",
        options=options,
        params=p,
        carry={"h": h[1], "c": c[1]},
        xs=xs,
        ys=h[2:],
        final_carry={"h": h[-1], "c": c[-1]},
        cot_ys=cot_ys,
        cot_carry={"h": 0.7 * cot_h},
        grads={"params": grad_params},
        library=cite(PROJECT),
        seed=seed,
    )


def vectors(folder, seed):
    return {
        f"lstm_{setting.lower()}": vector(folder, seed, setting, options)
        for setting, options in SETTINGS.items()
    }
