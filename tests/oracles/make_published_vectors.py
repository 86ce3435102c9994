"""Computes the vectors of published.npz with what authors and others published, in float64.

    pip install torch jax flax numpy scipy einops packaging
    python -m tests.oracles.make_published_vectors FOLDER [seed]

FOLDER holds a checkout of every project of PROJECTS, by the last part of its name. A C++ compiler
is needed too, for a CUDA kernel that is run on the CPU.

Nothing of theirs is copied: their modules are loaded from FOLDER and run. What a module imports but
does not need for one cell (TensorFlow, CUDA) is replaced by something that stands in for it. The
weights are drawn by our names, and those of the project are made of them, hence the gradients are
by our names too. Where a project adds two biases, ours is split between them; where it has none,
ours is the weight of an additional input that is always 1.

Not taken: the LayerNormGRU of haste, which normalizes r, z and n together, and the paper n alone.
"""

import ctypes
import functools
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple
from unittest import mock

import jax
import numpy as np
import torch
from torch.func import functional_call

from .make_torch_vectors import BATCH, HIDDEN, INPUTS, SEED, TIME, array, normal
from .vectors import Vector, save

PROJECTS = {
    "lucidrains/minGRU-pytorch": "38b26e119a2e85e70ea53825dc09b91b021afa06",
    "asappresearch/sru": "9ddc8da12f067125c2cfdd4f3b28a87c02889681",
    "tk-rusch/LEM": "833da6b338a12c976e45db9061d6bcdccbfa4a5c",
    "tk-rusch/coRNN": "afd81744d108a2d623761b635b4ba56770d9e05d",
    "tk-rusch/unicornn": "35b243d9ac5f7c3b8efe69e163f8c2739765685c",
    "nvecoven/BRC": "1b995393941e73116c5437f3a784a25eb3ba563f",
    "lmnt-com/haste": "ceba32ecd3735062f25e56b08ef3143caa086753",
    "NX-AI/xlstm": "032a6fb8ee19a8c0db80ae6111ff4744a09414a9",
    "NicolasZucchet/minimal-LRU": "bbd71b1104c399ec0d13819527d791949e66f599",
    "google-deepmind/recurrentgemma": "2efa84dac0e68e63547a27a18fa943c98f1c312e",
    "microsoft/EdgeML": "81025fce8ba28707eabe72e11bf3987a8d745608",
    "salesforce/pytorch-qrnn": "1634991a8270060d48128a0af5ffd1f75db3ae08",
    "nengo/keras-lmu": "a1669463bbd5176111628d59f17cec25e0825b89",
    "Lezcano/expRNN": "830ec836521d0c295436dcafc3f0b3deea36c83c",
    "cybertronai/schmidhuber-problems": "e7b8c89d8344113276dc2fd6e97e3a40370c5362",
}
HEADS, WIDE = 2, 8  # for the cells that are cut into heads
RANK = 2
CHANNELS, ORDER, THETA = 2, 4, 7.3
STATES = 2  # of the LRU: its outputs can show them, real and imaginary, since 2 * 2 < HIDDEN
OSCILLATORS = {"dt": 0.3, "gamma": 1.7, "epsilon": 0.6}
WAVES = {"dt": 0.3, "alpha": 0.8}
LEM_STEP = 0.7
PERIODS = [4, 2, 1]  # sorted as the Clockwork network of the project sorts them


def by_gate(gates, *shape):
    return dict.fromkeys(gates, shape)


def matrices(gates, inputs=INPUTS, hidden=HIDDEN):
    """Shapes of W, U and b."""
    return {
        "W": by_gate(gates, inputs, hidden),
        "U": by_gate(gates, hidden, hidden),
        "b": by_gate(gates, hidden),
    }


def fields(names, width=HIDDEN):
    return by_gate(names, BATCH, width)


def load(folder, name, **stand_ins):
    """The module `name` of a checkout, without running the packages that it is within.

    `stand_ins` are modules for the time of the import; `__` is a dot in their names.
    """
    *parents, _ = name.split(".")
    packages = {}
    for depth in range(1, len(parents) + 1):
        package = ".".join(parents[:depth])
        packages[package] = ModuleType(package)
        packages[package].__path__ = [str(folder.joinpath(*parents[:depth]))]
    temporary = packages | {key.replace("__", "."): stood for key, stood in stand_ins.items()}
    sys.modules.update(temporary)
    with mock.patch.object(sys, "path", [str(folder), *sys.path]):
        module = importlib.import_module(name)
    for key, loaded in list(sys.modules.items()):  # two projects have a module named `network`
        if key in temporary or str(folder) in str(getattr(loaded, "__file__", "")):
            del sys.modules[key]
    return module


def rows(group, gates):
    """Matrices (in, out) as torch.nn.Linear has them, (gates * out, in)."""
    return torch.cat([group[gate].T for gate in gates])


def columns(group, gates):
    return torch.cat([group[gate] for gate in gates], dim=-1)


def calling(module, weights):
    """The forward pass of `module` with `weights` in the place of its own."""
    return lambda x, *state: functional_call(module, weights, (x, *state))


def loop(step, state, xs):
    """Runs `step(x, *state) -> state`; the output is the first field of the state."""
    ys = []
    for x in xs:
        state = step(x, *state)
        ys.append(state[0])
    return torch.stack(ys), state


# Each of the following takes the folder of the project, the parameters and the carry by our names,
# and the inputs, and returns the outputs and the final carry.


def with_one(x):
    """The inputs and a last one that is always 1, whose weights are the biases."""
    return torch.cat([x, torch.ones_like(x[..., :1])], dim=-1)


def run_lucidrains(folder, p, carry, xs, *, module, gates, layer, parallel=False):
    cell = getattr(load(folder, f"minGRU_pytorch.{module}"), module)
    cell = cell(INPUTS + 1, expansion_factor=HIDDEN / (INPUTS + 1), proj_out=False)
    weights = torch.cat([rows(p["W"], gates), columns(p["b"], gates)[:, None]], dim=1)

    named = {f"{layer}.weight": weights}
    if parallel:
        inputs = with_one(xs).swapaxes(0, 1)
        ys = functional_call(cell, named, (inputs, carry["h"][:, None])).swapaxes(0, 1)
        return ys, {"h": ys[-1]}
    run = calling(cell, named)
    ys, (h,) = loop(lambda x, h: (run(with_one(x), h),), (carry["h"][:, None],), xs[:, :, None])
    return ys[:, :, 0], {"h": h[:, 0]}


def run_min_gru(folder, p, carry, xs, **options):
    known = {"module": "minGRU", "gates": "hz", "layer": "to_hidden_and_gate"}
    return run_lucidrains(folder, p, carry, xs, **known, **options)


def run_min_lstm(folder, p, carry, xs):
    """Step by step: its parallel path takes the logarithm of g(h), not of h."""
    known = {"module": "minLSTM", "gates": "hfi"}
    return run_lucidrains(folder, p, carry, xs, **known, layer="to_hidden_and_f_i_gate")


def sru_module(folder):
    with (
        mock.patch("torch.utils.cpp_extension.load"),  # float32 only, and not called
        mock.patch("torch.jit.script", lambda function: function),
    ):
        return load(folder, "sru.modules")


def sru_scale(folder, **arguments):
    """What the highway is multiplied by; the module holds it in float32."""
    return sru_module(folder).SRUCell(HIDDEN, HIDDEN, **arguments).scale_x.item()


def run_sru(folder, p, carry, xs, **arguments):
    gates = "cfrx" if "x" in p["W"] else "cfr"
    cell = sru_module(folder).SRUCell(xs.shape[-1], HIDDEN, **arguments).double()
    none = torch.zeros(2 * HIDDEN, dtype=torch.float64)
    weights = {
        "weight": torch.stack([p["W"][gate] for gate in gates], dim=-1).flatten(1),
        "weight_c": columns(p["v"], "fr") if "v" in p else none,
        "bias": columns(p["b"], "fr"),
    }
    ys, c = functional_call(cell, weights, (xs, carry["c"]))
    return ys, {"c": c}


def run_lem(folder, p, carry, xs):
    cell = load(folder / "src" / "adding", "network").LEMCell(INPUTS, HIDDEN, LEM_STEP)
    b = columns(p["b"], ["ty", "tz", "y", "z"])
    ty, tz, _, z = b.chunk(4)
    halves = torch.tensor([0.3, 0.3, 0.6, 0.3], dtype=torch.float64).repeat_interleave(HIDDEN)
    weights = {
        "inp2hid.weight": rows(p["W"], ["ty", "tz", "y", "z"]),
        "inp2hid.bias": b * halves,
        "hid2hid.weight": rows(p["U"], ["ty", "tz", "z"]),
        "hid2hid.bias": torch.cat([ty, tz, z]) * 0.7,
        "transform_z.weight": p["U"]["y"].T,
        "transform_z.bias": p["b"]["y"] * 0.4,
    }
    ys, (y, z) = loop(calling(cell, weights), (carry["y"], carry["z"]), xs)
    return ys, {"y": y, "z": z}


def run_co_rnn(folder, p, carry, xs):
    cell = load(folder / "sMNIST", "network").coRNNCell(INPUTS, HIDDEN, **OSCILLATORS)
    kernel = torch.cat([p["W"]["z"], p["U"]["z"], p["U"]["y"]]).T
    weights = {"i2h.weight": kernel, "i2h.bias": p["b"]["z"]}
    ys, (y, z) = loop(calling(cell, weights), (carry["y"], carry["z"]), xs)
    return ys, {"y": y, "z": z}


class Layer:
    """In the place of a Keras layer."""

    dtype = "float64"

    def __init__(self, *args, **kwargs):
        pass

    def build(self, shape):
        pass

    def add_weight(self, **kwargs):
        """The weight is set afterwards."""


def run_brc(folder, p, carry, xs, *, name):
    tf = mock.MagicMock()
    tf.keras.layers.Layer = Layer
    tf.matmul, tf.nn.sigmoid, tf.nn.tanh = torch.matmul, torch.sigmoid, torch.tanh
    modules = {"tensorflow": tf, "tensorflow__keras": tf.keras, "nengolib": mock.MagicMock()}
    modules["tensorflow__keras__initializers"] = tf.keras.initializers
    modules |= dict.fromkeys(["nengolib__signal", "nengolib__synapses"], mock.MagicMock())
    cell = getattr(load(folder, "cells.cells", **modules), name)(HIDDEN)
    cell.kernelz, cell.kernelr, cell.kernelh = (p["W"][gate] for gate in "cah")
    memory = {k: u["diagonal"] if isinstance(u, dict) else u for k, u in p["U"].items()}
    cell.memoryz, cell.memoryr, cell.bz, cell.br = (
        memory["c"],
        memory["a"],
        p["b"]["c"],
        p["b"]["a"],
    )
    ys, (h,) = loop(lambda x, h: (cell.call(x, [h])[0],), (carry["h"],), xs)
    return ys, {"h": h}


def haste(folder, name):
    stand_in = {"haste_pytorch_lib": mock.MagicMock()}  # its CUDA kernels
    return load(folder / "frameworks", f"pytorch.{name}", **stand_in)


def run_haste_layer_norm_lstm(folder, p, carry, xs):
    gates = "igfo"
    h, c = haste(folder, "layer_norm_lstm").LayerNormLSTMScript(
        False,
        0.0,
        xs,
        carry["h"],
        carry["c"],
        columns(p["W"], gates),
        columns(p["U"], gates),
        columns(p["b"], gates),
        torch.stack([columns(p["gain_x"], gates), columns(p["gain_h"], gates)]),
        p["gain_c"]["c"],
        p["offset_c"]["c"],
        None,
    )
    return h[1:], {"h": h[-1], "c": c[-1]}


def run_haste_gru(folder, p, carry, xs):
    """It has a recurrent bias for every gate; ours are split for two of them."""
    gates, b = "zrn", p["b"]
    h = haste(folder, "gru").GRUScript(
        False,
        0.0,
        xs,
        carry["h"],
        columns(p["W"], gates),
        columns(p["U"], gates),
        torch.cat([0.3 * b["z"], 0.3 * b["r"], b["n"]]),
        torch.cat([0.7 * b["z"], 0.7 * b["r"], b["hn"]]),
        None,
    )
    return h[1:], {"h": h[-1]}


def run_haste_ind_rnn(folder, p, carry, xs):
    script = haste(folder, "indrnn").IndRNNScript
    h = script(False, 0.0, xs, carry["h"], p["W"]["h"], p["u"]["h"], p["b"]["h"], None)
    return h[1:], {"h": h[-1]}


def run_slstm(folder, p, carry, xs):
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


def run_rg_lru(folder, p, carry, xs, *, positions):
    """`positions` (B,) are those of the first step in each sequence."""
    typing = mock.MagicMock()
    typing.typed = lambda function: function
    modules = {"recurrentgemma__torch__array_typing": typing}
    layers = load(folder, "recurrentgemma.torch.layers", **modules)
    layers.rnn_scan.__defaults__ = (torch.float64,)  # it accumulates in float32 by default
    cell = layers.RGLRU(WIDE, HEADS)
    weights = {
        "a_param": p["Lambda"],
        "a_gate.w": p["W"]["r"]["blocks"],
        "a_gate.b": p["b"]["r"].reshape(HEADS, -1),
        "input_gate.w": p["W"]["i"]["blocks"],
        "input_gate.b": p["b"]["i"].reshape(HEADS, -1),
    }
    segment = torch.tensor(positions)[:, None] + torch.arange(len(xs))
    inputs = (xs.swapaxes(0, 1), segment, carry["h"])
    ys, h = functional_call(cell, weights, inputs)
    return ys.swapaxes(0, 1), {"h": h}


def edge(folder):
    utils = mock.MagicMock()
    utils.findCUDA.return_value = None
    modules = {"edgeml_pytorch__utils": utils, "fastgrnn_cuda": mock.MagicMock()}
    return load(folder / "pytorch", "edgeml_pytorch.graph.rnn", **modules)


def run_edge(folder, p, carry, xs, *, name, weights, **arguments):
    """`weights` makes those of the project of ours; its biases and scales have an axis of 1."""
    cell = getattr(edge(folder), name)(INPUTS, HIDDEN, **arguments)
    native = weights(p)
    native = {
        k: native[k].reshape(1, -1) if native[k].ndim < 2 else native[k]
        for k, _ in cell.named_parameters()
    }
    run = calling(cell, native)

    def step(x, *state):
        return run(x, state) if "c" in carry else (run(x, *state),)

    ys, state = loop(step, tuple(carry.values()), xs)
    return ys, dict(zip(carry, state, strict=True))


def numbered(p, gates, biases):
    """The W1, U1, ... of EdgeML, in the order of `gates`."""
    native = {f"bias_{name}": p["b"][gate] for gate, name in zip(gates, biases, strict=True)}
    for k, gate in enumerate(gates, 1):
        native |= {f"W{k}": p["W"][gate], f"U{k}": p["U"][gate]}
    return native


def fast_rnn_weights(p):
    native = {"W": p["W"]["h"], "bias_update": p["b"]["h"]}
    return native | operator(p["U"]["h"]) | {"alpha": p["alpha"], "beta": p["beta"]}


def fast_grnn_weights(p):
    native = {"W": p["W"]["s"], "bias_gate": p["b"]["z"], "bias_update": p["b"]["n"]}
    return native | operator(p["U"]["s"]) | {"zeta": p["zeta"], "nu": p["nu"]}


def operator(U):
    return {"U1": U["left"], "U2": U["right"]} if isinstance(U, dict) else {"U": U}


def run_qrnn(folder, p, carry, xs, *, gates, before):
    """The F of the project is 1 - F of the paper; since 1 - sigmoid(v) = sigmoid(-v), its weights
    are the negative of ours. `before` is the input before the first one."""
    modules = ["cupy", "cupy__cuda", "pynvrtc", "pynvrtc__compiler"]
    modules = {name: mock.MagicMock() for name in modules}
    QRNNLayer = load(folder, "torchqrnn.qrnn", **modules).QRNNLayer
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


class Hidden:
    """The hidden part of the LMU, which keras-lmu leaves to a cell of Keras."""

    state_size, output_size, built = [HIDDEN], HIDDEN, True

    def __init__(self, kernel, recurrent_kernel):
        self.kernel, self.recurrent_kernel = kernel, recurrent_kernel

    def __call__(self, x, states, training):
        h = torch.tanh(x @ self.kernel + states[0] @ self.recurrent_kernel)
        return h, [h]


def run_lmu(folder, p, carry, xs):
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
    modules = {"tensorflow": tf, "keras": keras, "keras__layers": keras.layers}
    modules |= {"keras__saving": keras.saving, "keras__src__layers__rnn__dropout_rnn_cell": mixin}
    modules |= dict.fromkeys(["keras__src", "keras__src__layers", "keras__src__layers__rnn"], keras)
    cell = load(folder, "keras_lmu.layers", **modules).LMUCell(
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


def run_exp_rnn(folder, p, carry, xs):
    """Its own exponential is made for float32 (here, 1e-9 away); the cell takes any."""
    module = load(folder, "orthogonal")
    zeros, exponential = torch.nn.init.zeros_, torch.matrix_exp
    cell = module.OrthogonalRNN(INPUTS, HIDDEN, zeros, "static", exponential).double()
    weights = {
        "recurrent_kernel.A": p["A"]["h"] - p["A"]["h"].T,  # only what is over the diagonal counts
        "input_kernel.weight": p["W"]["h"].T,
        "nonlinearity.b": p["b"]["h"],
    }
    run = calling(cell, weights)
    ys, (h,) = loop(lambda x, h: run(x, h)[:1], (carry["h"],), xs)
    return ys, {"h": h}


class Case(NamedTuple):
    project: str
    oracle: str
    run: Callable
    params: dict  # shapes
    carry: dict  # shapes
    options: dict = {}  # noqa: RUF012
    arguments: dict = {}  # noqa: RUF012
    inputs: int = INPUTS
    positive: str = ""  # fields of the carry that must be positive
    whole: dict = {}  # noqa: RUF012, parts of the carries that are whole numbers


LUCIDRAINS, EDGE = "lucidrains/minGRU-pytorch", "microsoft/EdgeML"
POSITIVE = {"candidate": "positive"}
SCALED = {"highway_bias": 0.7, "use_tanh": True}


def min_shapes(gates):
    return {"W": by_gate(gates, INPUTS, HIDDEN), "b": by_gate(gates, HIDDEN)}


def sru_shapes(gates, inputs, v):
    shapes = {"W": by_gate(gates, inputs, HIDDEN), "b": by_gate("fr", HIDDEN)}
    return shapes | ({"v": by_gate("fr", HIDDEN)} if v else {})


def brc_shapes(U):
    return {"W": by_gate("ach", INPUTS, HIDDEN), "U": U, "b": by_gate("ac", HIDDEN)}


def fast_shapes(gate, biases, scales, low_rank):
    low = {"left": (HIDDEN, RANK), "right": (RANK, HIDDEN)}
    return {
        "W": by_gate(gate, INPUTS, HIDDEN),
        "U": {gate: low if low_rank else (HIDDEN, HIDDEN)},
        "b": by_gate(biases, HIDDEN),
    } | by_gate(scales)


BLOCKS = {"blocks": (HEADS, WIDE // HEADS, WIDE // HEADS)}
RG_LRU = {"W": {"r": BLOCKS, "i": BLOCKS}, "b": by_gate("ri", WIDE), "Lambda": (WIDE,)}
CASES = {
    "min_gru": Case(
        LUCIDRAINS, "min_gru", run_min_gru, min_shapes("zh"), fields("h"), options=POSITIVE
    ),
    "min_gru_parallel": Case(
        LUCIDRAINS,
        "min_gru",
        run_min_gru,
        min_shapes("zh"),
        fields("h"),
        POSITIVE,
        {"parallel": True},
        positive="h",  # its logarithm is taken
    ),
    "min_lstm": Case(
        LUCIDRAINS, "min_lstm", run_min_lstm, min_shapes("fih"), fields("h"), options=POSITIVE
    ),
    "sru_1": Case(
        "asappresearch/sru",
        "sru",
        run_sru,
        sru_shapes("cfrx", INPUTS, v=False),
        fields("c"),
        {"version": 1, "output_fn": "tanh"},
        {"v1": True, "use_tanh": True},
    ),
    "sru_2": Case(
        "asappresearch/sru",
        "sru",
        run_sru,
        sru_shapes("cfrx", INPUTS, v=True),
        fields("c"),
        {"version": 2},
    ),
    "sru_2_scaled": Case(
        "asappresearch/sru",
        "sru",
        run_sru,
        sru_shapes("cfr", HIDDEN, v=True),
        fields("c"),
        {"version": 2, "output_fn": "tanh"},  # and highway_scale
        SCALED,
        inputs=HIDDEN,
    ),
    "lem": Case(
        "tk-rusch/LEM",
        "lem",
        run_lem,
        matrices(["ty", "tz", "y", "z"]),
        fields("yz"),
        {"dt": LEM_STEP},
    ),
    "co_rnn": Case(
        "tk-rusch/coRNN",
        "co_rnn",
        run_co_rnn,
        matrices("z") | {"U": by_gate("yz", HIDDEN, HIDDEN)},
        fields("yz"),
        OSCILLATORS,
    ),
    "brc": Case(
        "nvecoven/BRC",
        "brc",
        run_brc,
        brc_shapes({gate: {"diagonal": (HIDDEN,)} for gate in "ac"}),
        fields("h"),
        arguments={"name": "BRC"},
    ),
    "nbrc": Case(
        "nvecoven/BRC",
        "brc",
        run_brc,
        brc_shapes(by_gate("ac", HIDDEN, HIDDEN)),
        fields("h"),
        {"neuromodulated": True},
        {"name": "NBRC"},
    ),
    "layer_norm_lstm": Case(
        "lmnt-com/haste",
        "layer_norm_lstm",
        run_haste_layer_norm_lstm,
        matrices("ifgo")
        | {gain: by_gate("ifgo", HIDDEN) for gain in ["gain_x", "gain_h"]}
        | {name: {"c": (HIDDEN,)} for name in ["gain_c", "offset_c"]},
        fields("hc"),
        {"eps": 1e-5},
    ),
    "gru": Case(
        "lmnt-com/haste",
        "gru",
        run_haste_gru,
        matrices("rzn") | {"b": by_gate(["r", "z", "n", "hn"], HIDDEN)},
        fields("h"),
    ),
    "ind_rnn_tanh": Case(
        "lmnt-com/haste",
        "ind_rnn",
        run_haste_ind_rnn,
        {"W": {"h": (INPUTS, HIDDEN)}, "u": {"h": (HIDDEN,)}, "b": {"h": (HIDDEN,)}},
        fields("h"),
        {"activation": "tanh"},
    ),
    "slstm": Case(
        "NX-AI/xlstm",
        "slstm",
        run_slstm,
        matrices("ifzo", hidden=WIDE) | {"U": dict.fromkeys("ifzo", BLOCKS)},
        fields("hcnm", WIDE),
        positive="n",
    ),
    # Where n is 0, m becomes the input gate alone. The project supposes that c is 0 there too.
    "slstm_start": Case(
        "NX-AI/xlstm",
        "slstm",
        run_slstm,
        matrices("ifzo", hidden=WIDE) | {"U": dict.fromkeys("ifzo", BLOCKS)},
        fields("hm", WIDE),
        whole={"carry": {"c": [[0] * WIDE] * BATCH, "n": [[0] * WIDE] * BATCH}},
    ),
    "rg_lru": Case(
        "google-deepmind/recurrentgemma",
        "rg_lru",
        run_rg_lru,
        RG_LRU,
        fields("h", WIDE),
        arguments={"positions": [4, 1]},
        inputs=WIDE,
        whole={"carry": {"started": [[1], [1]]}, "final_carry": {"started": [[1], [1]]}},
    ),
    "fast_rnn": Case(
        EDGE,
        "fast_rnn",
        run_edge,
        fast_shapes("h", "h", ["alpha", "beta"], low_rank=False),
        fields("h"),
        arguments={"name": "FastRNNCell", "weights": fast_rnn_weights},
    ),
    "fast_rnn_low_rank": Case(
        EDGE,
        "fast_rnn",
        run_edge,
        fast_shapes("h", "h", ["alpha", "beta"], low_rank=True),
        fields("h"),
        {"activation": "sigmoid", "recurrent": "low_rank"},
        {
            "name": "FastRNNCell",
            "weights": fast_rnn_weights,
            "update_nonlinearity": "sigmoid",
            "uRank": RANK,
        },
    ),
    "fast_grnn": Case(
        EDGE,
        "fast_grnn",
        run_edge,
        fast_shapes("s", "zn", ["zeta", "nu"], low_rank=False),
        fields("h"),
        arguments={"name": "FastGRNNCell", "weights": fast_grnn_weights},
    ),
    "fast_grnn_low_rank": Case(
        EDGE,
        "fast_grnn",
        run_edge,
        fast_shapes("s", "zn", ["zeta", "nu"], low_rank=True),
        fields("h"),
        {"recurrent": "low_rank"},
        {"name": "FastGRNNCell", "weights": fast_grnn_weights, "uRank": RANK},
    ),
    "lstm": Case(
        EDGE,
        "lstm",
        run_edge,
        matrices("ifgo"),
        fields("hc"),
        arguments={"name": "LSTMLRCell", "weights": lambda p: numbered(p, "ifgo", "ifco")},
    ),
    "gru_before": Case(
        EDGE,
        "gru",
        run_edge,
        matrices("rzn"),
        fields("h"),
        {"reset": "before"},
        {
            "name": "GRULRCell",
            "weights": lambda p: numbered(p, "rzn", ["r", "gate", "update"]),
        },
    ),
    "ugrnn": Case(
        EDGE,
        "ugrnn",
        run_edge,
        matrices("gc"),
        fields("h"),
        arguments={
            "name": "UGRNNLRCell",
            "weights": lambda p: numbered(p, "gc", ["gate", "update"]),
        },
    ),
    "lmu": Case(
        "nengo/keras-lmu",
        "lmu",
        run_lmu,
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
    ),
    "exp_rnn": Case(
        "Lezcano/expRNN",
        "exp_rnn",
        run_exp_rnn,
        {"W": {"h": (INPUTS, HIDDEN)}, "A": {"h": (HIDDEN, HIDDEN)}, "b": {"h": (HIDDEN,)}},
        fields("h"),
    ),
}
QRNN = {"qrnn_f": ("zf", {"pooling": "f"}), "qrnn_fo": ("zfo", {"pooling": "fo"})}
ODYSSEY = {
    "V": {},
    "NIG": {"gates": "fo"},
    "NFG": {"gates": "io"},
    "NOG": {"gates": "if"},
    "NIAF": {"candidate_fn": "identity"},
    "NOAF": {"output_fn": "identity"},
    "CIFG": {"couple": True},
    "NP": {"peephole": None},
}


def main(folder, seed):
    torch.set_num_threads(1)  # one order of summation, hence the same bits every time
    jax.config.update("jax_enable_x64", True)
    projects = {project: folder / project.split("/")[1] for project in PROJECTS}
    scale = sru_scale(projects["asappresearch/sru"], **SCALED)
    CASES["sru_2_scaled"].options["highway_scale"] = scale

    vectors = {name: make(projects, seed, case) for name, case in CASES.items()}
    del vectors["slstm_start"].grads["carry"]["m"]  # 0: times n and c
    vectors["rg_lru_start"] = make_rg_lru_start(projects, seed)
    for name, (gates, options) in QRNN.items():
        vectors[name] = make_qrnn(projects, seed, gates, options)
    vectors["unicornn"] = make_unicornn(projects, seed)
    vectors["lru"] = make_lru(projects, seed)
    for setting, options in ODYSSEY.items():
        vectors[f"lstm_{setting.lower()}"] = make_odyssey(projects, seed, setting, options)
    vectors["clockwork"] = make_clockwork(projects, seed)
    save("published", vectors)


def cite(project):
    return f"{project} {PROJECTS[project][:12]}"


def draw(rng, shapes, scale=0.5):
    if isinstance(shapes, dict):
        return {name: draw(rng, shape, scale) for name, shape in shapes.items()}
    return (normal(rng, *shapes) * scale).requires_grad_()


def on_tree(function, tree):
    if isinstance(tree, dict):
        return {name: on_tree(function, branch) for name, branch in tree.items()}
    return function(tree)


def make(projects, seed, case):
    rng = np.random.default_rng(seed)
    params, carry = draw(rng, case.params), draw(rng, case.carry, 1.0)
    for field in case.positive:
        carry[field] = carry[field].detach().abs().requires_grad_()
    xs = normal(rng, TIME, BATCH, case.inputs).requires_grad_()
    whole = on_tree(torch.tensor, case.whole.get("carry", {}))
    start = carry | {field: value.double() for field, value in whole.items()}
    ys, final_carry = case.run(projects[case.project], params, start, xs, **case.arguments)
    cot_ys = normal(rng, *ys.shape)
    cot_carry = {field: normal(rng, *final.shape) for field, final in final_carry.items()}
    loss = (ys * cot_ys).sum() + sum((final_carry[f] * cot_carry[f]).sum() for f in final_carry)
    loss.backward()
    return Vector(
        cell=case.oracle,
        options=case.options | ({"whole": case.whole} if case.whole else {}),
        params=on_tree(array, params),
        carry=on_tree(array, carry),
        xs=array(xs),
        ys=array(ys),
        final_carry=on_tree(array, final_carry),
        cot_ys=array(cot_ys),
        cot_carry=on_tree(array, cot_carry),
        grads={
            "params": on_tree(lambda leaf: array(leaf.grad), params),
            "carry": on_tree(lambda leaf: array(leaf.grad), carry),
            "xs": array(xs.grad),
        },
        library=cite(case.project),
        seed=seed,
    )


def make_rg_lru_start(projects, seed):
    """The first sequence begins here: the project does not look at its h. We have 0 there.

    A gradient by that 0 is no part of it.
    """
    whole = {"carry": {"started": [[0], [1]]}, "final_carry": {"started": [[1], [1]]}}
    case = CASES["rg_lru"]._replace(arguments={"positions": [0, 3]}, whole=whole)
    vector = make(projects, seed, case)
    carry = {"h": vector.carry["h"] * np.array([[0.0], [1.0]])}
    grads = {name: vector.grads[name] for name in ("params", "xs")}
    return vector._replace(carry=carry, grads=grads)


def make_qrnn(projects, seed, gates, options):
    """The weights of the input before make the carry `pending` too, so their gradient is not the
    one by the weights alone."""
    before = normal(np.random.default_rng(seed + 1), BATCH, INPUTS)
    shapes = {"W": dict.fromkeys("01", by_gate(gates, INPUTS, HIDDEN)), "b": by_gate(gates, HIDDEN)}
    arguments = {"gates": gates, "before": before}
    project = "salesforce/pytorch-qrnn"
    vector = make(
        projects, seed, Case(project, "qrnn", run_qrnn, shapes, fields("c"), options, arguments)
    )
    pending = {gate: array(before) @ W for gate, W in vector.params["W"]["1"].items()}
    del vector.grads["params"]["W"]["1"]
    return vector._replace(carry=vector.carry | {"pending": {"0": pending}})


ON_THE_CPU = """
#include <math.h>
#define float double
#define __forceinline__ inline
#define __device__
#define __global__
struct Index { int x; };
static Index blockIdx = {0}, blockDim = {0}, threadIdx = {0};
static void atomicAdd(double *sum, double term) { *sum += term; }
extern "C" void at(int thread) { threadIdx.x = thread; }
"""


def make_unicornn(projects, seed):
    """The project has a CUDA kernel only, with a backward pass by hand, for y and not for z.

    It is compiled as C++ in double precision, and called for each thread in turn. The product with
    the input is not in the kernel.
    """
    names = ["cupy", "cupy__cuda", "pynvrtc", "pynvrtc__compiler"]
    modules = {name: mock.MagicMock() for name in names}
    kernel = load(projects["tk-rusch/unicornn"] / "psMNIST", "network", **modules).UnICORNN_CODE
    with tempfile.TemporaryDirectory() as temporary:
        source, library = Path(temporary) / "kernel.cpp", Path(temporary) / "kernel.so"
        source.write_text(ON_THE_CPU + kernel)
        command = ["g++", "-O0", "-ffp-contract=off", "-shared", "-fPIC", "-o"]
        subprocess.run([*command, str(library), str(source)], check=True)
        compiled = ctypes.CDLL(str(library))

    def call(name, *arguments):
        """Arrays go as pointers, whole numbers as int, others as double."""
        kinds = {np.ndarray: lambda a: ctypes.c_void_p(a.ctypes.data), int: ctypes.c_int}
        native = [kinds.get(type(a), ctypes.c_double)(a) for a in arguments]
        for thread in range(BATCH * HIDDEN):
            compiled.at(thread)
            getattr(compiled, name)(*native)

    rng = np.random.default_rng(seed)
    shapes = {"W": {"h": (INPUTS, HIDDEN)}} | {name: {"h": (HIDDEN,)} for name in "ubc"}
    params = on_tree(array, draw(rng, shapes))
    carry, xs = (
        on_tree(array, draw(rng, fields("yz"), 1.0)),
        array(normal(rng, TIME, BATCH, INPUTS)),
    )
    driven = xs @ params["W"]["h"] + params["b"]["h"]
    y, z, ys = (np.zeros_like(a) for a in (carry["y"], carry["z"], driven))
    sizes, u, c = (TIME, BATCH, HIDDEN), params["u"]["h"], params["c"]["h"]
    step = (WAVES["dt"], WAVES["alpha"])
    call("unicornn_fwd", driven, u, carry["y"], carry["z"], y, z, *sizes, c, *step, ys)

    cot_ys, cot_y = array(normal(rng, *ys.shape)), array(normal(rng, *y.shape))
    cot = cot_ys.copy()
    cot[-1] += cot_y
    grad, grad_u, grad_c = np.zeros_like(driven), np.zeros(HIDDEN), np.zeros(HIDDEN)
    call("unicornn_bwd", driven, u, y, z, cot, *sizes, c, *step, grad, grad_u, grad_c)
    grad_W = np.einsum("tbi,tbh->ih", xs, grad)
    grad_params = {"W": grad_W, "b": grad.sum((0, 1)), "u": grad_u, "c": grad_c}
    return Vector(
        cell="unicornn",
        options=WAVES,
        params=params,
        carry=carry,
        xs=xs,
        ys=ys,
        final_carry={"y": y, "z": z},
        cot_ys=cot_ys,
        cot_carry={"y": cot_y},
        grads={
            "params": {name: {"h": grad} for name, grad in grad_params.items()},
            "xs": grad @ params["W"]["h"].T,
        },
        library=cite("tk-rusch/unicornn"),
        seed=seed,
    )


# The projects that follow begin at zero. There the sequence has a step, or several, before ours,
# and our carry is the state after them. Only those gradients are taken that this carry has no part
# in.


def make_lru(projects, seed):
    """The state is not returned; it is read by a C that shows the real and the imaginary part.

    No part in the carry have C, D and our inputs.
    """
    module = load(projects["NicolasZucchet/minimal-LRU"], "lru.model").LRU(STATES, HIDDEN)
    rng = np.random.default_rng(seed)
    shapes = {
        "B": by_gate(["re", "im"], HIDDEN, STATES),
        "C": by_gate(["re", "im"], STATES, HIDDEN),
        "D": {"d": (HIDDEN,)},
    } | by_gate(["nu", "theta", "gamma_log"], STATES)
    p = on_tree(array, draw(rng, shapes))
    inputs = array(normal(rng, TIME + 1, BATCH, HIDDEN))

    def outputs(C, D, xs):
        native = {
            "nu_log": p["nu"],
            "theta_log": p["theta"],
            "gamma_log": p["gamma_log"],
            "B_re": p["B"]["re"].T,
            "B_im": p["B"]["im"].T,
            "C_re": C["re"].T,
            "C_im": C["im"].T,
            "D": D,
        }
        run = functools.partial(module.apply, {"params": native})
        return jax.vmap(run, in_axes=1, out_axes=1)(xs)

    def states(xs):
        show = np.eye(2 * STATES, HIDDEN)
        C = {"re": show[:STATES], "im": -show[STATES:]}  # the output is re C_re - im C_im
        seen = outputs(C, np.zeros(HIDDEN), xs)
        return {"re": seen[..., :STATES], "im": seen[..., STATES : 2 * STATES]}

    cot_ys = array(normal(rng, TIME, BATCH, HIDDEN))
    cot_carry = on_tree(array, draw(rng, fields(["re", "im"], STATES), 1.0))

    def loss(C, D, xs):
        final = {name: part[-1] for name, part in states(xs).items()}
        ends = sum((final[name] * cot_carry[name]).sum() for name in final)
        return (outputs(C, D, xs)[1:] * cot_ys).sum() + ends

    ys = outputs(p["C"], p["D"]["d"], inputs)[1:]
    grad_C, grad_D, grad_xs = jax.grad(loss, (0, 1, 2))(p["C"], p["D"]["d"], inputs)
    seen = states(inputs)
    return Vector(
        cell="lru",
        options={},
        params=p,
        carry={name: np.asarray(part[0]) for name, part in seen.items()},
        xs=inputs[1:],
        ys=np.asarray(ys),
        final_carry={name: np.asarray(part[-1]) for name, part in seen.items()},
        cot_ys=cot_ys,
        cot_carry=cot_carry,
        grads={
            "params": {"C": on_tree(np.asarray, grad_C), "D": {"d": np.asarray(grad_D)}},
            "xs": np.asarray(grad_xs)[1:],
        },
        library=cite("NicolasZucchet/minimal-LRU"),
        seed=seed,
    )


def make_odyssey(projects, seed, setting, options):
    """The LSTM of one of the settings of Greff et al. (2017).

    The step before sees inputs of its own, one for each sequence of the batch, which are 0 later.
    The gradients by their weights are those of that step by its gates, and are taken away from the
    gradients by the biases and by the peephole of the output gate; nothing else acts on it.
    """
    project = "cybertronai/schmidhuber-problems"
    folder = projects[project] / "lstm-search-space-odyssey"
    module = load(folder, "lstm_search_space_odyssey")
    flags = module.VariantFlags.from_name(setting)
    options = {"peephole": "diagonal"} | options
    present = [gate for gate in "ifo" if gate in options.get("gates", "ifo")]
    if setting == "CIFG":
        present.remove("i")
    rng = np.random.default_rng(seed)
    shapes = matrices([*present, "g"])
    if options["peephole"]:
        shapes["P"] = by_gate(present, HIDDEN)
    p = on_tree(array, draw(rng, shapes))

    def all_gates(group, *shape):
        return np.concatenate([group.get(gate, np.zeros(shape)) for gate in "ifgo"], axis=-1)

    peepholes = [p.get("P", {}).get(gate, np.zeros(HIDDEN)) for gate in "ifo"]
    start = array(normal(rng, BATCH, 4 * HIDDEN))
    native = module.LSTMParams(
        np.concatenate([all_gates(p["W"], INPUTS, HIDDEN), start]),
        all_gates(p["U"], HIDDEN, HIDDEN),
        all_gates(p["b"], HIDDEN),
        *peepholes,
        array(normal(rng, HIDDEN, 1)),
        np.zeros(1),
    )
    xs = array(normal(rng, TIME, BATCH, INPUTS))
    inputs = np.zeros((TIME + 1, BATCH, INPUTS + BATCH))
    inputs[0, :, INPUTS:] = np.eye(BATCH)
    inputs[1:, :, :INPUTS] = xs
    _, cache = module.lstm_forward(native, inputs, flags)
    h, c = cache["h"], cache["c"]

    # Its loss is of a number made of the last h.
    weights = array(normal(rng, BATCH))
    cot_h = weights[:, None] * native.Wy[:, 0]
    cot_ys = np.zeros_like(h[2:])
    cot_ys[-1] = 0.3 * cot_h
    grads = module.lstm_backward(native, cache, weights, flags)
    first = grads["Wx"][INPUTS:]
    grads["b"] -= first.sum(axis=0)
    grads["Wco"] -= (c[1] * first[:, 3 * HIDDEN :]).sum(axis=0)

    def ours(stacked, group):
        parts = dict(zip("ifgo", np.split(stacked, 4, axis=-1), strict=True))
        return {gate: parts[gate] for gate in group}

    grad_params = {
        "W": ours(grads["Wx"][:INPUTS], p["W"]),
        "U": ours(grads["Wh"], p["U"]),
        "b": ours(grads["b"], p["b"]),
    }
    if "P" in p:
        by_peephole = dict(zip("ifo", (grads[f"Wc{gate}"] for gate in "ifo"), strict=True))
        grad_params["P"] = {gate: by_peephole[gate] for gate in p["P"]}
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
        library=cite(project),
        seed=seed,
    )


def make_clockwork(projects, seed):
    """It takes one sequence, counts the steps from 1 and has the slowest units first.

    The steps before see an input of their own; no part in the carry has W.
    """
    project, before = "cybertronai/schmidhuber-problems", 5
    units, time = 2 * len(PERIODS), TIME + 1  # else units and steps would be as many
    module = load(projects[project] / "clockwork-rnn", "clockwork_rnn")
    rng = np.random.default_rng(seed)
    shapes = {"W": {"h": (INPUTS, units)}, "U": {"h": (units, units)}, "b": {"h": (units,)}}
    p = on_tree(array, draw(rng, shapes))
    start = array(normal(rng, 1, units))
    xs = array(normal(rng, time, BATCH, INPUTS))
    cot_ys, cot_h = array(normal(rng, time, BATCH, units)), array(normal(rng, BATCH, units))
    network = module.ClockworkRNN(INPUTS + 1, units, units, len(PERIODS), PERIODS)
    network.W_x = np.concatenate([p["W"]["h"], start]).T
    network.W_h = p["U"]["h"].T * network.mask_h
    network.b_h = p["b"]["h"]
    network.W_y, network.b_y = np.eye(units), np.zeros(units)
    states, grad = [], 0
    for sequence in range(BATCH):
        inputs = np.zeros((before + time, INPUTS + 1))
        inputs[:before, INPUTS] = array(normal(rng, before))
        inputs[before:, :INPUTS] = xs[:, sequence]
        _, cache = network.forward(inputs)
        states.append(cache["h"][before:])
        cot = np.concatenate([np.zeros((before, units)), cot_ys[:, sequence]])
        cot[-1] += cot_h[sequence]  # the last output is the last h
        grad = grad + network.backward(cot, cache)["W_x"]
    h = np.stack(states, axis=1)
    whole = {"carry": {"t": before + 1}, "final_carry": {"t": before + 1 + time}}
    return Vector(
        cell="clockwork",
        options={"periods": PERIODS, "whole": whole},
        params=p,
        carry={"h": h[0]},
        xs=xs,
        ys=h[1:],
        final_carry={"h": h[-1]},
        cot_ys=cot_ys,
        cot_carry={"h": cot_h},
        grads={"params": {"W": {"h": grad[:, :INPUTS].T}}},
        library=cite(project),
        seed=seed,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else SEED)
