"""Computes the vectors of torch.npz with torch.nn.RNN, LSTM and GRU, in float64 on the CPU.

    pip install torch numpy
    python -m tests.oracles.make_torch_vectors [seed]

PyTorch stacks the gates by rows, (gates * hidden, in), and adds two biases, one for the input and
one for the recurrent product. Here they are summed, except for the candidate of the GRU, where the
reset gate multiplies the second one only.
"""

import sys

import numpy as np
import torch

from .vectors import Vector, save

SEED = 20240607
TIME, BATCH, INPUTS, HIDDEN, PROJECTED = 6, 2, 3, 5, 4  # all different, so that no axis is mistaken


def main(seed):
    torch.set_num_threads(1)  # one order of summation, hence the same bits every time
    rnn, lstm, gru = torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU
    relu, project = {"nonlinearity": "relu"}, {"proj_size": PROJECTED}
    # case: torch module, its arguments, our cell, its options, the order of the gates in torch
    cases = {
        "rnn_tanh": (rnn, {}, "elman", {"activation": "tanh"}, "h"),
        "rnn_relu": (rnn, relu, "elman", {"activation": "relu"}, "h"),
        "lstm": (lstm, {}, "lstm", {}, "ifgo"),
        "lstm_projection": (lstm, project, "lstm", {"projection": True}, "ifgo"),
        "gru": (gru, {}, "gru", {"reset": "after", "recurrent_bias": True}, "rzn"),
    }
    save("torch", {name: make(seed, *case) for name, case in cases.items()})


def make(seed, module, arguments, cell, options, gates):
    rng = np.random.default_rng(seed)
    model = module(INPUTS, HIDDEN, **arguments).double()
    params = dict(model.named_parameters())
    with torch.no_grad():
        for param in params.values():
            param.copy_(normal(rng, *param.shape) / 2)
    xs = normal(rng, TIME, BATCH, INPUTS).requires_grad_()
    widths = {"h": arguments.get("proj_size", HIDDEN)} | ({"c": HIDDEN} if cell == "lstm" else {})
    carry = {field: normal(rng, BATCH, width).requires_grad_() for field, width in widths.items()}

    states = [state[None] for state in carry.values()]  # torch has a leading axis of layers
    ys, finals = model(xs, tuple(states) if cell == "lstm" else states[0])
    finals = finals if cell == "lstm" else (finals,)
    final_carry = {field: final[0] for field, final in zip(carry, finals, strict=True)}

    cot_ys = normal(rng, *ys.shape)
    cot_carry = {field: normal(rng, *final.shape) for field, final in final_carry.items()}
    loss = (ys * cot_ys).sum() + sum((final_carry[f] * cot_carry[f]).sum() for f in carry)
    loss.backward()

    return Vector(
        cell=cell,
        options=options,
        params=convert(arrays(params), gates, merge_biases=np.add),
        carry=arrays(carry),
        xs=array(xs),
        ys=array(ys),
        final_carry=arrays(final_carry),
        cot_ys=array(cot_ys),
        cot_carry=arrays(cot_carry),
        grads={
            "params": convert(gradients(params), gates, merge_biases=either),
            "carry": gradients(carry),
            "xs": array(xs.grad),
        },
        library=f"torch {torch.__version__}",
        seed=seed,
    )


def convert(native, gates, merge_biases):
    """The parameters of torch, or their gradients, by our names."""

    def by_gate(name):
        return dict(zip(gates, np.split(native[name], len(gates)), strict=True))

    input_bias, recurrent_bias = by_gate("bias_ih_l0"), by_gate("bias_hh_l0")
    params = {
        "W": {gate: rows.T for gate, rows in by_gate("weight_ih_l0").items()},
        "U": {gate: rows.T for gate, rows in by_gate("weight_hh_l0").items()},
        "b": {},
    }
    for gate in gates:
        if gate == "n":
            params["b"] |= {"n": input_bias["n"], "hn": recurrent_bias["n"]}
        else:
            params["b"][gate] = merge_biases(input_bias[gate], recurrent_bias[gate])
    if "weight_hr_l0" in native:
        params["V"] = {"h": native["weight_hr_l0"].T}
    return params


def either(gradient, other):
    """The gradient by a sum is the gradient by either term."""
    np.testing.assert_allclose(gradient, other, rtol=1e-13)
    return gradient


def normal(rng, *shape):
    return torch.from_numpy(rng.normal(size=shape))


def array(tensor):
    return tensor.detach().numpy()


def arrays(tensors):
    return {name: array(tensor) for name, tensor in tensors.items()}


def gradients(tensors):
    return {name: array(tensor.grad) for name, tensor in tensors.items()}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SEED)
