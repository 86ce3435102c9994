"""The NumPy oracles agree with what authors of the cells, and others, published as code.

Some of the projects give less than all gradients, and those that are there are compared; see
the package `published`.
"""

import numpy as np
import pytest

from . import numpy_memory_and_clocks
from .numpy_cells import ORACLES
from .numpy_gradients import numerical_gradients
from .vectors import assert_close, leaves, load

pytestmark = pytest.mark.once

VECTORS = load("published")

# Their inputs are as many as their units.
SQUARE = {"sru_2_scaled", "rg_lru", "rg_lru_start", "lru"}

# The first sequence of its batch has no state yet.
ZERO = {("rg_lru_start", "/carry/h")}


def oracle_of(vector):
    return getattr(numpy_memory_and_clocks, vector.cell, None) or ORACLES[vector.cell]


def split_options(vector):
    """The options of the oracle, and the whole numbers of the carries.

    The latter are kept apart because `vectors.save` refuses arrays that float32 holds exactly.
    """
    options = dict(vector.options)
    whole = options.pop("whole", {})
    arrays = {
        name: {field: np.array(value, dtype=np.float64) for field, value in fields.items()}
        for name, fields in whole.items()
    }
    return options, arrays


def complete(tree, like):
    """`tree`, with zeros for every array of `like` that it has not."""
    if not isinstance(like, dict):
        return np.zeros_like(like) if tree is None else tree
    tree = tree or {}
    return {key: complete(tree.get(key), branch) for key, branch in like.items()}


@pytest.fixture(params=VECTORS)
def vector(request):
    vector = VECTORS[request.param]
    print(f"{request.param}: {vector.library}, seed {vector.seed}")
    return vector


def test_values(vector):
    options, whole = split_options(vector)
    carry = vector.carry | whole.get("carry", {})
    final_carry, ys = oracle_of(vector)(vector.params, carry, vector.xs, **options)
    assert ys.dtype == np.float64
    expected = {"ys": vector.ys, "carry": vector.final_carry | whole.get("final_carry", {})}
    assert_close({"ys": ys, "carry": final_carry}, expected, 1e-12)


def test_gradients(vector):
    options, whole = split_options(vector)
    carry = vector.carry | whole.get("carry", {})
    grads = numerical_gradients(
        oracle_of(vector),
        vector.params,
        carry,
        vector.xs,
        vector.cot_ys,
        complete(vector.cot_carry, carry),
        **options,
    )
    assert_close(grads, vector.grads, 1e-10)


def test_no_mistake_is_invisible():
    """A swapped axis or a dropped term could go unnoticed if lengths were equal or numbers zero."""
    for name, vector in VECTORS.items():
        lengths = {*vector.xs.shape, vector.ys.shape[-1]}
        assert len(lengths) == (3 if name in SQUARE else 4), name
        for path, array in leaves({"params": vector.params, "carry": vector.carry}).items():
            assert np.any(array != 0), f"{name}{path}"
            assert np.all(array != 0) or (name, path) in ZERO, f"{name}{path}"
