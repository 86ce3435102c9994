"""Gradients of the NumPy oracles by complex-step differentiation.

For an analytic f, real at real x,

    f(x + i s) = f(x) + i s f'(x) - s^2 f''(x) / 2 - ...    so    f'(x) = Im f(x + i s) / s + O(s^2)

A finite difference subtracts two nearly equal numbers, so a small step loses digits and a large one
is inexact: central differences stop at about 1e-10. Here nothing is subtracted. The derivative is
alone in the imaginary part, the step may be so small that its square vanishes beside 1, and the
result is as accurate as the function itself, about 1e-15. No rule of differentiation is written
down, except that a branch (relu, clip) is taken by the real part.
"""

import numpy as np

STEP = 1e-30


def numerical_gradients(oracle, params, carry, xs, cotangent_ys, cotangent_carry, **options):
    """Gradients of sum(ys * cotangent_ys) + sum(final carry * cotangent_carry).

    Returns `{"params": ..., "carry": ..., "xs": ...}`, each shaped as the input of that name;
    `carry` is the initial one. The oracle runs once per number that it is differentiated by.
    """

    def loss(params, carry, xs):
        final, ys = oracle(params, carry, xs, **options)
        return np.sum(ys * cotangent_ys) + _dot(final, cotangent_carry)

    inputs = _complex_copy({"params": params, "carry": carry, "xs": xs})

    def gradient(leaf):
        result = np.empty(leaf.shape)
        for index in np.ndindex(leaf.shape):
            value = leaf[index]
            leaf[index] = value + 1j * STEP  # in place: `inputs` holds this very array
            result[index] = loss(**inputs).imag / STEP
            leaf[index] = value
        return result

    return _map_leaves(gradient, inputs)


def _complex_copy(tree):
    return _map_leaves(lambda leaf: np.array(leaf, dtype=np.complex128), tree)


def _map_leaves(function, tree):
    if isinstance(tree, dict):
        return {key: _map_leaves(function, branch) for key, branch in tree.items()}
    if isinstance(tree, tuple):
        return tuple(_map_leaves(function, branch) for branch in tree)
    return function(tree)


def _dot(tree, other):
    """The sum of the products of all numbers of two trees of one structure."""
    if isinstance(tree, dict):
        return sum(_dot(branch, other[key]) for key, branch in tree.items())
    if isinstance(tree, tuple):
        return sum(_dot(*branches) for branches in zip(tree, other, strict=True))
    return np.sum(tree * other)
