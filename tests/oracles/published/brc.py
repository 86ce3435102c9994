"""The BRC and the nBRC of their authors, whose cells are layers of Keras."""

from unittest import mock

import torch

from ..make_torch_vectors import HIDDEN, INPUTS
from .cases import Case, vectors_of
from .loading import Layer, anything, load
from .running import loop
from .shapes import by_gate, fields

PROJECT = "nvecoven/BRC"


def run(folder, p, carry, xs, *, name):
    tf = mock.MagicMock()
    tf.keras.layers.Layer = Layer
    tf.matmul, tf.nn.sigmoid, tf.nn.tanh = torch.matmul, torch.sigmoid, torch.tanh
    modules = {"tensorflow": tf, "tensorflow.keras": tf.keras}
    modules["tensorflow.keras.initializers"] = tf.keras.initializers
    modules |= anything("nengolib", "nengolib.signal", "nengolib.synapses")
    cell = getattr(load(folder, "cells.cells", modules), name)(HIDDEN)
    cell.kernelz, cell.kernelr, cell.kernelh = (p["W"][gate] for gate in "cah")
    memory = {gate: U["diagonal"] if isinstance(U, dict) else U for gate, U in p["U"].items()}
    cell.memoryz, cell.memoryr = memory["c"], memory["a"]
    cell.bz, cell.br = p["b"]["c"], p["b"]["a"]
    ys, (h,) = loop(lambda x, h: (cell.call(x, [h])[0],), (carry["h"],), xs)
    return ys, {"h": h}


def shapes(U):
    return {"W": by_gate("ach", INPUTS, HIDDEN), "U": U, "b": by_gate("ac", HIDDEN)}


CASES = {
    "brc": Case(
        PROJECT,
        "brc",
        run,
        shapes({gate: {"diagonal": (HIDDEN,)} for gate in "ac"}),
        fields("h"),
        arguments={"name": "BRC"},
    ),
    "nbrc": Case(
        PROJECT,
        "brc",
        run,
        shapes(by_gate("ac", HIDDEN, HIDDEN)),
        fields("h"),
        {"neuromodulated": True},
        {"name": "NBRC"},
    ),
}


def vectors(folder, seed):
    return vectors_of(CASES, folder, seed)
