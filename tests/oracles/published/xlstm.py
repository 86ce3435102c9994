"""The sLSTM of its authors, in heads."""

import torch

from ..make_torch_vectors import BATCH
from .cases import Case, vectors_of
from .loading import load
from .running import columns
from .shapes import BLOCKS, WIDE, fields, matrices

PROJECT = "NX-AI/xlstm"


def run(folder, p, carry, xs):
    vanilla = load(folder, "xlstm.blocks.slstm.src.vanilla")
    gates = "ifzo"
    R = torch.cat([p["U"][gate]["blocks"].swapaxes(1, 2) for gate in gates], dim=1)
    states, final, _ = vanilla.slstm_forward(
        xs @ columns(p["W"], gates),
        torch.stack([carry[field] for field in "hcnm"]),
        R,
        columns(p["b"], gates),
        vanilla.slstm_pointwise_function_registry["slstm"],
    )
    return states[0, 1:], dict(zip("hcnm", final, strict=True))


SHAPES = matrices("ifzo", hidden=WIDE) | {"U": dict.fromkeys("ifzo", BLOCKS)}
ZEROS = [[0] * WIDE] * BATCH
CASES = {
    "slstm": Case(PROJECT, "slstm", run, SHAPES, fields("hcnm", WIDE), positive="n"),
    # Where n is 0, m becomes the input gate alone. The project supposes that c is 0 there too.
    "slstm_start": Case(
        PROJECT,
        "slstm",
        run,
        SHAPES,
        fields("hm", WIDE),
        whole={"carry": {"c": ZEROS, "n": ZEROS}},
    ),
}


def vectors(folder, seed):
    found = vectors_of(CASES, folder, seed)
    del found["slstm_start"].grads["carry"]["m"]  # 0: times n and c
    return found
