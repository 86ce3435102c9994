"""The QRNN of its authors, with a window of 2."""

import numpy as np
import torch
from torch.func import functional_call

from ..make_torch_vectors import BATCH, HIDDEN, INPUTS, array, normal
from .cases import Case, vector_of
from .loading import CUPY, load
from .running import columns, rows
from .shapes import by_gate, fields

POOLINGS = {"f": "zf", "fo": "zfo"}


def run(folder, p, carry, xs, *, gates, before):
    """The F of the project is 1 - F of the paper; since 1 - sigmoid(v) = sigmoid(-v), its weights
    are the negative of ours. `before` is the input before the first one."""
    QRNNLayer = load(folder, "torchqrnn.qrnn", CUPY).QRNNLayer
    layer = QRNNLayer(INPUTS, HIDDEN, window=2, output_gate="o" in gates, use_cuda=False)
    layer.prevX = before[None]
    sign = {"z": 1, "f": -1, "o": 1}
    groups = [{k: sign[k] * W for k, W in p["W"][j].items()} for j in "01"]
    weights = {
        "linear.weight": torch.cat([rows(group, gates) for group in groups], dim=1),
        "linear.bias": columns({k: sign[k] * b for k, b in p["b"].items()}, gates),
    }
    ys, c = functional_call(layer, weights, (xs, carry["c"]))
    return ys, {"c": c[0]}


def vector(folder, seed, pooling, gates):
    """The weights of the input before make the carry `pending` too, so their gradient is not the
    one by the weights alone."""
    before = normal(np.random.default_rng(seed + 1), BATCH, INPUTS)
    case = Case(
        "salesforce/pytorch-qrnn",
        "qrnn",
        run,
        {"W": dict.fromkeys("01", by_gate(gates, INPUTS, HIDDEN)), "b": by_gate(gates, HIDDEN)},
        fields("c"),
        {"pooling": pooling},
        {"gates": gates, "before": before},
    )
    found = vector_of(case, folder, seed)
    pending = {gate: array(before) @ W for gate, W in found.params["W"]["1"].items()}
    del found.grads["params"]["W"]["1"]
    return found._replace(carry=found.carry | {"pending": {"0": pending}})


def vectors(folder, seed):
    return {f"qrnn_{name}": vector(folder, seed, name, gates) for name, gates in POOLINGS.items()}
