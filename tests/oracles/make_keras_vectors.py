"""Computes the vectors of keras.npz with keras.layers.SimpleRNN, LSTM and GRU, in float64.

    pip install keras torch numpy
    python -m tests.oracles.make_keras_vectors [seed]

Keras stacks the gates by columns, (in, gates * hidden), and has one bias, except for
GRU(reset_after=True) with one for the input and one for the recurrent product, as PyTorch. These
are summed, except for the candidate, where the reset gate multiplies the second one only.

A layer of dtype="float64" is not float64 throughout. Except on TensorFlow, the table by which
Keras 3 promotes types makes float32 of two float64 arguments, so `ops.matmul` computes in float32
inside a layer that takes and returns float64. `keras.config.set_floatx` does not change this. The
script therefore corrects the table, and stops at the first float32 it sees.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"  # read once, when keras is imported

import keras
import numpy as np
import torch
from keras.src.backend.common import dtypes
from torch.overrides import TorchFunctionMode

from .vectors import Vector, save

SEED = 20240608
TIME, BATCH, INPUTS, HIDDEN = 6, 2, 3, 5  # all different, so that no axis is mistaken


def main(seed):
    torch.set_num_threads(1)  # one order of summation, hence the same bits every time
    rnn, lstm, gru = keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU
    both_relu = {"candidate_fn": "relu", "output_fn": "relu"}  # `activation` replaces the two
    after = {"reset": "after", "recurrent_bias": True}
    # case: keras layer, its arguments, our cell, its options, the order of the gates in keras
    cases = {
        "rnn_tanh": (rnn, {"activation": "tanh"}, "elman", {"activation": "tanh"}, "h"),
        "rnn_sigmoid": (rnn, {"activation": "sigmoid"}, "elman", {"activation": "sigmoid"}, "h"),
        "rnn_linear": (rnn, {"activation": "linear"}, "elman", {"activation": "identity"}, "h"),
        "lstm": (lstm, {}, "lstm", {}, "ifgo"),
        "lstm_relu": (lstm, {"activation": "relu"}, "lstm", both_relu, "ifgo"),
        "gru_after": (gru, {"reset_after": True}, "gru", after, "zrn"),
        "gru_before": (gru, {"reset_after": False}, "gru", {"reset": "before"}, "zrn"),
    }
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # as Keras itself has it on TensorFlow
    with keras.device("cpu"), Float64Only():
        vectors = {name: make(seed, *case) for name, case in cases.items()}
    save("keras", vectors)


class Float64Only(TorchFunctionMode):
    """While active, no operation of torch may return another floating type."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if torch.is_tensor(result) and result.dtype in (torch.float16, torch.float32):
            raise TypeError(f"{function.__name__} returned {result.dtype}")
        return result


def make(seed, layer_type, arguments, cell, options, gates):
    rng = np.random.default_rng(seed)
    layer = layer_type(
        HIDDEN, return_sequences=True, return_state=True, dtype="float64", **arguments
    )
    layer.build((BATCH, TIME, INPUTS))
    layer.set_weights([rng.normal(size=weight.shape) / 2 for weight in layer.weights])
    params = {weight.name: weight.value for weight in layer.weights}
    xs = normal(rng, TIME, BATCH, INPUTS).requires_grad_()
    fields = ("h", "c") if cell == "lstm" else ("h",)
    carry = {field: normal(rng, BATCH, HIDDEN).requires_grad_() for field in fields}

    ys, *finals = layer(xs.swapaxes(0, 1), initial_state=list(carry.values()))
    ys = ys.swapaxes(0, 1)  # keras has the batch first
    final_carry = dict(zip(fields, finals, strict=True))

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
        library=f"keras {keras.__version__} on torch {torch.__version__}",
        seed=seed,
    )


def convert(native, gates, merge_biases):
    """The parameters of keras, or their gradients, by our names."""

    def by_gate(columns):
        return dict(zip(gates, np.split(columns, len(gates), axis=-1), strict=True))

    params = {"W": by_gate(native["kernel"]), "U": by_gate(native["recurrent_kernel"])}
    if native["bias"].ndim == 1:
        return params | {"b": by_gate(native["bias"])}
    input_bias, recurrent_bias = map(by_gate, native["bias"])
    params["b"] = {gate: merge_biases(input_bias[gate], recurrent_bias[gate]) for gate in "rz"}
    params["b"] |= {"n": input_bias["n"], "hn": recurrent_bias["n"]}
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
