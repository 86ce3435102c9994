"""Derivatives that read results of the run, instead of computing them again, are the same."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax

import recurrax as rx
from recurrax.program.calculus import derivative, residuals as rules
from tests.all_cells import around_every_cell
from tests.helpers import assert_close, problem, random_like

pytestmark = pytest.mark.once


@pytest.fixture
def every_product_is_long(monkeypatch):
    """What a product of any length has made is kept."""
    monkeypatch.setattr(rules, "MIN_CONTRACTION_TO_SAVE", 1)
    forget()
    yield
    forget()


def forget():
    jax.clear_caches()
    rules.residuals_of.cache_clear()
    derivative.tangent_of.cache_clear()


def derivatives(f, args, rng):
    """Value, gradient, and a tangent of the gradient, along random directions."""
    direction = random_like(rng, args)
    gradient = jax.grad(f, tuple(range(len(args))))
    return f(*args), gradient(*args), jax.jvp(gradient, args, direction)[1]


@around_every_cell
def test_around_every_cell_with_what_its_products_made_kept(case, rng, every_product_is_long):
    params, carry, xs = problem(rng, case, batch=(3,), steps=11)

    def loss(method, params, carry, xs):
        return sum(
            jnp.sum(jnp.sin(a))
            for a in jax.tree.leaves(rx.unroll(case.cell, params, xs, carry, method=method))
        )

    got, want = (
        jax.value_and_grad(partial(loss, method), (0, 1, 2))(params, carry, xs)
        for method in ("auto", "scan")
    )
    assert_close(got, want, 1e-11)  # eleven steps of an unbounded cell: 4e-12 seen


def gates_from_one_cut(p, h, x):
    """The gates are cut from one product, as ``jnp.split`` does."""
    z, n = jnp.split(h @ p["u"] + x @ p["w"], 2, axis=-1)
    h = jax.nn.sigmoid(z) * h + jnp.tanh(n)
    return h, h


def gates_in_functions_of_their_own(p, h, x):
    """Results inside a ``jit`` are read, those inside a ``custom_jvp`` are computed again."""
    z, n = jnp.split(jax.jit(lambda h, x: jnp.tanh(h @ p["u"] + x @ p["w"]))(h, x), 2, axis=-1)
    h = jax.nn.silu(z) * h + jax.nn.relu(n)
    return h, jnp.exp(-jnp.abs(h))


def a_product_read_twice(p, h, x):
    """The result of a product enters an activation and a product of arrays."""
    z, n = jnp.split(h @ p["u"] + x @ p["w"], 2, axis=-1)
    h = jnp.tanh(z) * z + jnp.exp(-(n**2)) * n
    return h, z


def a_convolution(p, h, x):
    z = lax.conv_general_dilated(
        h[:, :, None], p["k"], (1,), "SAME", dimension_numbers=("NHC", "HIO", "NHC")
    )[..., 0]
    h = jnp.tanh(z + x @ p["w"][:, : h.shape[-1]])
    return h, h * h


def selects_among_three(p, h, x):
    """What one select hands on in the first case, another hands on in the second."""
    new = jnp.tanh(h @ p["u"][:, :4] + x @ p["w"][:, :4])
    which = jnp.broadcast_to(jnp.clip(jnp.abs(4 * x[:, :1]).astype(jnp.int32), 0, 2), h.shape)
    return lax.select_n(which, h, new, 0.5 * h), lax.select_n(which, h, 2 * h, new)


def selects_that_hand_on_either_way(p, h, x):
    new = jnp.tanh(h @ p["u"][:, :4] + x @ p["w"][:, :4])
    flag = jnp.broadcast_to(x[:, :1] > 0, h.shape)
    return lax.select_n(flag, new, h), lax.select_n(flag, new, new)


def selects_by_two_flags(p, h, x):
    new = jnp.tanh(h @ p["u"][:, :4] + x @ p["w"][:, :4])
    flag, other = (jnp.broadcast_to(x[:, i, None] > 0, h.shape) for i in (0, 1))
    return lax.select_n(flag, h, new), lax.select_n(other, h, new)


def puts_out_what_a_select_does_not_hold(p, h, x):
    """The slope of the output matters where the carry is held, too."""
    new = jnp.tanh(h @ p["u"][:, :4] + x @ p["w"][:, :4])
    return lax.select_n(jnp.broadcast_to(x[:, :1] > 0, h.shape), h, new), new


@pytest.mark.parametrize(
    ("step", "reverse", "residuals"),
    [
        (puts_out_what_a_select_does_not_hold, False, "carries"),
        (selects_among_three, False, "carries"),
        (selects_that_hand_on_either_way, False, "carries"),
        (selects_by_two_flags, False, "carries"),
        (gates_from_one_cut, False, "auto"),
        (gates_from_one_cut, True, "auto"),
        (gates_from_one_cut, True, "carries"),
        (gates_from_one_cut, False, "boundaries"),
        (gates_in_functions_of_their_own, False, "auto"),
        (a_product_read_twice, True, "auto"),
        (a_convolution, False, "auto"),
    ],
)
def test_steps_that_reach_results_in_other_ways(
    step, reverse, residuals, rng, every_product_is_long
):
    p = {"u": np.zeros((4, 8)), "w": np.zeros((3, 8)), "k": np.zeros((3, 1, 1))}
    p, init, xs = random_like(rng, (p, np.zeros((2, 4)), np.zeros((10, 2, 3))))

    def loss(scan, p, init, xs):
        return sum(
            jnp.sum(jnp.sin(a))
            for a in jax.tree.leaves(scan(partial(step, p), init, xs, reverse=reverse))
        )

    seed = int(rng.integers(1 << 30))
    got, want = (
        derivatives(partial(loss, scan), (p, init, xs), np.random.default_rng(seed))
        for scan in (partial(rx.scan, residuals=residuals, chunk=4), lax.scan)
    )
    assert_close(got, want, 1e-11)


def test_the_choice_is_made_by_the_length_of_the_products():
    def bytes_kept(features, **options):
        cell = rx.LSTM(features)
        params = cell.init(jax.random.key(0), 3)
        xs = jax.ShapeDtypeStruct((9, 2, 3), params.b.f.dtype)
        step, carry = partial(cell.step, params), cell.initial_carry((2,))
        plan = rx.explain(step, carry, xs, **options)
        return plan.residual_bytes_per_step / carry.h.nbytes

    long = rules.MIN_CONTRACTION_TO_SAVE - 3  # and three inputs
    short = long - 1
    assert (bytes_kept(short), bytes_kept(long)) == (1, 5)
    assert bytes_kept(long, residuals="carries") == 1


def test_a_carry_that_the_step_sets_to_a_number():
    def run(scan, init):
        return scan(lambda h, x: (jnp.zeros(()), h * x), init, jnp.arange(1.0, 4.0))[1].sum()

    for scan in (rx.scan, lax.scan):
        assert jax.grad(partial(run, scan))(jnp.asarray(2.0)) == 1.0


@pytest.mark.parametrize("residuals", ["auto", "carries"])
def test_layers_hand_on_what_is_to_be_kept(residuals):
    xs = jnp.ones((2, 5, 3))
    options = {"residuals": residuals, "param_dtype": xs.dtype}
    linen = rx.linen.RNN(rx.GRU(4), **options)
    layers = (
        partial(linen.apply, linen.init(jax.random.key(0), xs)),
        rx.nnx.RNN(rx.GRU(4), in_features=3, rngs=nnx.Rngs(0), **options),
    )
    for layer in layers:
        (eqn,) = [e for e in jax.make_jaxpr(layer)(xs).eqns if "step" in e.params]
        assert eqn.params["policy"].residuals == residuals


@pytest.mark.parametrize("rows", [(), (3,)], ids=["one row", "rows"])
@pytest.mark.parametrize("given", ["mask", "resets", "both"])
def test_no_product_is_done_again_where_the_carry_tells_the_slope(given, rows, rng):
    """1 - h^2 is the slope of h = tanh(z), also where a mask holds h or a reset replaced it."""
    cell = rx.Elman(4)
    params = random_like(rng, cell.params_like(3))
    xs = jnp.asarray(rng.normal(size=(*rows, 6, 3)))
    flags = jnp.asarray(rng.random((*rows, 6)) < 0.5)
    options = {name: flags for name in ("mask", "resets") if given in (name, "both")}

    def products(**options):
        def loss(params, flags):
            given = dict.fromkeys(options, flags)
            return jnp.sum(rx.unroll(cell, params, xs, **given)[1] ** 2)

        return jax.jit(jax.grad(loss)).lower(params, flags).as_text().count("stablehlo.dot_general")

    assert products(**options) == products()


def one_select(flag, new, h):
    return (jnp.where(flag, h, new),) * 2


def a_flag_per_row(flag, new, h):
    """That each select spreads over the row for itself."""
    return jnp.where(flag[:1], h, new), jnp.where(flag[:1], 0.0, new)


def three_cases(flag, new, h):
    return (lax.select_n(flag.astype(jnp.int32), new, h, -h),) * 2


@pytest.mark.parametrize("select", [one_select, a_flag_per_row, three_cases])
def test_a_mask_in_a_step_of_ones_own_is_seen_through(select, rng):
    U, xs = (jnp.asarray(rng.normal(size=shape)) for shape in ((4, 4), (6, 4)))

    def products(select):
        def step(U, h, x):
            x, flag = x
            return select(flag, jnp.tanh(h @ U + x), h)

        def loss(U, flags):
            return jnp.sum(rx.scan(partial(step, U), jnp.zeros(4), (xs, flags))[1] ** 2)

        flags = jnp.zeros(xs.shape, bool)
        return jax.jit(jax.grad(loss)).lower(U, flags).as_text().count("stablehlo.dot_general")

    assert products(select) == products(lambda flag, new, h: (new, new))
