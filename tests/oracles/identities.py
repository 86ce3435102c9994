"""Tools for identities between oracles: one cell made of another, with other parameters."""

import numpy as np

from .numpy_cells import ORACLES, elman, gru, lstm
from .numpy_gradients import numerical_gradients
from .numpy_problems import HIDDEN, MASK, PROBLEMS

OPEN = np.full(HIDDEN, 1000.0)  # as a bias: sigmoid(1000) is 1 in every bit
NONE = np.zeros((HIDDEN, HIDDEN))
EYE = np.eye(HIDDEN)


def tree_map(function, *trees):
    if isinstance(trees[0], dict):
        assert all(tree.keys() == trees[0].keys() for tree in trees)
        return {key: tree_map(function, *(tree[key] for tree in trees)) for key in trees[0]}
    if isinstance(trees[0], tuple):
        return tuple(tree_map(function, *branches) for branches in zip(*trees, strict=True))
    return function(*trees)


def assert_same(actual, expected, atol=1e-12):
    def compare(a, b):
        np.testing.assert_allclose(a, b, rtol=atol, atol=atol)

    tree_map(compare, actual, expected)


def run(name, params, carry, xs, **options):
    problem = PROBLEMS[name]
    return ORACLES[problem.cell](params, carry, xs, **(problem.options | options))


def by_steps(step, carry, xs):
    """Applies `step(carry, x) -> (carry, y)` to x of (1, B, I); y is (1, B, out)."""
    ys = []
    for x in xs:
        carry, y = step(carry, x[None])
        ys.append(y[0])
    return carry, np.stack(ys)


def layer(function, *products, bias=0):
    """`function` of the sum of all `x @ kernel`: an Elman network that forgets its state."""
    x = np.concatenate([x for x, _ in products], axis=-1)
    kernel = np.concatenate([kernel for _, kernel in products])
    units = kernel.shape[1]
    params = {"W": {"h": kernel}, "U": {"h": np.zeros((units, units))}, "b": {"h": bias}}
    start = {"h": np.zeros((*x.shape[1:-1], units))}
    return elman(params, start, x, activation=function)[1]


def mix(logits, candidates, start):
    """h_t = sigmoid(logits_t) * h_{t-1} + (1 - sigmoid(logits_t)) * candidates_t, by the GRU."""
    zeros, flat = dict.fromkeys("rzn", NONE), dict.fromkeys("rzn", NONE[0])
    left, right = np.concatenate([EYE, NONE]), np.concatenate([NONE, EYE])
    params = {"W": {"r": 0 * left, "z": left, "n": right}, "U": zeros, "b": flat}
    xs = np.concatenate([logits, candidates], axis=-1)
    options = {"recurrent_bias": False, "candidate_fn": "identity"}
    return gru(params, {"h": start}, xs, **options)[1]


def plain_gru(params, z, n, sign=1, **options):
    """The GRU whose reset gate is open, with the gates z and n of another cell."""
    no_r = {"W": np.zeros_like(params["W"][n]), "U": NONE, "b": OPEN}
    no_U = dict.fromkeys((z, n), NONE)
    full = params | {"U": no_U | params["U"]}
    gates = {k: {"r": no_r[k], "z": sign * full[k][z], "n": full[k][n]} for k in "WUb"}
    return lambda carry, xs: gru(gates, carry, xs, recurrent_bias=False, **options)


def linear_lstm(params, i, f, carry, xs, signs=(1, 1), **options):
    """The LSTM whose state is its output, with the gates i and f of another cell; the state."""
    inputs = xs.shape[-1]
    o = {"W": np.zeros((inputs, HIDDEN)), "U": NONE, "b": OPEN}
    source = {"i": (i, signs[0]), "f": (f, signs[1]), "g": ("g", 1)}
    gates = {
        k: {gate: sign * params[k][name] for gate, (name, sign) in source.items()} | {"o": o[k]}
        for k in "WUb"
    }
    options = {"output_fn": "identity"} | options
    last, ys = lstm(gates, {"h": carry, "c": carry}, xs, **options)
    return last["c"], ys


def dense(kind, operator):
    """The recurrent operator as a full matrix."""
    match kind:
        case "diagonal":
            return np.diag(operator["diagonal"])
        case "block":
            matrix = np.zeros((HIDDEN, HIDDEN))
            for row, column in np.ndindex(matrix.shape):
                if row // 2 == column // 2:
                    matrix[row, column] = operator["blocks"][row // 2, row % 2, column % 2]
            return matrix
        case "low_rank":
            return np.einsum("ir,rj->ij", operator["left"], operator["right"])
        case "masked":
            return operator["kernel"] * np.kron(MASK, np.ones((2, 2)))


def positive(carry):
    """A normalizer near 0 would leave no digits to compare."""
    return carry | {"n": 1 + np.abs(carry["n"])}


def assert_gradient_is_the_slope(rng, oracle, options, point, direction):
    """The complex step gives what a central difference, of order 4, gives to its last digits.

    A corner of the function may lie within a difference, and seldom within a smaller one.
    """
    final, ys = oracle(*point, **options)
    cotangents = rng.normal(size=ys.shape), tree_map(lambda a: rng.normal(size=a.shape), final)

    def total(tree, other):
        numbers = []
        tree_map(lambda a, b: numbers.append(np.sum(a * b)), tree, other)
        return sum(numbers)

    def loss(step):
        final, ys = oracle(*tree_map(lambda a, d: a + step * d, point, direction), **options)
        return total((ys, final), cotangents)

    grads = numerical_gradients(oracle, *point, *cotangents, **options)
    assert tree_map(np.shape, tuple(grads.values())) == tree_map(np.shape, point)
    slope = total(tuple(grads.values()), direction)
    errors = []
    for step in (1e-4, 1e-5, 1e-6):
        near, far = ((loss(h) - loss(-h)) / (2 * h) for h in (step, 2 * step))
        difference = (4 * near - far) / 3
        errors.append(step * abs(slope - difference) / (1 + abs(difference)))
    assert min(errors) < 1e-12, errors
