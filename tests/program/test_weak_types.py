"""Python numbers as carries, inputs and outputs are what ``lax.scan`` makes of them, compiled.

JAX types them weakly: a ``0`` that meets half precision is of half precision, and what came of
numbers alone still gives way to what it meets next.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import recurrax as rx

pytestmark = pytest.mark.usefixtures("as_users_have_it")

T = 7


@jax.custom_jvp
def gated(a, b):
    return a * b


@gated.defjvp
def gated_jvp(primals, tangents):
    """Its dtype is that of ``gated`` where a number is one still, as JAX sees to in a jaxpr."""
    (a, b), (da, db) = primals, tangents
    return gated(a, b), da * b + a * db


def dense(params, h, x):
    return jnp.tanh(x @ params["W"] + h @ params["U"])


def a_summed_loss(params, carry, x):
    h, loss = carry
    h = dense(params, h, x)
    return (h, loss + jnp.sum(h**2)), None


def a_counter(params, carry, x):
    h, t = carry
    h = dense(params, h, x) * (t + 1) / (t + 2)
    return (h, t + 1), (h, t)


def a_rate_that_decays(params, carry, x):
    h, rate = carry
    h = rate * h + dense(params, h, x)
    return (h, rate * 0.9), h


def numbers_out(params, h, x):
    h = dense(params, h, x)
    return h, (h, 2.0, 3, jnp.asarray(2.0) * 3)


def a_number_replaced_by_an_array(params, carry, x):
    h, last = carry
    h = dense(params, h, x)
    return (h, h[0, 0]), last


def an_array_replaced_by_a_number(params, carry, x):
    h, _ = carry
    h = dense(params, h, x)
    return (h, jnp.full((), 2.0)), h


def a_number_in_a_custom_rule(params, carry, x):
    h, rate = carry
    h = gated(rate, dense(params, h, x))
    return (h, gated(rate, 0.5)), h


def only_numbers(params, carry, x):
    return carry * 0.5 + 1, carry


STEPS = {  # the first h, or None, and what else is in the carry
    a_summed_loss: (True, 0.0),
    a_counter: (True, 0),
    a_rate_that_decays: (True, 0.5),
    numbers_out: (True, None),
    a_number_replaced_by_an_array: (True, 0.0),
    an_array_replaced_by_a_number: (True, np.float32(1)),
    a_number_in_a_custom_rule: (True, 0.5),
    only_numbers: (False, 1.0),
}


@pytest.fixture(params=STEPS, ids=lambda f: f.__name__)
def step(request):
    return request.param


@pytest.fixture(params=["float32", "bfloat16"])
def problem(request, step, rng):
    def array(*shape):
        return jnp.asarray(rng.normal(size=shape) * 0.5, request.param)

    has_h, number = STEPS[step]
    h = array(2, 4)
    carry = number if not has_h else h if number is None else (h, number)
    return {"W": array(3, 4), "U": array(4, 4)}, carry, array(T, 2, 3)


def types(tree):
    return jax.tree.map(lambda a: str(jax.typeof(a)), tree)  # "~float32[]" is a weak one


def assert_like(got, want):
    """The same types, weakness too; numbers apart by roundings of the coarsest of them.

    Formulas are held by float32; with bfloat16 it is the types that could be wrong.
    """
    assert types(got) == types(want)
    kinds = {a.dtype for a in jax.tree.leaves(want) if jnp.issubdtype(a.dtype, jnp.inexact)}
    eps = max((float(jnp.finfo(kind).eps) for kind in kinds), default=0)
    for a, b in zip(*map(jax.tree.leaves, (got, want)), strict=True):
        if jnp.issubdtype(a.dtype, jnp.inexact):
            a, b = np.float64(a), np.float64(b)
            assert np.max(np.abs(a - b)) <= 30 * eps * max(1.0, np.max(np.abs(b)))
        else:
            assert np.array_equal(a, b)


@pytest.mark.parametrize("reverse", [False, True])
def test_values_have_the_types_of_lax_scan(step, problem, reverse):
    params, carry, xs = problem
    f = partial(step, params)
    want = lax.scan(f, carry, xs, reverse=reverse)
    for options in ({}, {"method": "chunked", "chunk": 3}, {"residuals": "boundaries", "chunk": 3}):
        assert_like(rx.scan(f, carry, xs, reverse=reverse, **options), want)


def test_gradients_have_the_types_of_lax_scan(step, problem):
    params, carry, xs = problem

    def gradients(scan, **options):
        def loss(params, carry, xs):
            out = scan(partial(step, params), carry, xs, **options)
            floats = [a for a in jax.tree.leaves(out) if jnp.issubdtype(a.dtype, jnp.inexact)]
            return sum(jnp.dot(jnp.cos(jnp.arange(a.size)), a.ravel()) for a in floats)

        return jax.grad(loss, argnums=(0, 1, 2), allow_int=True)(params, carry, xs)

    want = gradients(lax.scan)
    assert_like(gradients(rx.scan, method="chunked"), want)
    assert_like(gradients(rx.scan, residuals="boundaries"), want)


def test_tangents_and_batches_have_the_types_of_lax_scan(step, problem):
    params, carry, xs = problem

    def run(scan):
        return lambda xs: scan(partial(step, params), carry, xs)

    ours, theirs = (jax.jvp(run(scan), (xs,), (xs,)) for scan in (rx.scan, lax.scan))
    assert_like(ours, theirs)
    rows = jnp.stack([xs, 0.5 * xs])
    assert_like(*(jax.vmap(run(scan))(rows) for scan in (rx.scan, lax.scan)))


def test_a_number_per_row_is_a_number_still(rng):
    """``vmap`` comes before the derivative here, and the rule of ``gated`` meets a batched rate."""
    rates = jnp.full(2, 0.5)
    assert jax.typeof(rates).weak_type
    h, xs = (jnp.asarray(rng.normal(size=shape), "bfloat16") for shape in ((2, 4), (T, 2, 4)))

    def gradient(scan):
        def step(carry, x):
            h, rate = carry
            h = gated(rate, jnp.tanh(h + x))
            return (h, gated(rate, 0.9)), h

        def of_a_row(rate, xs):
            return jnp.sum(scan(step, (h, rate), xs)[1].astype(jnp.float32))

        return jax.grad(lambda xs: jnp.sum(jax.vmap(of_a_row, (0, None))(rates, xs)))(xs)

    assert_like(gradient(rx.scan), gradient(lax.scan))


def multiplied(h, rate):
    return h * rate, rate


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_numbers_as_inputs(dtype, rng):
    rates = jnp.full(T, 0.5)
    h = jnp.asarray(rng.normal(size=4), dtype)
    assert_like(rx.scan(multiplied, h, rates, method="chunked"), lax.scan(multiplied, h, rates))


def halved(total, x):
    return total * 0.5 + (0 if x is None else x), total


@pytest.mark.parametrize("alone", [False, True])
def test_a_linear_recurrence_over_numbers_runs_in_parallel(alone):
    xs = None if alone else jnp.arange(8.0)
    got = rx.scan(halved, 1.0, xs, length=8, method="associative")
    assert_like(got, lax.scan(halved, 1.0, xs, length=8))


def test_a_number_in_the_carry_leaves_the_plan_as_it_is(rng):
    """A loss summed and a counter beside the state: the input's product leaves the loop still."""
    params = {"W": jnp.asarray(rng.normal(size=(3, 4))), "U": jnp.asarray(rng.normal(size=(4, 4)))}
    h, xs = jnp.zeros((2, 4)), jnp.zeros((T, 2, 3))

    def both(carry, x):
        (h, loss), t = carry
        (h, loss), _ = a_summed_loss(params, (h, loss), x)
        return ((h, loss), t + 1), None

    plan = rx.explain(both, ((h, 0.0), 0), xs)
    alone = rx.explain(lambda h, x: (dense(params, h, x), None), h, xs)
    assert plan.method == alone.method == "chunked"
    assert [loop.matmuls for loop in plan.forward.loops if loop.matmuls] == [
        loop.matmuls for loop in alone.forward.loops
    ]


def test_a_step_that_cannot_take_numbers_fails_as_in_lax_scan():
    def widens(carry, x):
        return (carry, carry), x

    for scan in (lax.scan, rx.scan, partial(rx.scan, method="chunked")):
        with pytest.raises(TypeError, match="carry"):
            scan(widens, 0.0, jnp.ones(3))


def test_a_plan_for_a_number_that_will_be_of_half_precision():
    """From shapes alone, as `rx.explain` takes them."""
    zero = jax.ShapeDtypeStruct((), "float32", weak_type=True)
    xs = jax.ShapeDtypeStruct((T,), "bfloat16")
    assert rx.explain(lambda c, x: (c + x, c), zero, xs).method == "chunked"
    assert rx.explain(lambda c, x: (c + x, c), 0.0, xs).method == "chunked"
