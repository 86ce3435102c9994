"""What many tests need: random parameters, carries and inputs, and comparisons of whole trees."""

import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurrax.cell.params import params_to_dict


def random_like(rng, tree, scale=0.5, dtype=np.float64):
    """Random arrays of the shapes of ``tree``; no zero biases, no zero carries."""
    return jax.tree.map(lambda a: jnp.asarray(scale * rng.normal(size=a.shape), dtype), tree)


def problem(rng, case, batch=(2,), steps=4, dtype=np.float64):
    """Random parameters, initial carry and inputs ``(*batch, steps, in_features)``."""
    params = random_like(rng, case.cell.params_like(case.in_features), dtype=dtype)
    carry = random_like(rng, case.cell.initial_carry(batch), dtype=dtype)
    if case.valid is not None:
        params, carry = jax.tree.map(lambda a: a.astype(dtype), case.valid(params, carry))
    xs = random_like(rng, jnp.zeros((*batch, steps, case.in_features)), 1.0, dtype)
    return params, carry, xs


def as_numpy(tree):
    """Parameters or a carry as nested dicts of NumPy arrays, as the oracles take them."""
    return jax.tree.map(np.asarray, params_to_dict(tree))


def assert_close(got, want, tolerance=1e-12):
    """Two trees of equal structure agree in every number, scaled by 1 + |want|; all are finite."""
    chex.assert_tree_all_finite((got, want))
    chex.assert_trees_all_close(got, want, rtol=tolerance, atol=tolerance)


def assert_identical(got, want):
    """Two trees agree in structure, dtype and every bit."""
    chex.assert_trees_all_equal(got, want, strict=True)


def combinations(*axes, quick):
    """Test parameters: every combination, those for which ``quick`` is false in the slow sweep."""
    return [
        pytest.param(*values, marks=() if quick(*values) else pytest.mark.slow)
        for values in itertools.product(*axes)
    ]
