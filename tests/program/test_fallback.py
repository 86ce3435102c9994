"""What the compiler does not understand runs as ``lax.scan``, bit for bit, and says why it must."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.experimental import io_callback
from jax.scipy.linalg import expm
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

import recurrax as rx
from recurrax.program.frontend import opaque
from tests.helpers import assert_close, assert_identical

W = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3)) * 0.5)
XS = jnp.asarray(np.random.default_rng(1).normal(size=(5, 2, 3)))
H0 = jnp.asarray(np.random.default_rng(2).normal(size=(2, 3)))


def cell(h, x):
    return jnp.tanh(h @ W + x)


def with_print(h, x):
    jax.debug.print("sum {}", jnp.sum(x), ordered=True)
    return cell(h, x), h


def with_callback(h, x):
    noted = io_callback(lambda v: np.float64(2.0) * v, jax.ShapeDtypeStruct((), x.dtype), x[0, 0])
    return h + noted, h


def with_scan(h, x):
    return h + lax.scan(lambda c, row: (c + row @ W, c), h[0], x)[1], h


def with_rx_scan(h, x):
    return 0.5 * h + rx.scan(lambda c, row: (jnp.tanh(c + row @ W), c), h[0], x)[1], h


def with_while(h, x):
    return lax.while_loop(lambda v: jnp.sum(v) < 1, lambda v: v + 1.0, h) * 0.5 + x, h


def with_cond(h, x):
    return lax.cond(jnp.sum(x) > 0, lambda: cell(h, x), lambda: h), h


def with_solve(h, x):
    return jnp.linalg.solve(jnp.eye(2) * 3 + h @ h.T, x), h


def tall(array):
    return jnp.broadcast_to(array, (2, *array.shape))


# name: step, init, xs, options, words of the reason, whether lax.scan has a gradient
NOT_UNDERSTOOD = {
    "debug print": (with_print, H0, XS, {}, "effects", True),
    "io callback": (with_callback, H0, XS, {}, "effects", False),
    "cond": (with_cond, H0, XS, {}, "contains cond", True),
    "switch": (
        lambda h, x: (
            lax.switch(1, [jnp.sin, jnp.cos], h)
            + lax.switch(jnp.int32(jnp.sum(x) > 0), [jnp.sin, jnp.cos], x),
            h,
        ),
        H0,
        XS,
        {},
        "contains cond",
        True,
    ),
    "while": (with_while, H0, XS, {}, "contains while", False),
    "fori": (
        lambda h, x: (lax.fori_loop(0, 3, lambda _, v: jnp.tanh(v @ W), h) + x, h),
        H0,
        XS,
        {},
        "contains scan",
        True,
    ),
    "scan": (with_scan, H0, XS, {}, "contains scan", True),
    "recurrence": (with_rx_scan, H0, XS, {}, "contains recurrence", True),
    "map": (lambda h, x: (lax.map(jnp.tanh, h) + x, h), H0, XS, {}, "contains scan", True),
    "linear solve": (with_solve, H0, XS, {}, "contains custom_linear_solve", True),
    "no steps": (lambda h, x: (cell(h, x),) * 2, H0, XS[:0], {}, "no steps", True),
    "length 0": (lambda h, x: (cell(h, H0),) * 2, H0, None, {"length": 0}, "no steps", False),
}


def weak(a):
    return getattr(jax.typeof(a), "weak_type", False)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
def test_auto_is_lax_scan_bit_for_bit(name, reverse):
    f, init, xs, options, _, _ = NOT_UNDERSTOOD[name]
    results = [
        jax.jit(lambda scan=scan: scan(f, init, xs, reverse=reverse, **options))()
        for scan in (rx.scan, lax.scan)
    ]
    assert_identical(*results)
    for a, b in zip(*map(jax.tree.leaves, results), strict=True):
        assert weak(a) == weak(b)


@pytest.mark.parametrize("name", [k for k, v in NOT_UNDERSTOOD.items() if v[-1]])
def test_auto_has_the_gradients_of_lax_scan(name):
    f, init, xs, options, _, _ = NOT_UNDERSTOOD[name]

    def loss(scan):
        def of(init, xs):
            return sum(jnp.sum(jnp.sin(a)) for a in jax.tree.leaves(scan(f, init, xs, **options)))

        return jax.jit(jax.value_and_grad(of, argnums=(0, 1)))

    assert_identical(loss(rx.scan)(init, xs), loss(lax.scan)(init, xs))


@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
def test_chunked_says_why_it_cannot(name):
    f, init, xs, options, reason, _ = NOT_UNDERSTOOD[name]
    with pytest.raises(ValueError, match=re.escape(reason)):
        rx.scan(f, init, xs, method="chunked", **options)


def test_nothing_is_computed_before_a_step_that_lax_scan_runs(monkeypatch):
    """And the reason is what moves, not what could have been computed before."""

    def step(h, x):
        return lax.cond(jnp.sum(x) > 0, jnp.sin, jnp.cos, h @ expm(W - W.T)), h

    monkeypatch.setattr(opaque, "evaluate", None)
    assert rx.explain(step, H0, XS).reason == "the step contains cond"


def test_prints_and_callbacks_happen_once_per_step_in_order(capfd):
    rx.scan(with_print, H0, XS)
    jax.effects_barrier()
    ours = capfd.readouterr().out
    lax.scan(with_print, H0, XS)
    jax.effects_barrier()
    assert ours == capfd.readouterr().out
    assert ours.count("sum") == 5

    seen = []

    def step(h, x):
        io_callback(lambda v: seen.append(float(v)), None, x, ordered=True)
        return h + x, h

    jax.block_until_ready(rx.scan(step, jnp.zeros(()), jnp.arange(4.0), reverse=True))
    jax.effects_barrier()
    assert seen == [3.0, 2.0, 1.0, 0.0]


@pytest.mark.parametrize("vmap_method", [None, "sequential", "expand_dims"])
def test_pure_callbacks_work_wherever_lax_scan_runs_them(vmap_method):
    def step(h, x):
        double = jax.pure_callback(
            lambda v: 2 * np.asarray(v),
            jax.ShapeDtypeStruct(x.shape, x.dtype),
            x,
            vmap_method=vmap_method,
        )
        return h + double, h

    got, want = (scan(step, H0, XS) for scan in (rx.scan, lax.scan))
    assert_close(got, want)


# ------------------------------------------------------------------------------ understood too


def rotated(W, h, x):
    return jnp.tanh(h @ expm(W - W.T) + x)


def inverted(W, h, x):
    return jnp.tanh(h @ jnp.linalg.inv(jnp.eye(3) + W @ W.T) + x)


def chosen(W, h, x):
    return jnp.tanh(h @ lax.cond(jnp.sum(W) > 0, jnp.sin, lambda W: 2 * W, W) + x)


def of_powers(W, h, x):
    return jnp.tanh(h @ lax.fori_loop(0, 3, lambda _, V: V @ W, W) + x)


@pytest.mark.parametrize(
    ("cell", "before"),
    [
        (rotated, "expm"),
        (inverted, "inv"),
        (chosen, "cond"),
        (of_powers, "scan"),
    ],
)
def test_what_only_parameters_reach_is_computed_once_before(cell, before):
    """Control flow that no step changes keeps no step from being compiled."""

    def run(scan, W, h, xs):
        out = scan(lambda h, x: (cell(W, h, x),) * 2, h, xs)
        return sum(jnp.sum(jnp.sin(a)) for a in jax.tree.leaves(out))

    plan = rx.explain(lambda h, x: (cell(W, h, x),) * 2, H0, XS)
    assert plan.method == "chunked"
    assert before in plan.hoisted
    assert f"on parameters alone: {plan.hoisted[0]}" in str(plan)
    assert plan.forward.loops[0].stages <= 1
    got, want = (
        jax.value_and_grad(partial(run, scan), (0, 1, 2))(W, H0, XS) for scan in (rx.scan, lax.scan)
    )
    assert_close(got, want)
    members = jnp.stack([W, 2 * W.T])
    assert_close(
        *(jax.vmap(lambda W, s=scan: run(s, W, H0, XS))(members) for scan in (rx.scan, lax.scan))
    )
    assert_close(
        *(
            jax.jacfwd(jax.grad(lambda W, s=scan: run(s, W, H0, XS)))(W)
            for scan in (rx.scan, lax.scan)
        )
    )


def test_no_inputs_and_a_length():
    def step(h, x):
        assert not x
        h = jnp.tanh(h @ W)
        return h, h

    want = lax.scan(step, H0, None, length=4)
    for method in ("auto", "chunked"):
        assert_close(rx.scan(step, H0, None, 4, method=method), want)
        assert_close(rx.scan(step, H0, length=4, method=method), want)
        assert_close(rx.scan(step, H0, {}, length=np.int64(4), method="auto"), want)


@pytest.mark.parametrize("collective", [lax.psum, lax.pmax, lax.all_gather])
def test_collectives_inside_vmap(collective):
    def step(h, x):
        seen = collective(x, "rows")
        return jnp.tanh(h @ W + jnp.sum(seen) + x), seen

    def rows(scan):
        return jax.vmap(partial(scan, step), in_axes=(0, 1), axis_name="rows")

    assert_close(rows(rx.scan)(H0, XS), rows(lax.scan)(H0, XS))
    with pytest.raises(ValueError, match=r"effects|axis"):
        rows(partial(rx.scan, method="chunked"))(H0, XS)


def test_axis_index_inside_vmap():
    def step(h, x):
        return h + lax.axis_index("rows").astype(x.dtype) * x, h

    def rows(scan):
        return jax.vmap(partial(scan, step), in_axes=(0, 1), axis_name="rows")

    assert_close(rows(rx.scan)(H0, XS), rows(lax.scan)(H0, XS))


@pytest.mark.parametrize("check_vma", [True, False])
def test_collectives_inside_shard_map(check_vma):
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:2]), ("rows",))

    def step(h, x):
        total = lax.psum(jnp.sum(h), "rows")
        return jnp.tanh(h @ W + x + total), h

    def sharded(scan):
        f = jax.shard_map(
            partial(scan, step),
            mesh=mesh,
            in_specs=(P("rows"), P(None, "rows")),
            out_specs=(P("rows"), P(None, "rows")),
            check_vma=check_vma,
        )
        return jax.jit(lambda h, x: (f(h, x), jax.grad(lambda h: jnp.sum(f(h, x)[1]))(h)))

    assert_close(sharded(rx.scan)(H0, XS), sharded(lax.scan)(H0, XS))
    with pytest.raises(ValueError, match=r"effects|placement|axis"):
        sharded(partial(rx.scan, method="chunked"))(H0, XS)


def test_chunked_names_explicit_sharding():
    mesh = jax.make_mesh(
        (2,), ("rows",), axis_types=(AxisType.Explicit,), devices=jax.devices()[:2]
    )
    with jax.set_mesh(mesh):
        xs = jax.device_put(XS, NamedSharding(mesh, P(None, "rows")))
        h = jax.device_put(H0, NamedSharding(mesh, P("rows")))
        with pytest.raises(ValueError, match="placement"):
            rx.scan(lambda h, x: (jnp.tanh(h + x), h), h, xs, method="chunked")


# ---------------------------------------------------------------------------------- types


# name: step, init, xs; weak types and half precision, which promote as users have it
TYPES = {
    "weak inputs": (lambda c, x: (c, c * x), lambda: jnp.bfloat16(3), lambda: jnp.full(5, 2.0)),
    "weak inputs in the carry": (
        lambda c, x: (c * x, c),
        lambda: jnp.bfloat16(3),
        lambda: jnp.full(5, 2.0),
    ),
    "weak integers": (lambda c, x: (c + x, x), lambda: jnp.int8(3), lambda: jnp.full(5, 2)),
    "a Python number out": (
        lambda c, x: (c + x, 2.0),
        lambda: jnp.zeros(3),
        lambda: jnp.ones((5, 3)),
    ),
    "a weak output": (
        lambda c, x: (c + x, jnp.asarray(2.0) * 3),
        lambda: jnp.zeros(3),
        lambda: jnp.ones((5, 3)),
    ),
    "a carry that becomes weak": (
        lambda c, x: (jnp.full((), 2.0), c),
        lambda: jnp.zeros(()),
        lambda: jnp.ones(5),
    ),
    "NumPy operands": (lambda c, x: (c + x, c), lambda: np.zeros(3), lambda: np.ones((5, 3))),
    "NumPy scalars": (
        lambda c, x: (c + x, c),
        lambda: np.float32(1),
        lambda: np.ones(5, np.float32),
    ),
    "booleans": (lambda c, x: (c ^ x, c), lambda: True, lambda: np.arange(5) > 2),
    "half": (lambda c, x: (c + x, c), lambda: jnp.float16(1), lambda: jnp.ones(5, jnp.float16)),
}


@pytest.mark.usefixtures("as_users_have_it")
@pytest.mark.parametrize("name", TYPES)
def test_types_are_those_of_lax_scan(name):
    step, init, xs = TYPES[name]
    want = lax.scan(step, init(), xs())
    for method in ("auto", "chunked"):
        got = rx.scan(step, init(), xs(), method=method)
        assert_identical(got, want)
        for a, b in zip(*map(jax.tree.leaves, (got, want)), strict=True):
            assert weak(a) == weak(b)  # or what users compute next has another dtype


def test_a_pair_may_be_a_list():
    def listed(h, x):
        return [cell(h, x), h]

    try:
        want = lax.scan(listed, H0, XS)
    except TypeError:
        with pytest.raises(TypeError):
            rx.scan(listed, H0, XS)
    else:
        assert_close(rx.scan(listed, H0, XS), want)


# --------------------------------------------------------------------------------- errors


class Boom(Exception):
    pass


def boom(h, x):
    raise Boom


# name: step, init, xs, options, words of chunked's reason (None: the error is the same)
WRONG = {
    "another shape": (lambda h, x: (tall(h), x), H0, XS, {}, "carry"),
    "another dtype": (lambda h, x: (h.astype(jnp.float32), x), H0, XS, {}, "carry"),
    "another structure": (lambda h, x: ((h, h), x), H0, XS, {}, "carry"),
    "another key": (lambda h, x: ({"b": h["a"]}, x), {"a": H0}, XS, {}, "carry"),
    "a component less": (lambda h, x: (h[:1], x), (H0, H0), XS, {}, "carry"),
    "no pair": (lambda h, x: h, H0, XS, {}, "pair"),
    "three things": (lambda h, x: (h, x, x), H0, XS, {}, "pair"),
    "nothing": (lambda h, x: None, H0, XS, {}, "pair"),
    "lengths that differ": (lambda h, x: (h, h), H0, (XS, XS[1:]), {}, "number of steps"),
    "a length that differs": (lambda h, x: (h, h), H0, XS, {"length": 4}, "number of steps"),
    "no length": (lambda h, x: (h, h), H0, None, {}, "number of steps"),
    "a negative length": (lambda h, x: (h, h), H0, None, {"length": -1}, "steps"),
    "an input without time": (lambda h, x: (h, h), H0, jnp.ones(()), {}, "time"),
    "a carry that is no array": (lambda h, x: (h, x), "text", XS, {}, None),
    "an output that is no array": (lambda h, x: (h, "text"), H0, XS, {}, None),
    "an error of the step": (boom, H0, XS, {}, None),
    "shapes that do not fit": (lambda h, x: (h @ x, x), H0, XS, {}, None),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_are_those_of_lax_scan(name):
    f, init, xs, options, reason = WRONG[name]
    with pytest.raises(Exception) as want:  # noqa: PT011  the type is what is compared
        lax.scan(f, init, xs, **options)
    with pytest.raises(Exception) as got:  # noqa: PT011
        rx.scan(f, init, xs, **options)
    assert got.type is want.type
    with pytest.raises(ValueError if reason else want.type, match=reason):
        rx.scan(f, init, xs, method="chunked", **options)
