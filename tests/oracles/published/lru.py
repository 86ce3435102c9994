"""The LRU of minimal-LRU, in JAX.

The state is not returned; it is read by a C that shows the real and the imaginary part. No part in
the carry have C, D and our inputs.
"""

import functools

import jax
import numpy as np

from ..make_torch_vectors import BATCH, HIDDEN, TIME
from ..vectors import Vector
from .cases import draw, on_tree
from .loading import load
from .projects import checkout, cite
from .shapes import by_gate, fields

PROJECT = "NicolasZucchet/minimal-LRU"
STATES = 2  # its outputs can show them, real and imaginary, since 2 * 2 < HIDDEN


def vectors(folder, seed):
    module = load(checkout(folder, PROJECT), "lru.model").LRU(STATES, HIDDEN)
    rng = np.random.default_rng(seed)
    shapes = {
        "B": by_gate(["re", "im"], HIDDEN, STATES),
        "C": by_gate(["re", "im"], STATES, HIDDEN),
        "D": {"d": (HIDDEN,)},
    } | by_gate(["nu", "theta", "gamma_log"], STATES)
    p = draw(rng, shapes)
    inputs = rng.normal(size=(TIME + 1, BATCH, HIDDEN))

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

    cot_ys = rng.normal(size=(TIME, BATCH, HIDDEN))
    cot_carry = draw(rng, fields(["re", "im"], STATES), 1.0)

    def loss(C, D, xs):
        final = {name: part[-1] for name, part in states(xs).items()}
        ends = sum((final[name] * cot_carry[name]).sum() for name in final)
        return (outputs(C, D, xs)[1:] * cot_ys).sum() + ends

    ys = outputs(p["C"], p["D"]["d"], inputs)[1:]
    grad_C, grad_D, grad_xs = jax.grad(loss, (0, 1, 2))(p["C"], p["D"]["d"], inputs)
    seen = states(inputs)
    vector = Vector(
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
        library=cite(PROJECT),
        seed=seed,
    )
    return {"lru": vector}
