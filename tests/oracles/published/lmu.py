"""The LMU of its authors, a layer of Keras, with torch in the place of TensorFlow."""

from unittest import mock

import numpy as np
import torch

from ..make_torch_vectors import BATCH, HIDDEN, INPUTS
from .cases import Case, vectors_of
from .loading import Layer, load
from .running import loop
from .shapes import fields

CHANNELS, ORDER, THETA = 2, 4, 7.3


class Hidden:
    """The hidden part of the LMU, which keras-lmu leaves to a cell of Keras."""

    state_size, output_size, built = [HIDDEN], HIDDEN, True

    def __init__(self, kernel, recurrent_kernel):
        self.kernel, self.recurrent_kernel = kernel, recurrent_kernel

    def __call__(self, x, states, training):
        h = torch.tanh(x @ self.kernel + states[0] @ self.recurrent_kernel)
        return h, [h]


def stand_ins():
    tf, keras, mixin = mock.MagicMock(), mock.MagicMock(), mock.MagicMock()
    tf.__version__ = "2.16.0"
    tf.nest.flatten = list
    tf.constant = lambda value, dtype: torch.as_tensor(np.array(value)).double()
    tf.matmul = lambda a, b, name=None: a @ b
    tf.concat = lambda parts, axis: torch.cat(tuple(parts), dim=axis)
    tf.pad = lambda a, widths: torch.nn.functional.pad(a, widths[1])
    tf.reshape, tf.expand_dims, tf.linalg.expm = torch.reshape, torch.unsqueeze, torch.matrix_exp
    keras.layers.Layer, mixin.DropoutRNNCell = Layer, type("DropoutRNNCell", (), {})
    keras.saving.register_keras_serializable = lambda name: lambda cls: cls
    modules = {"tensorflow": tf, "keras": keras, "keras.layers": keras.layers}
    modules |= {"keras.saving": keras.saving, "keras.src.layers.rnn.dropout_rnn_cell": mixin}
    return modules | dict.fromkeys(["keras.src", "keras.src.layers", "keras.src.layers.rnn"], keras)


def run(folder, p, carry, xs):
    cell = load(folder, "keras_lmu.layers", stand_ins()).LMUCell(
        CHANNELS,
        ORDER,
        THETA,
        Hidden(torch.cat([p["V"]["h"], p["W"]["h"]]), p["U"]["h"]),
        hidden_to_memory=True,
        memory_to_memory=True,
        input_to_hidden=True,
        discretizer="zoh",
    )
    cell.build((BATCH, INPUTS))
    cell.kernel = torch.cat([p["e"]["x"], p["e"]["h"]])
    cell.recurrent_kernel = p["e"]["m"]

    def step(x, h, m):
        _, (m, h) = cell.call(x, [m, h])
        return h, m

    ys, (h, m) = loop(step, (carry["h"], carry["m"]), xs)
    return ys, {"h": h, "m": m}


LMU = Case(
    "nengo/keras-lmu",
    "lmu",
    run,
    {
        "e": {
            "x": (INPUTS, CHANNELS),
            "h": (HIDDEN, CHANNELS),
            "m": (CHANNELS * ORDER, CHANNELS),
        },
        "W": {"h": (INPUTS, HIDDEN)},
        "U": {"h": (HIDDEN, HIDDEN)},
        "V": {"h": (CHANNELS * ORDER, HIDDEN)},
    },
    fields("h") | fields("m", CHANNELS * ORDER),
    {"order": ORDER, "theta": THETA, "channels": CHANNELS},
)


def vectors(folder, seed):
    return vectors_of({"lmu": LMU}, folder, seed)
