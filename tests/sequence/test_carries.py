"""The carries of all steps, from ``unroll_carries``."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.all_cells import CASES
from tests.helpers import assert_close, assert_identical, problem, random_like

pytestmark = pytest.mark.once


def test_carries_of_every_step_hold_over_padding(rng):
    case = CASES["lstm"]
    params, carry, xs = problem(rng, case, batch=(2,), steps=5)
    mask = np.array([[0, 1, 0, 1, 0], [1, 1, 1, 0, 0]], bool)
    last, _ = rx.unroll(case.cell, params, xs, carry, mask=mask)
    same, (carries, _) = rx.unroll_carries(case.cell, params, xs, carry, mask=mask)
    assert_identical(same, last)
    assert_identical(jax.tree.map(lambda a: a[:, -1], carries), last)
    assert_identical(jax.tree.map(lambda a: a[0, 0], carries), jax.tree.map(lambda a: a[0], carry))
    assert_identical(
        jax.tree.map(lambda a: a[:, 2][0], carries), jax.tree.map(lambda a: a[:, 1][0], carries)
    )


def test_carries_of_a_stack_with_both_directions(rng):
    """A tuple with an entry per part, and a pair for the two directions, in the order of xs."""
    both = rx.Bidirectional(rx.GRU(3), rx.LSTM(2))
    layer = rx.Stack((both, rx.Dropout(0.5), rx.LSTM(4)))
    params = random_like(rng, layer.params_like(3))
    xs = jnp.asarray(rng.normal(size=(2, 5, 3)))
    lengths = np.array([5, 2])
    last, ys = rx.unroll(layer, params, xs, lengths=lengths)
    carry, (carries, outputs) = rx.unroll_carries(layer, params, xs, lengths=lengths)
    assert_identical((carry, outputs), (last, ys))
    assert jax.tree.structure(carries) == jax.tree.structure(carry)
    chex.assert_tree_shape_prefix(carries, (2, 5))

    def at(tree, t):
        return jax.tree.map(lambda a: a[:, t], tree)

    (forward, backward), _, top = carries
    assert_identical((at(forward, -1), at(top, -1)), (last[0].forward, last[2]))
    assert_identical(at(backward, 0), last[0].backward)
    late = rx.unroll(both.backward, params[0].backward, xs[:1, 3:], reverse=True)[0]
    assert_close(jax.tree.map(lambda a: a[:1, 3], backward), late)


def test_carries_in_the_order_of_processing(rng):
    case = CASES["gru"]
    params, carry, xs = problem(rng, case, batch=(2,), steps=5)
    lengths = np.array([5, 3])
    options = {"reverse": True, "lengths": lengths}
    _, (carries, _) = rx.unroll_carries(case.cell, params, xs, carry, **options)
    options["order"] = "processing"
    last, (got, outputs) = rx.unroll_carries(case.cell, params, xs, carry, **options)
    assert_identical(outputs, rx.unroll(case.cell, params, xs, carry, **options)[1])
    assert_identical(got.h[0], carries.h[0, ::-1])
    assert_identical(got.h[1, :3], carries.h[1, 2::-1])
    assert_identical(got.h[:, 2], jnp.stack([got.h[0, 2], last.h[1]]))
