"""Steps with very many operations or carries: no limit of recursion, and no wrong order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import recurrax as rx
from recurrax.program.levels import strongly_connected

XS = jnp.linspace(-1.0, 1.0, 5)


def added_from_the_left(c, x):
    for i in range(1500):
        x = x + (c if i == 700 else 1e-3)
    return jnp.tanh(x), x


def added_from_the_right(c, x):
    total = c
    for _ in range(1500):
        total = 1e-3 + total
    return jnp.tanh(total + x), total


def multiplied(c, x):
    for _ in range(1500):
        c = c * 0.999
    return jnp.tanh(c + x), c


@pytest.mark.parametrize("step", [added_from_the_left, added_from_the_right, multiplied])
def test_thousands_of_operations(step):
    def run(scan, h):
        last, ys = scan(step, h, XS)
        return last + jnp.sum(ys)

    got, want = (jax.value_and_grad(lambda h, s=s: run(s, h))(0.3) for s in (rx.scan, lax.scan))
    np.testing.assert_allclose(got, want, rtol=1e-10)


def test_a_chain_of_thousands_of_carries():
    n = 5000
    needs = {i: {i - 1} if i else set() for i in range(n)}
    assert strongly_connected(needs) == [[i] for i in range(n)]
    ring = {i: {(i + 1) % n} for i in range(n)}
    assert strongly_connected(ring) == [list(range(n))]


def test_components_come_after_those_that_they_need(rng):
    """Against reachability by repeated squaring of the adjacency matrix."""
    for _ in range(30):
        n = int(rng.integers(1, 12))
        edges = rng.random(size=(n, n)) < 1.5 / n
        reach = np.eye(n, dtype=bool) | edges
        for _ in range(n):
            reach = reach @ reach
        found = strongly_connected({i: set(np.flatnonzero(edges[i]).tolist()) for i in range(n)})
        assert sorted(node for part in found for node in part) == list(range(n))
        place = {node: k for k, part in enumerate(found) for node in part}
        for i in range(n):
            for j in range(n):
                assert (place[i] == place[j]) == (reach[i, j] and reach[j, i])
                if reach[i, j]:
                    assert place[j] <= place[i]
