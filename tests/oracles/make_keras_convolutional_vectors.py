"""Computes the vectors of keras_convolutional.npz with keras.layers.ConvLSTM1D and 2D, in float64.

    pip install torch keras numpy
    KERAS_BACKEND=torch python -m tests.oracles.make_keras_convolutional_vectors [seed]

Keras dilates and strides the convolution of x alone, as recurrax does.
"""

import sys

import keras
import numpy as np
import torch
from keras.src.backend.common import dtypes

from .make_keras_vectors import SEED, Float64Only, array, arrays, convert, either, gradients, normal
from .vectors import Vector, save

TIME, BATCH, INPUTS, HIDDEN = 4, 2, 3, 5


def main(seed):
    torch.set_num_threads(1)
    line, plane = keras.layers.ConvLSTM1D, keras.layers.ConvLSTM2D
    valid = {"strides": 2, "padding": "valid"}
    # case: keras layer, its arguments, our options, the space that it sees
    cases = {
        "line": (line, {"kernel_size": 3, "padding": "same"}, {}, (6,)),
        "line_dilated": (
            line,
            {"kernel_size": 2, "padding": "same", "dilation_rate": 2},
            {"dilation": [2]},
            (6,),
        ),
        "plane_strided": (
            plane,
            {"kernel_size": (2, 3), **valid},
            {"strides": [2, 2], "padding": "VALID"},
            (6, 7),
        ),
    }
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    with keras.device("cpu"), Float64Only():
        vectors = {name: make(seed, *case) for name, case in cases.items()}
    save("keras_convolutional", vectors)


def make(seed, layer_type, arguments, options, space):
    rng = np.random.default_rng(seed)
    layer = layer_type(
        HIDDEN, return_sequences=True, return_state=True, dtype="float64", **arguments
    )
    layer.build((BATCH, TIME, *space, INPUTS))
    layer.set_weights([rng.normal(size=weight.shape) / 2 for weight in layer.weights])
    params = {weight.name: weight.value for weight in layer.weights}
    xs = normal(rng, TIME, BATCH, *space, INPUTS).requires_grad_()
    small = layer.compute_output_shape((BATCH, TIME, *space, INPUTS))[0][2:]
    carry = {field: normal(rng, BATCH, *small).requires_grad_() for field in "hc"}
    ys, *finals = layer(xs.swapaxes(0, 1), initial_state=list(carry.values()))
    ys = ys.swapaxes(0, 1)
    final_carry = dict(zip("hc", finals, strict=True))
    cot_ys = normal(rng, *ys.shape)
    cot_carry = {field: normal(rng, *final.shape) for field, final in final_carry.items()}
    loss = (ys * cot_ys).sum() + sum((final_carry[f] * cot_carry[f]).sum() for f in carry)
    loss.backward()
    return Vector(
        cell="conv_lstm",
        options=options,
        params=convert(arrays(params), "ifgo", merge_biases=np.add),
        carry=arrays(carry),
        xs=array(xs),
        ys=array(ys),
        final_carry=arrays(final_carry),
        cot_ys=array(cot_ys),
        cot_carry=arrays(cot_carry),
        grads={
            "params": convert(gradients(params), "ifgo", merge_biases=either),
            "carry": gradients(carry),
            "xs": array(xs.grad),
        },
        library=f"keras {keras.__version__} on torch {torch.__version__}",
        seed=seed,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SEED)
