"""Every cell against equations written by another hand, and against published implementations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.all_cells import CASES, around_every_cell
from tests.helpers import as_numpy, assert_close, problem, random_like
from tests.oracles.memory_and_clocks_by_name import MEMORY_AND_CLOCKS
from tests.oracles.numpy_cells import ORACLES
from tests.oracles.numpy_gradients import numerical_gradients
from tests.oracles.vectors import load

pytestmark = pytest.mark.once


def value_and_gradients(cell, params, carry, xs, cot_ys, cot_carry):
    """Values, and gradients of sum(ys * cot_ys) + sum(carry * cot_carry), of time-major inputs."""

    def loss(params, carry, xs):
        carry, ys = rx.unroll(cell, params, xs, carry, time_axis=0)
        total = jnp.sum(ys * cot_ys)
        for part, cotangent in zip(jax.tree.leaves(carry), jax.tree.leaves(cot_carry), strict=True):
            total += jnp.sum(part * cotangent)
        return total, (carry, ys)

    gradient = jax.value_and_grad(loss, argnums=(0, 1, 2), has_aux=True)
    (_, values), grads = gradient(params, carry, xs)
    return values, grads


@pytest.mark.parametrize("name", CASES)
def test_cell_equals_its_oracle(name, rng):
    case = CASES[name]
    params, carry, xs = problem(rng, case)
    xs = jnp.moveaxis(xs, -2, 0)
    _, ys_like = jax.eval_shape(lambda: rx.unroll(case.cell, params, xs, carry, time_axis=0))
    cot_ys, cot_carry = random_like(rng, ys_like, 1.0), random_like(rng, carry, 1.0)
    (last, ys), grads = value_and_gradients(case.cell, params, carry, xs, cot_ys, cot_carry)

    oracle = (ORACLES | MEMORY_AND_CLOCKS)[case.oracle]
    inputs = (as_numpy(params), as_numpy(carry), np.asarray(xs))
    want_last, want_ys = oracle(*inputs, **case.options)
    assert_close((as_numpy(last), ys), (want_last, want_ys), 1e-12)

    want = numerical_gradients(
        oracle, *inputs, np.asarray(cot_ys), as_numpy(cot_carry), **case.options
    )
    got = {"params": as_numpy(grads[0]), "carry": as_numpy(grads[1]), "xs": grads[2]}
    assert_close(got, want, 1e-10)


@around_every_cell
def test_float32_stays_close_to_float64(case, rng):
    """The noise of correct float32 arithmetic; a wrong formula is far above it."""
    single = problem(rng, case, dtype=np.float32)
    double = jax.tree.map(lambda a: a.astype(np.float64), single)

    def run(params, carry, xs):
        def loss(params, carry, xs):
            last, ys = rx.unroll(case.cell, params, xs, carry)
            weight = jnp.cos(jnp.arange(ys.size, dtype=ys.dtype)).reshape(ys.shape)
            return jnp.sum(ys * weight), (last, ys)

        return jax.value_and_grad(loss, (0, 1, 2), has_aux=True)(params, carry, xs)

    ((_, values), grads), ((_, want_values), want_grads) = run(*single), run(*double)
    assert all(a.dtype == np.float32 for a in jax.tree.leaves((values, grads)))
    assert_close(values, want_values, 2e-6)
    assert_close(grads, want_grads, 1e-5)


# The recurrax cell for each stored case. Sizes come from the vectors.
CELLS = {case.oracle: type(case.cell) for case in CASES.values()}
RENAMED = {"activation": "candidate_fn"}  # options that the oracles call otherwise
LIBRARIES = ("torch", "keras", "torchrecurrent")
VECTORS = {f"{lib}-{name}": v for lib in LIBRARIES for name, v in load(lib).items()}


@pytest.mark.parametrize("name", VECTORS)
def test_cell_equals_a_published_implementation(name):
    vector = VECTORS[name]
    options = {RENAMED.get(name, name): option for name, option in vector.options.items()}
    if options.get("projection"):
        options["projection"] = vector.carry["h"].shape[-1]
    features = next(iter(vector.params["W"].values())).shape[-1]
    cell = CELLS[vector.cell](features, **options)
    arrays = jax.tree.map(jnp.asarray, (vector.params, vector.carry, vector.cot_carry))
    params = rx.params_from_dict(cell.params_like(vector.xs.shape[-1]), arrays[0])
    carry_type = type(cell.initial_carry())
    carry, cot_carry = carry_type(**arrays[1]), carry_type(**arrays[2])
    (last, ys), grads = value_and_gradients(
        cell, params, carry, jnp.asarray(vector.xs), jnp.asarray(vector.cot_ys), cot_carry
    )
    assert_close((last._asdict(), ys), (vector.final_carry, vector.ys), 1e-12)
    got = {"params": as_numpy(grads[0]), "carry": as_numpy(grads[1]), "xs": grads[2]}
    assert_close(got, vector.grads, 1e-10)
