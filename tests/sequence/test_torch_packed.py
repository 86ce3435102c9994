"""Deep bidirectional stacks over sequences of unequal length, against stored vectors of torch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.helpers import assert_close
from tests.oracles.vectors import load

CELLS = {"lstm": rx.LSTM(4), "gru": rx.GRU(4)}
VECTORS = load("torch_packed")


@pytest.mark.parametrize("method", ["auto", "scan"])
@pytest.mark.parametrize("name", VECTORS)
def test_two_layers_in_both_directions_are_those_of_torch(name, method):
    vector = VECTORS[name]
    both = rx.Bidirectional(CELLS[name])
    stack = rx.Stack((both, both))
    params = rx.params_from_dict(stack.params_like(3), jax.tree.map(jnp.asarray, vector.params))
    like = stack.initial_carry((3,))
    carry, cot_carry, want_last, want_d_carry = (
        rx.params_from_dict(like, jax.tree.map(jnp.asarray, tree), "carry")
        for tree in (vector.carry, vector.cot_carry, vector.final_carry, vector.grads["carry"])
    )
    xs = jnp.asarray(vector.xs).at[4:, 0].set(jnp.nan).at[1:, 2].set(jnp.inf)  # torch skips it

    def run(params, xs, carry):
        lengths = np.asarray(vector.options["lengths"])
        return rx.unroll(stack, params, xs, carry, lengths=lengths, time_axis=0, method=method)

    got, pull = jax.vjp(run, params, xs, carry)
    assert_close(got, (want_last, jnp.asarray(vector.ys)))
    d_params, d_xs, d_carry = pull((cot_carry, jnp.asarray(vector.cot_ys)))
    want = jax.tree.map(jnp.asarray, vector.grads["params"])
    assert_close(d_params, rx.params_from_dict(stack.params_like(3), want))
    assert_close(d_xs, jnp.asarray(vector.grads["xs"]))
    assert_close(d_carry, want_d_carry)
