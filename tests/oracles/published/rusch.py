"""The LEM and the coRNN of T. Konstantin Rusch."""

import torch

from ..make_torch_vectors import HIDDEN, INPUTS
from .cases import Case, vectors_of
from .loading import load
from .running import calling, columns, loop, rows
from .shapes import by_gate, fields, matrices

LEM_STEP = 0.7
OSCILLATORS = {"dt": 0.3, "gamma": 1.7, "epsilon": 0.6}


def run(cell, weights, carry, xs):
    ys, (y, z) = loop(calling(cell, weights), (carry["y"], carry["z"]), xs)
    return ys, {"y": y, "z": z}


def run_lem(folder, p, carry, xs):
    cell = load(folder / "src" / "adding", "network").LEMCell(INPUTS, HIDDEN, LEM_STEP)
    b = columns(p["b"], ["ty", "tz", "y", "z"])
    ty, tz, _, z = b.chunk(4)
    shares = torch.tensor([0.3, 0.3, 0.6, 0.3], dtype=torch.float64).repeat_interleave(HIDDEN)
    weights = {
        "inp2hid.weight": rows(p["W"], ["ty", "tz", "y", "z"]),
        "inp2hid.bias": b * shares,
        "hid2hid.weight": rows(p["U"], ["ty", "tz", "z"]),
        "hid2hid.bias": torch.cat([ty, tz, z]) * 0.7,
        "transform_z.weight": p["U"]["y"].T,
        "transform_z.bias": p["b"]["y"] * 0.4,
    }
    return run(cell, weights, carry, xs)


def run_co_rnn(folder, p, carry, xs):
    cell = load(folder / "sMNIST", "network").coRNNCell(INPUTS, HIDDEN, **OSCILLATORS)
    kernel = torch.cat([p["W"]["z"], p["U"]["z"], p["U"]["y"]]).T
    return run(cell, {"i2h.weight": kernel, "i2h.bias": p["b"]["z"]}, carry, xs)


CASES = {
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
}


def vectors(folder, seed):
    return vectors_of(CASES, folder, seed)
