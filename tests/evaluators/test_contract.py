"""The contract of evaluators: who runs a loop, in which order they are asked, and why."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from recurrax.evaluators import EVALUATORS
from recurrax.evaluators.contract import Context, Evaluator, LoopInputs, choose, reasons
from recurrax.program.schedule import plan_of
from recurrax.program.step import Policy
from tests.program.bodies import step_of, struct

STATE = struct(2, 3)


def diagonal(p, h, x):
    return p["a"] * h + x, h


def full(p, h, x):
    return jnp.tanh(h @ p["U"] + x), h


@pytest.fixture
def diagonal_loop():
    (loop,) = plan_of(step_of(diagonal, {"a": STATE}, STATE, STATE).body).loops
    return loop


@pytest.fixture
def full_loop():
    (loop,) = plan_of(step_of(full, {"U": struct(3, 3)}, STATE, STATE).body).loops
    return loop


def names():
    return [e.name for e in EVALUATORS]


def test_the_last_evaluator_runs_any_loop(diagonal_loop, full_loop):
    for loop in (diagonal_loop, full_loop):
        for method in ("auto", "chunked"):
            context = Context("cpu", 5, Policy(method))
            assert EVALUATORS[-1].can_run(loop, context) is None
            assert choose(EVALUATORS, loop, context).name == "sequential"


def test_the_first_that_can_is_chosen_and_the_others_say_why(diagonal_loop, full_loop):
    context = Context("accelerator", 100, Policy("auto"))
    assert choose(EVALUATORS, diagonal_loop, context).name == "associative"
    assert choose(EVALUATORS, full_loop, context).name == "sequential"
    said = reasons(EVALUATORS, full_loop, context)
    assert list(said) == names()
    assert said == {"associative": "the loop is not linear in its carry", "sequential": None}


def loop_inputs(loop, rng, steps, reverse):
    """Random arrays for a loop; its invariants are parameters here."""

    def draw(shape):
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    used = {v for op in loop.ops for v in op.inputs}
    produced = {v for op in loop.ops for v in op.outputs}
    invariant = used - produced - {*loop.carry, *loop.live_in}
    return LoopInputs(
        known={v: draw(v.shape) for v in invariant},
        carry=[draw(v.shape) for v in loop.carry],
        entries=[draw((steps, *v.shape)) for v in loop.live_in],
        steps=steps,
        reverse=reverse,
        buffers=[jnp.zeros((steps, *v.shape), v.dtype) for v in loop.live_out],
        unroll=1,
    )


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("which", range(len(EVALUATORS)), ids=names())
def test_every_evaluator_runs_a_loop_step_by_step(diagonal_loop, which, reverse, rng):
    """Held to a Python loop over ``loop.step``."""
    loop, steps = diagonal_loop, 7
    inputs = loop_inputs(loop, rng, steps, reverse)
    carry, stored = list(inputs.carry), [None] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        env = {**inputs.known, **dict(zip(loop.carry, carry, strict=True))}
        env.update((v, e[t]) for v, e in zip(loop.live_in, inputs.entries, strict=True))
        loop.step(env)
        carry = [env[v] for v in loop.new_carry]
        stored[t] = [env[v] for v in loop.live_out]
    ends, sequences = EVALUATORS[which].run(loop, inputs)
    for got, want in zip(ends, carry, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
    for i, got in enumerate(sequences):
        np.testing.assert_allclose(got, jnp.stack([s[i] for s in stored]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("unroll", "copies"),
    [(0, 10), (1, 1), (2, 2), (3, 4), (True, 10), (False, 1), (100, 10)],  # 10 = 3 * 3 + 1
)
def test_unroll_changes_the_program_and_not_the_results(unroll, copies, rng):
    def step(h, x):
        h = jnp.tanh(0.5 * h + x)
        return h, h

    h, xs = jnp.asarray(rng.normal(size=3)), jnp.asarray(rng.normal(size=(10, 3)))

    def loss(scan, h, xs, **options):
        last, ys = scan(step, h, xs, **options)
        return jnp.sum(jnp.sin(last)) + jnp.sum(ys**2)

    got = jax.value_and_grad(lambda *a: loss(rx.scan, *a, unroll=unroll, chunk=5), (0, 1))(h, xs)
    want = jax.value_and_grad(lambda *a: loss(jax.lax.scan, *a), (0, 1))(h, xs)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    program = jax.jit(lambda h, xs: rx.scan(step, h, xs, unroll=unroll, chunk=10)).lower(h, xs)
    assert len(re.findall(r" tanh\(", program.compile().as_text())) == copies


@pytest.mark.parametrize("unroll", [-1, 1.5, "2", None])
def test_an_unroll_that_lax_scan_refuses_is_refused(unroll):
    with pytest.raises(ValueError, match=r"rx\.scan: unroll must be a number of time steps"):
        rx.scan(lambda h, x: (h + x, h), jnp.zeros(3), jnp.zeros((4, 3)), unroll=unroll)


@pytest.mark.parametrize("split", [False, True])
def test_split_transpose_is_taken_as_lax_scan_takes_it(split):
    def step(h, x):
        return jnp.sin(h) * x, h

    h, xs = jnp.ones(3), jnp.ones((4, 3))

    def gradient(scan, **options):
        return jax.grad(lambda h: jnp.sum(scan(step, h, xs, **options)[1]))(h)

    got = gradient(rx.scan, _split_transpose=split)
    np.testing.assert_allclose(got, gradient(jax.lax.scan), rtol=1e-12)
    got = gradient(rx.scan, _split_transpose=split, method="scan")
    np.testing.assert_allclose(got, gradient(jax.lax.scan), rtol=1e-12)


def test_an_evaluator_that_is_added_later_runs_what_was_compiled_before(rng):
    def step(h, x):
        h = jnp.tanh(h + x)
        return h, h

    h, xs = jnp.asarray(rng.normal(size=3)), jnp.asarray(rng.normal(size=(5, 3)))
    want = rx.scan(step, h, xs)
    ran = []

    def run(loop, inputs):
        ran.append(loop)
        return EVALUATORS[-1].run(loop, inputs)

    EVALUATORS.insert(0, Evaluator("later", lambda loop, context: None, run))
    try:
        assert rx.explain(step, h, xs).forward.loops[0].evaluator == "later"
        np.testing.assert_allclose(rx.scan(step, h, xs)[1], want[1], rtol=1e-12)
    finally:
        EVALUATORS.pop(0)
    assert ran
