"""The NumPy oracles agree with the vectors of published implementations."""

import numpy as np
import pytest

from .numpy_cells import ORACLES
from .numpy_gradients import numerical_gradients
from .vectors import assert_close, leaves, load

pytestmark = pytest.mark.once

VECTORS = {
    f"{name}-{case}": vector
    for name in ("torch", "keras", "torchrecurrent")
    for case, vector in load(name).items()
}


@pytest.fixture(params=VECTORS)
def vector(request):
    vector = VECTORS[request.param]
    print(f"{request.param}: {vector.library}, seed {vector.seed}")
    return vector


def test_values(vector):
    oracle = ORACLES[vector.cell]
    carry, ys = oracle(vector.params, vector.carry, vector.xs, **vector.options)
    assert ys.dtype == np.float64
    assert carry.keys() == vector.final_carry.keys()
    assert_close({"ys": ys, "carry": carry}, {"ys": vector.ys, "carry": vector.final_carry}, 1e-12)


def test_gradients(vector):
    grads = numerical_gradients(
        ORACLES[vector.cell],
        vector.params,
        vector.carry,
        vector.xs,
        vector.cot_ys,
        vector.cot_carry,
        **vector.options,
    )
    assert leaves(grads).keys() == leaves(vector.grads).keys()
    assert_close(grads, vector.grads, 1e-10)


def test_no_mistake_is_invisible():
    """A swapped axis or a dropped term could go unnoticed if lengths were equal or numbers zero."""
    for name, vector in VECTORS.items():
        assert len({*vector.xs.shape, vector.ys.shape[-1]}) == 4, name
        for path, array in leaves({"params": vector.params, "carry": vector.carry}).items():
            assert np.all(array != 0), f"{name}{path}"
