"""The Clockwork network, in NumPy, by schmidhuber-problems.

It takes one sequence, counts the steps from 1 and has the slowest units first. The steps before see
an input of their own; no part in the carry has W.
"""

import numpy as np

from ..make_torch_vectors import BATCH, INPUTS, TIME
from ..vectors import Vector
from .cases import draw
from .loading import load
from .projects import checkout, cite

PROJECT = "cybertronai/schmidhuber-problems"
PERIODS = [4, 2, 1]  # sorted as the project sorts them
BEFORE = 5
UNITS, STEPS = 2 * len(PERIODS), TIME + 1  # else units and steps would be as many


def vectors(folder, seed):
    module = load(checkout(folder, PROJECT) / "clockwork-rnn", "clockwork_rnn")
    rng = np.random.default_rng(seed)
    p = draw(rng, {"W": {"h": (INPUTS, UNITS)}, "U": {"h": (UNITS, UNITS)}, "b": {"h": (UNITS,)}})
    start = rng.normal(size=(1, UNITS))
    xs = rng.normal(size=(STEPS, BATCH, INPUTS))
    cot_ys, cot_h = rng.normal(size=(STEPS, BATCH, UNITS)), rng.normal(size=(BATCH, UNITS))
    network = module.ClockworkRNN(INPUTS + 1, UNITS, UNITS, len(PERIODS), PERIODS)
    network.W_x = np.concatenate([p["W"]["h"], start]).T
    network.W_h = p["U"]["h"].T * network.mask_h
    network.b_h = p["b"]["h"]
    network.W_y, network.b_y = np.eye(UNITS), np.zeros(UNITS)
    states, grad = [], 0
    for sequence in range(BATCH):
        inputs = np.zeros((BEFORE + STEPS, INPUTS + 1))
        inputs[:BEFORE, INPUTS] = rng.normal(size=BEFORE)
        inputs[BEFORE:, :INPUTS] = xs[:, sequence]
        _, cache = network.forward(inputs)
        states.append(cache["h"][BEFORE:])
        cot = np.concatenate([np.zeros((BEFORE, UNITS)), cot_ys[:, sequence]])
        cot[-1] += cot_h[sequence]  # the last output is the last h
        grad = grad + network.backward(cot, cache)["W_x"]
    h = np.stack(states, axis=1)
    whole = {"carry": {"t": BEFORE + 1}, "final_carry": {"t": BEFORE + 1 + STEPS}}
    vector = Vector(
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
        library=cite(PROJECT),
        seed=seed,
    )
    return {"clockwork": vector}
