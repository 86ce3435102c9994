"""Every transformation of JAX, applied to a chunked scan, gives what it gives on ``lax.scan``."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.experimental import checkify
from jax.extend import core
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

import recurrax as rx
from tests.helpers import assert_close, random_like

chunked = partial(rx.scan, method="chunked", chunk=3)  # 7 steps: two chunks and a shorter one
T, B, N, M = 7, 2, 2, 3

# Steps that take any batch axes, as cells do.


def dense(p, x, h):
    b = jnp.broadcast_to(p["b"].reshape((1,) * (h.ndim - 1) + p["b"].shape), h.shape)
    return x @ p["w"] + h @ p["u"] + b


def gate(m=M, n=N):
    return {"w": np.zeros((m, n)), "u": np.zeros((n, n)), "b": np.zeros(n)}


def lstm(p, carry, x):
    h, c = carry
    i, f, o = (jax.nn.sigmoid(dense(p[k], x, h)) for k in "ifo")
    c = f * c + i * jnp.tanh(dense(p["g"], x, h))
    h = o * jnp.tanh(c)
    return (h, c), h


def gru(p, h, x):
    r, z = (jax.nn.sigmoid(dense(p[k], x, h)) for k in "rz")
    h = (1 - z) * jnp.tanh(dense(p["n"], x, r * h)) + z * h
    return h, h


def diagonal(p, h, x):
    a = jax.nn.sigmoid(x @ p["a"])
    h = a * h + (1 - a) * (x @ p["w"])
    return h, h


def stack(p, carry, x):
    low, carry = gru(p["low"], carry[0], x), carry[1]
    high = jnp.tanh(dense(p["high"], low[1], carry))
    return (low[0], high), high


def readout(p, h, x):
    h = jnp.tanh(dense(p["cell"], x, h))
    return h, jax.nn.log_softmax(h @ p["out"])


STEPS = {  # step, shapes of its parameters, number of components, each (*batch, N)
    "lstm": (lstm, {k: gate() for k in "ifog"}, 2),
    "gru": (gru, {k: gate() for k in "rzn"}, 1),
    "diagonal": (diagonal, {k: np.zeros((M, N)) for k in "aw"}, 1),
    "stack": (stack, {"low": {k: gate() for k in "rzn"}, "high": gate(N)}, 2),
    "readout": (readout, {"cell": gate(), "out": np.zeros((N, 4))}, 1),
}


def marks(name):
    if name == "gru":  # the lower layer of the stack
        return pytest.mark.slow
    return () if name in ("lstm", "stack") else pytest.mark.once


@pytest.fixture(params=[pytest.param(name, marks=marks(name)) for name in STEPS])
def case(request):
    return STEPS[request.param]


def operands(rng, case, batch=(B,), length=T):
    """Parameters, first carry, inputs ``(T, *batch, M)``."""
    _, shapes, components = case
    params = random_like(rng, shapes)
    init = tuple(jnp.asarray(0.5 * rng.normal(size=(*batch, N))) for _ in range(components))
    return (
        params,
        init if components > 1 else init[0],
        random_like(rng, np.zeros((length, *batch, M)), 1.0),
    )


def runner(scan, case, **options):
    return lambda params, init, xs: scan(partial(case[0], params), init, xs, **options)


def loss_of(run):
    return lambda args: sum(jnp.sum(jnp.sin(a)) for a in jax.tree.leaves(run(*args)))


def agree(transform, case, *args, tolerance=1e-12, **options):
    """``transform(run)(*args)`` is the same for both scans."""
    got = jax.jit(transform(runner(chunked, case, **options)))(*args)
    want = jax.jit(transform(runner(lax.scan, case, **options)))(*args)
    assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(want))
    assert_close(got, want, tolerance)


# ------------------------------------------------------------------------------- derivatives


@pytest.mark.parametrize("reverse", [False, True])
def test_jvp(case, rng, reverse):
    args = operands(rng, case)
    dots = random_like(rng, args)
    agree(lambda run: lambda *a: jax.jvp(run, a, dots), case, *args, reverse=reverse)


@pytest.mark.parametrize("moving", [0, 1, 2])
def test_jvp_along_some_operands(case, rng, moving):
    args = operands(rng, case)
    dot = random_like(rng, args[moving])

    def along(run):
        def f(*a):
            return jax.jvp(lambda v: run(*a[:moving], v, *a[moving + 1 :]), (a[moving],), (dot,))

        return f

    agree(along, case, *args)


def test_jacfwd_equals_jacrev_and_that_of_lax_scan(case, rng):
    args = operands(rng, case)
    agree(lambda run: jax.jacfwd(run, argnums=(0, 1)), case, *args)
    agree(lambda run: jax.jacrev(run, argnums=(0, 1)), case, *args)


def test_linearize(case, rng):
    args = operands(rng, case)
    dots = random_like(rng, args)

    def twice(run):
        def f(*a):
            out, along = jax.linearize(run, *a)
            return out, along(*dots), along(*jax.tree.map(lambda d: 2 * d, dots))

        return f

    agree(twice, case, *args)


def test_hessian(rng):
    case = STEPS["gru"]
    agree(lambda run: jax.hessian(loss_of(run)), case, operands(rng, case, length=4))


def directional(outer, inner):
    """A product of the Hessian with ``v`` by two of the modes."""

    def transform(v):
        def dot(a, b):
            return sum(jnp.vdot(x, y) for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True))

        def along(f):
            return lambda a: jax.jvp(f, (a,), (v,))[1]

        def of(run):
            loss = loss_of(run)
            if inner == "forward":
                return jax.grad(along(loss))
            if outer == "forward":
                return along(jax.grad(loss))
            return jax.grad(lambda a: dot(jax.grad(loss)(a), v))

        return of

    return transform


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("outer", "inner"), [("reverse", "reverse"), ("forward", "reverse"), ("reverse", "forward")]
)
def test_second_derivatives_in_every_order_of_modes(case, rng, outer, inner, reverse):
    if reverse and case is not STEPS["stack"]:
        pytest.skip("one step in the other direction is enough")
    args = operands(rng, case)
    transform = directional(outer, inner)(random_like(rng, args))
    agree(transform, case, args, reverse=reverse)


def remembers(w, h, x):
    h = jnp.tanh(w * x + w * h)
    return h, h * h


def forgets(w, h, x):
    """No later step sees the first carry."""
    return jnp.tanh(w * x), jnp.sin(h) * h


@pytest.mark.parametrize("operand", [0, 1, 2], ids=["parameters", "carry", "inputs"])
@pytest.mark.parametrize("step", [remembers, forgets])
def test_second_derivatives_with_respect_to_one_operand(step, operand, rng):
    args = [jnp.asarray(rng.normal(size=shape)) for shape in (N, N, (T, N))]
    v = jnp.asarray(rng.normal(size=args[operand].shape))

    def seconds(scan, a):
        def loss(a):
            w, h, xs = (*args[:operand], a, *args[operand + 1 :])
            return sum(jnp.sum(jnp.sin(out)) for out in scan(partial(step, w), h, xs))

        def along(a):
            return jax.jvp(loss, (a,), (v,))[1]

        gradient = jax.grad(loss)
        forward_over_reverse = jax.jvp(gradient, (a,), (v,))[1]
        reverse_over_reverse = jax.grad(lambda a: jnp.sum(gradient(a) * v))(a)
        return forward_over_reverse, reverse_over_reverse, jax.grad(along)(a)

    got, want = (jax.jit(partial(seconds, scan))(args[operand]) for scan in (chunked, lax.scan))
    assert_close(got, want)


@pytest.mark.slow
def test_third_derivatives(rng):
    case = STEPS["gru"]
    args = operands(rng, case)
    v = random_like(rng, args)

    def third(run):
        loss = loss_of(run)
        second = jax.grad(lambda a: jax.jvp(loss, (a,), (v,))[1])
        return jax.grad(
            lambda a: jax.jvp(lambda b: loss_of(lambda *c: second(c))(b), (a,), (v,))[1]
        )

    agree(third, case, args, tolerance=1e-11)


@pytest.mark.parametrize("policy", [None, jax.checkpoint_policies.dots_saveable])
def test_checkpoint(case, rng, policy):
    args = operands(rng, case)
    agree(lambda run: jax.value_and_grad(loss_of(jax.checkpoint(run, policy=policy))), case, args)


def linear(p, h, x):
    h = h @ p["u"] + x @ p["w"]
    return h, h @ p["out"] + x @ p["skip"]


def linear_params(rng):
    shapes = {"u": (N, N), "w": (M, N), "out": (N, 4), "skip": (M, 4)}
    return random_like(rng, {k: np.zeros(v) for k, v in shapes.items()})


@pytest.mark.parametrize("reverse", [False, True])
def test_linear_transpose_of_a_linear_scan(rng, reverse):
    params = linear_params(rng)
    init, xs = jnp.zeros((B, N)), jnp.zeros((T, B, M))
    cts = random_like(rng, (np.zeros((B, N)), np.zeros((T, B, 4))))
    results = [
        jax.linear_transpose(
            lambda h, x, scan=scan: scan(partial(linear, params), h, x, reverse=reverse), init, xs
        )(cts)
        for scan in (chunked, lax.scan)
    ]
    assert_close(*results)


def test_linear_transpose_with_respect_to_the_inputs_alone(rng):
    params, xs = linear_params(rng), jnp.zeros((T, B, M))
    cts = random_like(rng, (np.zeros((B, N)), np.zeros((T, B, 4))))
    results = [
        jax.linear_transpose(
            lambda x, scan=scan: scan(partial(linear, params), jnp.zeros((B, N)), x), xs
        )(cts)
        for scan in (chunked, lax.scan)
    ]
    assert_close(*results)


@pytest.mark.parametrize("dtype", [float, int])
def test_linear_transpose_beside_a_carry_that_does_not_depend_on_what_is_transposed(dtype, rng):
    """As a counter."""
    weights, ct = jnp.asarray(rng.normal(size=(2, 2))), jnp.asarray(rng.normal(size=(T, 2)))

    def step(carry, x):
        count, h = carry
        return (count + 1, h @ weights + count.astype(float) * x), h

    results = [
        jax.jit(
            jax.linear_transpose(
                lambda xs, scan=scan: scan(step, (jnp.zeros((), dtype), jnp.zeros(2)), xs)[1], ct
            )
        )(ct)
        for scan in (chunked, lax.scan)
    ]
    assert_close(*results)


# -------------------------------------------------------------------------------------- vmap


def test_vmap_over_rows_is_the_batch(case, rng):
    params, init, xs = operands(rng, case, batch=(3,))
    rows = jax.vmap(runner(chunked, case), in_axes=(None, 0, 1), out_axes=(0, 1))
    assert_close(jax.jit(rows)(params, init, xs), runner(lax.scan, case)(params, init, xs))


def test_vmap_over_an_ensemble_of_weights(case, rng):
    members = [operands(rng, case) for _ in range(3)]
    params = jax.tree.map(lambda *a: jnp.stack(a), *[m[0] for m in members])
    _, init, xs = members[0]
    got = jax.jit(jax.vmap(runner(chunked, case), in_axes=(0, None, None)))(params, init, xs)
    for k, (member, _, _) in enumerate(members):
        want = runner(lax.scan, case)(member, init, xs)
        assert_close(jax.tree.map(lambda a, k=k: a[k], got), want)


def ensemble_of_rows(run):
    """Over members (of the weights) and rows (of carry and inputs), both."""
    rows = jax.vmap(run, in_axes=(None, 0, 1), out_axes=(0, 1))
    return jax.vmap(rows, in_axes=(0, None, None), out_axes=0)


def test_vmap_over_both(case, rng):
    _, init, xs = operands(rng, case)
    params = random_like(rng, jax.tree.map(lambda a: np.zeros((3, *a.shape)), case[1]))
    agree(ensemble_of_rows, case, params, init, xs)
    agree(lambda run: jax.grad(loss_of(ensemble_of_rows(run))), case, (params, init, xs))


def test_vmap_over_one_operand_and_odd_axes(case, rng):
    params, init, xs = operands(rng, case, batch=())
    many = jnp.asarray(rng.normal(size=(T, M, 4)))
    agree(lambda run: jax.vmap(run, (None, None, 2), -1), case, params, init, many)
    starts = random_like(rng, jax.tree.map(lambda a: np.zeros((N, 4)), init))
    agree(lambda run: jax.vmap(run, (None, 1, None), (0, 1)), case, params, starts, xs)


@pytest.mark.parametrize("axis", [0, 1])
def test_vmap_over_a_first_carry_that_no_later_step_sees(axis, rng):
    case = (lambda p, h, x: (x, jnp.sin(p["w"] * h))), {"w": np.zeros(N)}, 1
    params, _, _ = operands(rng, case)
    starts, xs = jnp.asarray(rng.normal(size=(5, N))), jnp.asarray(rng.normal(size=(T, N)))

    def per_start(run):
        gradient = jax.grad(lambda *args: loss_of(run)(args), (0, 1, 2))
        return jax.vmap(gradient, (None, axis, None))

    agree(per_start, case, params, jnp.moveaxis(starts, 0, axis), xs)


def test_gradients_of_every_row(case, rng):
    params, init, xs = operands(rng, case, batch=(3,))

    def per_row(run):
        def gradient(p, h, x):
            return jax.grad(loss_of(run))((p, h, x))

        return jax.vmap(gradient, in_axes=(None, 0, 1))

    agree(per_row, case, params, init, xs)


def test_jvp_of_vmap_and_vmap_of_jvp(case, rng):
    params, init, xs = operands(rng, case, batch=(3,))
    dots = random_like(rng, params)

    def outer(run):
        rows = jax.vmap(run, in_axes=(None, 0, 1))
        return lambda p, h, x: jax.jvp(lambda q: rows(q, h, x), (p,), (dots,))

    def inner(run):
        def along(p, h, x):
            return jax.jvp(lambda q: run(q, h, x), (p,), (dots,))

        return jax.vmap(along, in_axes=(None, 0, 1))

    agree(outer, case, params, init, xs)
    agree(inner, case, params, init, xs)


# ------------------------------------------------------------- jit, export, checkify, lengths


def test_eager_equals_jit(case, rng):
    args = operands(rng, case)
    run = runner(chunked, case)
    assert_close(run(*args), jax.jit(run)(*args))
    gradient = jax.grad(loss_of(run))
    assert_close(gradient(args), jax.jit(gradient)(args))


def test_disable_jit(rng):
    case = STEPS["gru"]
    args = operands(rng, case, length=4)
    with jax.disable_jit():
        got = runner(chunked, case)(*args)
    assert_close(got, runner(lax.scan, case)(*args))


def test_eval_shape_is_that_of_lax_scan(case, rng):
    args = operands(rng, case)
    got, want = (jax.eval_shape(runner(scan, case), *args) for scan in (chunked, lax.scan))
    assert jax.tree.structure(got) == jax.tree.structure(want)
    for a, b in zip(*map(jax.tree.leaves, (got, want)), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)


def test_export_and_its_gradient(case, rng):
    args = operands(rng, case)
    exported = jax.export.export(jax.jit(runner(chunked, case)))(*args)
    assert_close(exported.call(*args), runner(lax.scan, case)(*args))
    assert_close(
        jax.grad(loss_of(exported.call))(args), jax.grad(loss_of(runner(lax.scan, case)))(args)
    )


def test_the_jaxpr_inside_a_recurrence_is_that_of_the_step(rng):
    """For tools that walk through it: numbers are literals, arrays of inner functions consts."""
    table = rng.normal(size=3)
    scaled = jax.jit(lambda h: h * table)

    def step(h, x):
        h = scaled(h) + 2.0 * x
        return h, jnp.sin(h)

    h, xs = jnp.asarray(rng.normal(size=3)), jnp.asarray(rng.normal(size=(T, 3)))
    equations = jax.make_jaxpr(partial(chunked, step))(h, xs).eqns
    (closed,) = (eqn.params["jaxpr"] for eqn in equations if "jaxpr" in eqn.params)
    atoms = [a for eqn in closed.jaxpr.eqns for a in eqn.invars]
    literals = [a for a in atoms if isinstance(a, core.Literal)]
    assert [(np.shape(a.val), a.aval.shape) for a in literals] == [((), ())]
    assert [c.shape for c in closed.consts] == [(3,)]
    assert_close(core.jaxpr_as_fun(closed)(h, xs[0]), list(step(h, xs[0])))


def logarithms(scan, xs):
    return scan(lambda h, x: (0.5 * h + jnp.log(x), h), jnp.zeros(()), xs)


@pytest.mark.parametrize("method", ["chunked", "auto"])
def test_checkify_finds_a_nan_inside_the_step_and_none_where_there_is_none(method):
    scan = partial(rx.scan, method=method)
    for transform in (lambda f: f, lambda f: jax.grad(lambda xs: jnp.sum(f(xs)[1]))):
        checked = checkify.checkify(
            transform(partial(logarithms, scan)), errors=checkify.float_checks
        )
        for f in (checked, jax.jit(checked)):
            good = jnp.arange(1.0, 8.0)
            error, out = f(good)
            assert error.get() is None
            assert_close(out, transform(partial(logarithms, lax.scan))(good))
            bad, _ = f(good.at[4].set(-1.0))
            assert "nan generated by primitive: log" in bad.get()


@pytest.mark.parametrize("reverse", [False, True])
def test_checkify_finds_no_index_outside_an_array(reverse, rng):
    """Not even where a derivative reads the carry before the first step, or after the last."""
    case = STEPS["lstm"]
    args = operands(rng, case)
    gradient = jax.grad(loss_of(runner(chunked, case, reverse=reverse)))
    error, _ = checkify.checkify(jax.jit(gradient), errors=checkify.index_checks)(args)
    assert error.get() is None


def test_checkify_of_our_own_checks_inside_the_step():
    def step(h, x):
        checkify.check(x > 0, "x was {x}", x=x)
        return h + x, None

    run = checkify.checkify(lambda xs: rx.scan(step, jnp.zeros(()), xs))
    assert run(jnp.ones(5))[0].get() is None
    assert "x was -1" in run(jnp.ones(5).at[2].set(-1.0))[0].get()


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 6, 11, 13])
def test_every_length_around_a_chunk(length, rng):
    case = STEPS["lstm"]
    args = operands(rng, case, length=length)
    # "chunked" takes no steps of none, "auto" does.
    scan = partial(rx.scan, method="auto" if length == 0 else "chunked", chunk=3)
    for reverse in (False, True):
        got, want = (
            jax.jit(jax.value_and_grad(loss_of(runner(s, case, reverse=reverse))))(args)
            for s in (scan, lax.scan)
        )
        assert_close(got, want)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_precision_is_as_near_to_float64_as_lax_scan_is(case, rng, dtype):
    """A few roundings more or fewer, not another order of magnitude."""
    rounded = jax.tree.map(lambda a: a.astype(dtype), operands(rng, case, batch=(8,)))
    exact = jax.tree.map(lambda a: a.astype(jnp.float64), rounded)

    def outcome(scan, args):
        run = runner(scan, case)
        return jax.jit(lambda a: (run(*a), jax.grad(loss_of(run))(a)))(args)

    want = outcome(lax.scan, exact)
    ours, theirs = outcome(chunked, rounded), outcome(lax.scan, rounded)
    eps = float(jnp.finfo(dtype).eps)
    for a, b, w in zip(*map(jax.tree.leaves, (ours, theirs, want)), strict=True):
        assert a.dtype == b.dtype == dtype
        scale = max(1.0, np.max(np.abs(w)))
        error, allowed = (np.max(np.abs(np.float64(v) - w)) / scale for v in (a, b))
        assert error <= 3 * allowed + 4 * eps  # 6.5 eps seen where lax.scan happened on 1.4


# ---------------------------------------------------------------------------------- sharding


@pytest.fixture
def mesh():
    if len(jax.devices()) < 8:
        pytest.skip("needs the 8 simulated devices")
    return jax.sharding.Mesh(np.array(jax.devices()[:8]), ("batch",))


def placed(mesh, args):
    """Parameters everywhere, rows spread over the devices."""
    params, init, xs = args
    return (
        jax.device_put(params, NamedSharding(mesh, P())),
        jax.device_put(init, NamedSharding(mesh, P("batch"))),
        jax.device_put(xs, NamedSharding(mesh, P(None, "batch"))),
    )


@pytest.mark.parametrize("what", ["value", "gradient"])
def test_rows_spread_over_devices_stay_there(case, rng, mesh, what):
    args = placed(mesh, operands(rng, case, batch=(16,)))

    def made(scan):
        run = runner(scan, case)
        f = (lambda a: run(*a)) if what == "value" else jax.grad(loss_of(run))
        return jax.jit(f).lower(args).compile()

    ours, theirs = made(chunked), made(lax.scan)
    assert_close(ours(args), theirs(args))
    for collective in ("all-gather", "all-to-all", "collective-permute"):
        counts = [c.as_text().count(f" {collective}") for c in (ours, theirs)]
        assert counts[0] <= counts[1], collective


def test_shard_map_through_auto(case, rng, mesh):
    args = placed(mesh, operands(rng, case, batch=(16,)))
    specs = P(), P("batch"), P(None, "batch")

    def f(scan):
        run = jax.shard_map(
            runner(scan, case), mesh=mesh, in_specs=specs, out_specs=(P("batch"), P(None, "batch"))
        )
        return jax.jit(lambda a: (run(*a), jax.grad(loss_of(run))(a)))

    assert_close(f(rx.scan)(args), f(lax.scan)(args))


def test_explicit_sharding_through_auto(case, rng):
    if len(jax.devices()) < 8:
        pytest.skip("needs the 8 simulated devices")
    mesh = jax.make_mesh((8,), ("batch",), axis_types=(AxisType.Explicit,))
    with jax.set_mesh(mesh):
        args = placed(mesh, operands(rng, case, batch=(16,)))
        got, want = (jax.jit(runner(scan, case))(*args) for scan in (rx.scan, lax.scan))
        for a, b in zip(*map(jax.tree.leaves, (got, want)), strict=True):
            assert a.sharding == b.sharding
        assert_close(got, want)


# ------------------------------------------------------------------------- what is compiled


def compilations(caplog, f):
    """How many programs XLA compiles while ``f()`` runs."""
    caplog.clear()
    with jax.log_compiles():
        jax.block_until_ready(f())
    return sum("Finished XLA compilation" in r.getMessage() for r in caplog.records)


@pytest.mark.parametrize("activation", [jnp.tanh, jax.nn.silu, jax.nn.gelu])  # gelu has numbers
def test_an_equal_new_lambda_compiles_nothing(activation, caplog, rng):
    w, xs = jnp.asarray(rng.normal(size=(3, 3))), jnp.asarray(rng.normal(size=(5, 2, 3)))
    init = jnp.zeros((2, 3))

    def run(w):
        return rx.scan(lambda h, x: (activation(h @ w + x),) * 2, init, xs, method="chunked")

    def gradient(w):
        return jax.grad(lambda w: jnp.sum(run(w)[1]))(w)

    for f in (run, gradient):
        assert compilations(caplog, lambda f=f: f(w)) > 0  # or nothing is counted
        assert compilations(caplog, lambda f=f: f(w)) == 0
        assert compilations(caplog, lambda f=f: f(2 * w)) <= 1  # the doubling itself


def test_steps_that_differ_in_a_constant_alone_are_not_mistaken_for_one_another():
    xs = jnp.arange(1.0, 5.0)
    tables = [np.zeros(3000), np.zeros(3000)]
    tables[1][1500] = 1.0
    steps = [
        *[lambda h, x, k=k: (k * h + x, h) for k in (0.1, float(np.nextafter(0.1, 1)))],
        *[lambda h, x, k=k: (h + x**k, h) for k in (2, 3)],
        *[lambda h, x, k=k: (h + jnp.copysign(x, k), h) for k in (0.0, -0.0)],
        *[lambda h, x, k=k: (h + x * jnp.sum(k), h) for k in tables],
        *[lambda h, x, k=k: (h + jnp.sum(jnp.full(k, 2.0)) * x, h) for k in (2, 3)],
        *[lambda h, x, f=f: (h + f(x), h) for f in (jnp.sin, jnp.cos)],
    ]
    for step in steps:
        got = rx.scan(step, jnp.zeros(()), xs, method="chunked")
        assert_close(got, lax.scan(step, jnp.zeros(()), xs), 1e-16)


def test_functions_of_equal_value_keep_their_own_derivatives():
    def scaled(k):
        f = jax.custom_jvp(jnp.sin)
        f.defjvp(lambda primals, tangents: (jnp.sin(primals[0]), k * tangents[0]))
        return f

    xs = jnp.arange(1.0, 5.0)
    for k in (1.0, 3.0, 1.0):
        f = scaled(k)
        got, want = (
            jax.grad(
                lambda xs, scan=scan, f=f: scan(lambda h, x: (h + f(x), h), 0.0 * xs[0], xs)[0]
            )(xs)
            for scan in (partial(rx.scan, method="chunked"), lax.scan)
        )
        assert_close(got, want)


def test_a_jitted_scan_traces_its_step_once(rng):
    count = 0

    def step(h, x):
        nonlocal count
        count += 1
        return jnp.tanh(h + x), h

    run = jax.jit(lambda xs: chunked(step, jnp.zeros(3), xs))
    for _ in range(3):
        run(jnp.asarray(rng.normal(size=(T, 3))))
    assert count == 1
