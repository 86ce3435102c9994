"""The NumPy oracles agree with the vectors of published implementations."""

import numpy as np
import pytest

from .numpy_cells import ORACLES
from .numpy_gradients import numerical_gradients
from .vectors import load

pytestmark = pytest.mark.once

VECTORS = {
    f"{name}-{case}": vector
    for name in ("torch", "keras", "torchrecurrent")
    for case, vector in load(name).items()
}


def leaves(tree, path=""):
    """Every array of a nested dict, with its path, in the order of the paths."""
    if not isinstance(tree, dict):
        return [(path, tree)]
    return [leaf for key in sorted(tree) for leaf in leaves(tree[key], f"{path}/{key}")]


def assert_close(actual, expected, tolerance):
    actual, expected = dict(leaves(actual)), dict(leaves(expected))
    assert actual.keys() == expected.keys()
    for path, array in expected.items():
        assert actual[path].shape == array.shape, path
        np.testing.assert_allclose(
            actual[path], array, rtol=tolerance, atol=tolerance, err_msg=path
        )


@pytest.fixture(params=VECTORS)
def vector(request):
    vector = VECTORS[request.param]
    print(f"{request.param}: {vector.library}, seed {vector.seed}")
    return vector


def test_values(vector):
    oracle = ORACLES[vector.cell]
    carry, ys = oracle(vector.params, vector.carry, vector.xs, **vector.options)
    assert ys.dtype == np.float64
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
    assert_close(grads, vector.grads, 1e-10)


def test_no_mistake_is_invisible():
    """A swapped axis or a dropped term could go unnoticed if lengths were equal or numbers zero."""
    for name, vector in VECTORS.items():
        assert len({*vector.xs.shape, vector.ys.shape[-1]}) == 4, name
        for path, array in leaves({"params": vector.params, "carry": vector.carry}):
            assert np.all(array != 0), f"{name}{path}"
