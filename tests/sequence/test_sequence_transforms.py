"""JAX's transformations of a masked run with resets, alone and in pairs, in float64 to 1e-12."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify

import recurrax as rx
from tests.helpers import assert_close, random_like

ROWS, STEPS, I, H = 8, 5, 3, 4
LAYER = rx.Stack((rx.LSTM(H), rx.Zoneout(rx.GRU(H), 0.2)))


def plain(params, xs, lengths, resets):
    """A number for each row; any leading axes of ``xs`` are rows."""
    last, ys = rx.unroll(LAYER, params, xs, lengths=lengths, resets=resets)
    return jnp.sum(jnp.sin(ys), (-1, -2)) + sum(jnp.sum(a, -1) for a in jax.tree.leaves(last))


def checked(f):
    def run(*args):
        error, out = checkify.checkify(f, errors=checkify.all_checks)(*args)
        del error  # under another transformation it cannot be thrown
        return out

    return run


def sharded(f):
    """Rows on 8 simulated devices."""
    mesh = jax.make_mesh((8,), ("rows",), axis_types=(jax.sharding.AxisType.Auto,))
    rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("rows"))

    def run(params, *arrays):
        if arrays[0].ndim == 3:  # under vmap there is a row at a time
            arrays = jax.lax.with_sharding_constraint(arrays, rows)
        return f(params, *arrays)

    return run


TRANSFORMS = {
    "jit": jax.jit,
    "vmap": lambda f: jax.vmap(f, in_axes=(None, 0, 0, 0)),
    "remat": jax.checkpoint,
    "checkify": checked,
    "shard": sharded,
}
SINGLE = [(name,) for name in TRANSFORMS]
PAIRS = list(itertools.combinations(TRANSFORMS, 2))
QUICK = [pair for pair in PAIRS if "vmap" in pair or pair == ("remat", "shard")]
REST = [*(pair for pair in PAIRS if pair not in QUICK), *(pair[::-1] for pair in PAIRS)]


def marked(mark, names):
    return [pytest.param(pair, marks=mark, id="-".join(pair)) for pair in names]


ORDERS = [*SINGLE, *marked(pytest.mark.once, QUICK), *marked(pytest.mark.slow, REST)]


@pytest.fixture(scope="module")
def setting():
    rng = np.random.default_rng(int(np.random.default_rng().integers(1 << 30)))
    params = random_like(rng, LAYER.params_like(I))
    xs = jnp.asarray(rng.normal(size=(ROWS, STEPS, I)))
    lengths = jnp.asarray(rng.integers(0, STEPS + 1, ROWS))
    resets = jnp.asarray(rng.random((ROWS, STEPS)) < 0.3)
    arrays = params, xs, lengths, resets
    tangent = random_like(rng, (params, xs))
    return arrays, tangent, derivatives(plain, arrays, tangent)


def derivatives(f, arrays, tangent):
    """Values, the gradient of their sum, and a directional derivative."""
    params, xs, lengths, resets = arrays
    values = f(params, xs, lengths, resets)
    gradient = jax.grad(lambda p, x: jnp.sum(f(p, x, lengths, resets)), argnums=(0, 1))(params, xs)
    _, along = jax.jvp(lambda p, x: f(p, x, lengths, resets), (params, xs), tangent)
    return values, gradient, along


@pytest.mark.parametrize("names", ORDERS, ids="-".join)
def test_transformations_do_not_change_the_numbers(names, setting):
    arrays, tangent, want = setting
    f = plain
    for name in names:
        f = TRANSFORMS[name](f)
    assert_close(derivatives(f, arrays, tangent), want)


def test_gradients_of_gradients(setting):
    (params, xs, lengths, resets), (_, dx), _ = setting

    def loss(method):
        def f(xs):
            last, ys = rx.unroll(LAYER, params, xs, lengths=lengths, resets=resets, method=method)
            return jnp.sum(jnp.sin(ys)) + sum(jnp.sum(a) for a in jax.tree.leaves(last))

        return f

    hessian_vector = [
        jax.jvp(jax.grad(loss(method)), (xs,), (dx,))[1] for method in ("auto", "scan")
    ]
    assert_close(*hessian_vector)
    twice = jax.grad(lambda x: jnp.vdot(jax.grad(loss("auto"))(x), dx))(xs)
    assert_close(hessian_vector[0], twice)
