"""Computes the vectors of torch_packed.npz: two layers in both directions over packed sequences.

    pip install torch numpy
    python -m tests.oracles.make_torch_packed_vectors [seed]

torch.nn.LSTM and GRU with ``pack_padded_sequence``, in float64 on the CPU. Parameters and carries
are nested by layer and direction: ``params/0/backward/W/i``.
"""

import sys

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from .make_torch_vectors import array, convert, either, normal
from .vectors import Vector, save

SEED = 20261121
TIME, BATCH, INPUTS, HIDDEN, LAYERS = 6, 3, 3, 4, 2
LENGTHS = [4, 6, 1]
DIRECTIONS = ("forward", "backward")


def main(seed):
    torch.set_num_threads(1)
    cases = {"lstm": (torch.nn.LSTM, {}, "ifgo", "hc"), "gru": (torch.nn.GRU, {}, "rzn", "h")}
    save("torch_packed", {name: make(seed, name, *case) for name, case in cases.items()})


def make(seed, cell, module, options, gates, fields):
    rng = np.random.default_rng(seed)
    model = module(INPUTS, HIDDEN, num_layers=LAYERS, bidirectional=True).double()
    native = dict(model.named_parameters())
    with torch.no_grad():
        for param in native.values():
            param.copy_(normal(rng, *param.shape) / 2)
    xs = normal(rng, TIME, BATCH, INPUTS).requires_grad_()
    states = [normal(rng, 2 * LAYERS, BATCH, HIDDEN).requires_grad_() for _ in fields]
    packed = pack_padded_sequence(xs, torch.tensor(LENGTHS), enforce_sorted=False)
    out, finals = model(packed, tuple(states) if len(fields) > 1 else states[0])
    ys, _ = pad_packed_sequence(out)
    finals = finals if len(fields) > 1 else (finals,)

    cot_ys = normal(rng, *ys.shape)
    cot_finals = [normal(rng, *final.shape) for final in finals]
    loss = (ys * cot_ys).sum() + sum((a * b).sum() for a, b in zip(finals, cot_finals, strict=True))
    loss.backward()

    def carry(arrays):
        return nested(
            lambda layer, way: {
                field: array(a[2 * layer + way]) for field, a in zip(fields, arrays, strict=True)
            }
        )

    def params(of, merge_biases):
        def part(layer, way):
            suffix = f"_l{layer}" + ("_reverse" if way else "")
            names = {n: n.removesuffix(suffix) + "_l0" for n in native if n.endswith(suffix)}
            return convert({names[n]: of(native[n]) for n in names}, gates, merge_biases)

        return nested(part)

    return Vector(
        cell=cell,
        options={"lengths": LENGTHS},
        params=params(array, np.add),
        carry=carry(states),
        xs=array(xs),
        ys=array(ys),
        final_carry=carry(finals),
        cot_ys=array(cot_ys),
        cot_carry=carry(cot_finals),
        grads={
            "params": params(lambda p: array(p.grad), either),
            "carry": carry([s.grad for s in states]),
            "xs": array(xs.grad),
        },
        library=f"torch {torch.__version__}",
        seed=seed,
    )


def nested(part):
    """``part(layer, direction)`` by layer and name of the direction."""
    return {
        str(layer): {name: part(layer, way) for way, name in enumerate(DIRECTIONS)}
        for layer in range(LAYERS)
    }


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SEED)
