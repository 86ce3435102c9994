"""The functions of a number that the NumPy oracles share.

They accept complex arrays: no `abs`, `max` or comparison of a complex number, and a branch is
decided by the real part alone.
"""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def relu(z):
    return np.where(z.real > 0, z, 0)


def identity(z):
    return z


def softplus(z):
    return np.log1p(np.exp(z))


def larger(a, b):
    """`max(a, b)`; where the two are equal, `a`."""
    return np.where(a.real >= b.real, a, b)


def clip_to(z, limit):
    """`z` inside [-limit, limit]; outside, the nearest bound, whose derivative is 0."""
    bound = limit * np.sign(z.real)
    return np.where(np.abs(z.real) > limit, bound, z)


FUNCTIONS = {"tanh": np.tanh, "sigmoid": sigmoid, "relu": relu, "identity": identity}


def members(groups):
    """The groups of a tuple as a list; the tuple may come as a dict by index, `{"0": ...}`."""
    if isinstance(groups, dict):
        return [groups[str(j)] for j in range(len(groups))]
    return list(groups)
