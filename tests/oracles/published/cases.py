"""A case is a project run by torch, whose gradients are those of torch."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from ..make_torch_vectors import BATCH, INPUTS, TIME, array, normal
from ..vectors import Vector
from .projects import checkout, cite


class Case(NamedTuple):
    """`run` takes the checkout, the parameters, the carry and the inputs by our names, and
    `arguments`; it returns the outputs and the final carry."""

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


def on_tree(function, tree):
    if isinstance(tree, dict):
        return {name: on_tree(function, branch) for name, branch in tree.items()}
    return function(tree)


def draw(rng, shapes, scale=0.5):
    return on_tree(lambda shape: scale * rng.normal(size=shape), shapes)


def variable(values):
    return torch.tensor(values, requires_grad=True)


def vectors_of(cases, folder, seed):
    return {name: vector_of(case, folder, seed) for name, case in cases.items()}


def vector_of(case, folder, seed):
    rng = np.random.default_rng(seed)
    params, carry = draw(rng, case.params), draw(rng, case.carry, 1.0)
    carry |= {field: np.abs(carry[field]) for field in case.positive}
    params, carry = on_tree(variable, params), on_tree(variable, carry)
    xs = normal(rng, TIME, BATCH, case.inputs).requires_grad_()
    whole = on_tree(torch.tensor, case.whole.get("carry", {}))
    start = carry | {field: value.double() for field, value in whole.items()}
    project = checkout(folder, case.project)
    ys, final_carry = case.run(project, params, start, xs, **case.arguments)
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
