"""Loops that are linear in their carry, in parallel over time."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from recurrax.evaluators import EVALUATORS, associative, chunked
from recurrax.evaluators.contract import Context, Evaluator
from recurrax.explain import step_report
from recurrax.program.frontend.trace import ScanCall, trace
from recurrax.program.schedule import plan_of
from recurrax.program.step import Policy
from tests.all_cells import CASES
from tests.helpers import assert_close, combinations, problem, random_like

LINEAR = {
    "elman_diagonal_identity", "min_gru", "min_gru_positive", "min_lstm", "min_lstm_positive",
    "lru", "rg_lru", "sru_1", "sru_1_highway", "qrnn_f", "qrnn_fo", "qrnn_ifo",
}  # fmt: skip
diagonal = rx.Elman(5, candidate_fn="identity", recurrent=rx.Diagonal())
ALL = CASES | {"elman_diagonal_identity": CASES["elman_diagonal"]._replace(cell=diagonal)}

T = 11


def refuses(case):
    """Why ``method="associative"`` does not run a cell, or ``None``."""
    params = case.cell.params_like(case.in_features)
    step = partial(case.cell.step, jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), params))
    xs = jnp.zeros((T, 2, case.in_features))
    try:
        jax.eval_shape(
            partial(rx.scan, step, method="associative"), case.cell.initial_carry((2,)), xs
        )
    except ValueError as error:
        return str(error)


def test_the_linear_cells_are_recognised_and_no_other():
    assert {name for name, case in ALL.items() if refuses(case) is None} == LINEAR


OPTIONS = {
    "plain": {},
    "reversed": {"reverse": True},
    "lengths": {"lengths": np.array([T, 4])},
    "mask and resets": {"mask": True, "resets": True},
    "everything backwards": {"lengths": np.array([0, 7]), "resets": True, "reverse": True},
    "in chunks": {"chunk": 4},
    "with borders": {"residuals": "boundaries"},
}


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "options"),
    combinations(
        ["lru", "rg_lru", "qrnn_ifo", "min_lstm"],
        OPTIONS,
        quick=lambda name, options: name == "rg_lru" or (name, options) == ("lru", "reversed"),
    ),
)
def test_values_and_gradients_are_those_of_the_loop(name, options, rng):
    """With any carry to start from; float64."""
    case = CASES[name]
    params, carry, xs = problem(rng, case, steps=T)
    options = dict(OPTIONS[options])
    for flags in {"mask", "resets"} & set(options):
        options[flags] = rng.random((2, T)) < 0.6

    def loss(method, params, carry, xs):
        known = {"chunk", "residuals"} if method == "scan" else set()
        given = {k: v for k, v in options.items() if k not in known}
        last, ys = rx.unroll(case.cell, params, xs, carry, method=method, **given)
        total = sum(jnp.sum(jnp.sin(a)) for a in jax.tree.leaves((last, ys)))
        return total, (last, ys)

    got, want = (
        jax.value_and_grad(partial(loss, method), (0, 1, 2), has_aux=True)(params, carry, xs)
        for method in ("associative", "scan")
    )
    assert_close(got, want)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(LINEAR))
def test_every_linear_cell(name, rng):
    case = ALL[name]
    params, carry, xs = problem(rng, case, steps=T)

    def f(method, *args):
        return rx.unroll(case.cell, args[0], args[2], args[1], method=method)

    for reverse_mode in (jax.jacrev, jax.jacfwd):
        got, want = (
            reverse_mode(partial(f, method), (0, 1, 2))(params, carry, xs)
            for method in ("associative", "scan")
        )
        assert_close(got, want)


def rotation(p, c, x):
    """Two components that mix: a 2x2 block for every entry."""
    y, z = c
    y, z = p * y - 0.5 * z + x, 0.5 * y + p * z
    return (y, z), y - z


def complex_decay(p, s, x):
    s = jax.lax.complex(p, 0.3 * p) * s + jax.lax.complex(x, -x)
    return s, s.real


def through_complex(p, c, x):
    """A complex step on a pair of real numbers."""
    s = jax.lax.complex(p, 1 - p) * jax.lax.complex(*c) + jax.lax.complex(x, p)
    return (s.real, s.imag), s.real


def leaky(p, c, x):
    return 0.9 * c + 0.1 * x * p, c


def no_input(p, c, x):
    return c * p, c


def chosen(p, c, x):
    c = jnp.where(x > 0, c * p, x)
    return c, c / (1 + p**2)


def divided(p, c, x):
    return (c - x) / (1 + x**2), -c + p


def reshaped(p, c, x):
    """Axes of size one come and go, and the carry is complex for a while."""
    s = jnp.squeeze((p * c)[None].reshape(5, 1), 1).astype(complex)
    c = (s * jax.lax.complex(x, p)).imag
    return c, c


STEPS = {
    "2x2 blocks": (rotation, (1, 1)),
    "complex": (complex_decay, 1j),
    "through complex": (through_complex, (1, 1)),
    "leaky": (leaky, 1),
    "no input": (no_input, 1),
    "chosen by the input": (chosen, 1),
    "divided": (divided, 1),
    "reshaped": (reshaped, 1),
}


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "reverse"),
    combinations(
        STEPS,
        [False, True],
        quick=lambda name, reverse: reverse == (name in ("2x2 blocks", "leaky", "chosen")),
    ),
)
def test_any_linear_step(name, reverse, rng):
    step, like = STEPS[name]
    p = jnp.asarray(rng.uniform(0.3, 0.9, size=5))

    def draw(kind):
        a = rng.normal(size=5) + (1j * rng.normal(size=5) if kind == 1j else 0)
        return jnp.asarray(a)

    start = jax.tree.map(draw, like)
    xs = jnp.asarray(rng.normal(size=(T, 5)))

    def run(method, p, start, xs):
        out = rx.scan(partial(step, p), start, xs, reverse=reverse, method=method)
        return jax.tree.map(lambda a: jnp.stack([a.real, a.imag]), out)

    got, want = (
        (run(m, p, start, xs), jax.jacrev(partial(run, m), (0, 2))(p, start, xs))
        for m in ("associative", "scan")
    )
    assert_close(got, want)
    moved = random_like(rng, (p, xs))
    tangents = [
        jax.jvp(lambda p, xs, m=m: run(m, p, start, xs), (p, xs), moved)
        for m in ("associative", "scan")
    ]
    assert_close(*tangents)


def squared(c, x):
    return c * c + x, c


def real_part(c, x):
    return jax.lax.complex(c.real, x) - c, c.imag


def rounded(c, x):
    return (c + x).astype(jnp.int32).astype(c.dtype), c


def by_its_own_sign(c, x):
    return jnp.where(c > 0, c, x), c


def reversed_entries(c, x):
    return c[::-1] + x, c


def product(c, x):
    return c @ jnp.ones((5, 5)) + x, c


def summed(c, x):
    return c + jnp.sum(c) * x, c


def of_two_sizes(c, x):
    a, b = c
    return (a + b.sum(), b + a[:1] * x[:1]), x


NOT_PARALLEL = {
    "squared": (squared, jnp.ones(5), "not linear"),
    "real part": (real_part, jnp.ones(5, complex), "not linear"),
    "rounded": (rounded, jnp.ones(5), "not linear"),
    "by its own sign": (by_its_own_sign, jnp.ones(5), "not linear"),
    "reversed entries": (reversed_entries, jnp.ones(5), "depends on several others"),
    "product": (product, jnp.ones(5), "depends on several others"),
    "summed": (summed, jnp.ones(5), "depends on several others"),
    "of two sizes": (of_two_sizes, (jnp.ones(5), jnp.ones(1)), "depends on several others"),
}


@pytest.mark.parametrize("name", NOT_PARALLEL)
def test_what_cannot_run_in_parallel_is_refused_and_runs_under_auto(name, rng):
    step, start, why = NOT_PARALLEL[name]
    xs = jnp.asarray(rng.normal(size=(T, 5)))
    with pytest.raises(ValueError, match=f"rx.scan: method='associative' .* {why}"):
        rx.scan(step, start, xs, method="associative")
    got, want = rx.scan(step, start, xs), jax.lax.scan(step, start, xs)
    np.testing.assert_allclose(*(jax.tree.leaves(tree)[0] for tree in (got, want)))


def test_a_step_that_lax_scan_must_run_is_refused(rng):
    def step(c, x):
        jax.debug.print("{}", x)
        return c + x, c

    with pytest.raises(ValueError, match="method='associative' cannot run this step: the step has"):
        rx.scan(step, jnp.zeros(3), jnp.ones((4, 3)), method="associative")


def test_products_that_overflow_do_not_reach_the_result(rng):
    """Growing carries that are reset: a product of factors is infinite where no carry is."""
    factors = jnp.full((T, 3), 1e60, np.float64)
    inputs = jnp.asarray(rng.normal(size=(T, 3)))
    starts = jnp.arange(T) % 4 == 0

    def step(c, x):
        factor, new, first = x
        c = jnp.where(first, new, factor * c)
        return c, c

    xs = factors, inputs, jnp.broadcast_to(starts[:, None], (T, 3))
    got = rx.scan(step, jnp.zeros(3), xs, method="associative")
    want = jax.lax.scan(step, jnp.zeros(3), xs)
    np.testing.assert_allclose(got[1], want[1], rtol=1e-12)


def test_a_reset_takes_a_run_out_of_nan(rng):
    """Where the carry was not a number, 0 times it is none either; the loop chooses."""
    cell = rx.MinGRU(3)
    params = random_like(rng, cell.params_like(2))
    xs = jnp.asarray(rng.normal(size=(2, T, 2))).at[0, 3].set(jnp.nan).at[1, 4].set(jnp.inf)
    resets = np.zeros((2, T), bool)
    resets[:, 6] = True
    got, want = (
        rx.unroll(cell, params, xs, resets=resets, method=method)[1]
        for method in ("associative", "scan")
    )
    np.testing.assert_allclose(got, want, rtol=1e-12)
    assert np.all(np.isfinite(got[:, 6:]))
    assert not np.any(np.isfinite(got[0, 3:6]))


def test_a_stopped_gradient_is_not_taken_for_a_coefficient(rng):
    """Coefficients are found by differentiation: a step that stops it is left to the loop."""

    def step(c, x):
        c = 0.7 * jax.lax.stop_gradient(c) + 0.2 * c + x
        return c, c

    xs = jnp.asarray(rng.normal(size=(T, 3)))
    want = jax.lax.scan(step, jnp.ones(3), xs)[1]
    for method in ("auto", "chunked"):
        run = partial(rx.scan, step, jnp.ones(3), method=method)
        assert_close(run(xs)[1], want)
        got = jax.jacrev(lambda xs, run=run: run(xs)[1])(xs)
        assert_close(got, jax.jacrev(lambda xs: jax.lax.scan(step, jnp.ones(3), xs)[1])(xs))
    with pytest.raises(ValueError, match="the loop is not linear in its carry"):
        rx.scan(step, jnp.ones(3), xs, method="associative")


def test_vmap_jit_and_an_ensemble(rng):
    case = CASES["lru"]
    members = [problem(rng, case, steps=T) for _ in range(3)]
    stacked = jax.tree.map(lambda *a: jnp.stack(a), *members)

    def run(method, params, carry, xs):
        return rx.unroll(case.cell, params, xs, carry, method=method)

    got = jax.jit(jax.vmap(partial(run, "associative")))(*stacked)
    assert_close(got, jax.vmap(partial(run, "scan"))(*stacked))


def test_there_is_no_loop_over_time_left(rng):
    """Forward and backward: the compiled program has no while loop outside the guard."""
    cell = rx.MinGRU(4)
    params = random_like(rng, cell.params_like(3))
    xs = jnp.asarray(rng.normal(size=(2, 64, 3)))

    def loops(method):
        f = jax.grad(lambda p: jnp.sum(rx.unroll(cell, p, xs, method=method)[1] ** 2))
        text = jax.jit(f).lower(params).as_text()
        outside = 0
        depth = 0
        for line in text.splitlines():
            depth += line.count("{") - line.count("}") if "case" in line or depth else 0
            outside += "stablehlo.while" in line and not depth
        return outside

    assert loops("associative") == 0
    assert loops("chunked") > 0


def test_an_accelerator_runs_linear_loops_in_parallel_from_64_steps_on():
    def parallel(platform, steps, **options):
        call = ScanCall(lambda h, x: (h * x,) * 2, jnp.zeros(3), jnp.zeros((steps, 3)))
        (loop,) = plan_of(trace(call).step.body).loops
        context = Context(platform, steps, Policy(**options))
        return associative.can_run(loop, context) is None

    assert [parallel("accelerator", steps) for steps in (63, 64)] == [False, True]
    assert not parallel("cpu", 64)
    assert parallel("cpu", 2, method="associative")
    assert not parallel("accelerator", 64, method="chunked")


def test_auto_runs_in_parallel_where_a_step_of_a_loop_is_dear(rng, monkeypatch):
    """An accelerator in place of the CPU: the same numbers, and explain says so."""
    case = CASES["rg_lru"]
    params, carry, xs = problem(rng, case, steps=70)
    want = rx.unroll(case.cell, params, xs, carry)
    step, times = partial(case.cell.step, params), jnp.moveaxis(xs, 1, 0)
    plan = rx.explain(step, carry, times)
    assert plan.method == "chunked"
    assert "faster here step by step" in plan.reason
    ran = []

    def run(loop, inputs):
        ran.append(loop)
        return associative.run(loop, inputs)

    def can_run(loop, context):
        return associative.can_run(loop, context._replace(platform="accelerator"))

    parallel = Evaluator("associative", can_run, run, whole_run=True)
    for module in (chunked, step_report):
        monkeypatch.setattr(module, "EVALUATORS", [parallel, *EVALUATORS[1:]])
    jax.clear_caches()
    assert rx.explain(step, carry, times).method == "associative"
    assert_close(rx.unroll(case.cell, params, xs, carry), want)
    assert ran
    jax.clear_caches()


def test_an_accelerator_would_take_the_parallel_way():
    """The program for a GPU has no loop, that for a CPU has one; lowered, not run."""
    cell = rx.MinGRU(4)
    params = cell.init(jax.random.key(0), 3)
    xs = jnp.zeros((2, 128, 3))
    traced = jax.jit(lambda xs: rx.unroll(cell, params, xs)[1]).trace(xs)
    programs = {
        platform: traced.lower(lowering_platforms=(platform,)).as_text()
        for platform in ("cpu", "cuda")
    }
    assert "stablehlo.case" not in programs["cpu"]  # the guard of a parallel run
    assert "stablehlo.case" in programs["cuda"]
