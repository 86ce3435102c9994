"""Each pass alone keeps the values and the gradients of random bodies, and leaves them valid."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from recurrax.program.calculus.derivative import is_differentiable, tangent_of
from recurrax.program.frontend.trace import ScanCall, trace
from recurrax.program.passes import PASSES
from recurrax.program.passes.common import merge_common
from recurrax.program.passes.copies import remove_copies
from recurrax.program.passes.dead_code import remove_dead_code
from recurrax.program.passes.fuse_shared import fuse_shared
from recurrax.program.passes.fuse_sums import fuse_sums
from recurrax.program.passes.transposes import fold_transposes
from recurrax.program.verify import verify
from tests.program.bodies import random_arguments
from tests.program.edge_case_steps import STEPS
from tests.program.test_random_steps import EXAMPLES, grammar_problems

INNER = [merge_common, remove_copies, remove_dead_code, fuse_shared, fuse_sums, fold_transposes]
EVERY_PASS = {run.__name__: run for run in [*PASSES, *INNER]}


def body_of_problem(problem):
    step, params, init, xs, length = problem
    return trace(ScanCall(partial(step, params), init, xs, length)).step


def values_and_gradients(body, args, rng):
    """The outputs of a body, and the gradient of a random combination of them."""
    flags = [jnp.issubdtype(a.dtype, jnp.inexact) for a in args]

    def run(active):
        values = iter(active)
        return body(*[next(values) if flag else a for a, flag in zip(args, flags, strict=True)])

    def loss(active):
        rng_of_loss = np.random.default_rng(seed)
        terms = [
            jnp.sum(jnp.real(out) * rng_of_loss.normal(size=out.shape).astype(jnp.real(out).dtype))
            for out in run(active)
            if jnp.issubdtype(out.dtype, jnp.inexact)
        ]
        return sum(term.astype(float) for term in terms)

    seed = int(rng.integers(2**32))
    active = [a for a, flag in zip(args, flags, strict=True) if flag]
    return run(active), jax.grad(loss)(active)


def assert_same(got, want, tolerance):
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        scale = max(1.0, np.max(np.abs(b), initial=0.0))
        assert np.max(np.abs(a - b), initial=0.0) <= tolerance * scale


def check_passes(body, seed, tolerance):
    """Runs the passes in their order; before each one, every pass is tried alone."""
    rng = np.random.default_rng(seed)
    args = random_arguments(body, rng)
    want = values_and_gradients(body, args, np.random.default_rng(seed))
    for run in PASSES:
        result = run(body)
        verify(result, like=body)
        got = values_and_gradients(result, args, np.random.default_rng(seed))
        assert_same(got, want, tolerance)
        body = result


@settings(max_examples=EXAMPLES)
@given(grammar_problems())
def test_passes_keep_values_and_gradients_of_random_steps(drawn):
    problem, seed, _, _, tolerance = drawn
    check_passes(body_of_problem(problem).body, seed, tolerance)


@settings(max_examples=EXAMPLES)
@given(grammar_problems())
def test_passes_keep_values_of_random_tangents(drawn):
    """Tangents are linear bodies, which two more passes rewrite."""
    problem, seed, _, _, tolerance = drawn
    step = body_of_problem(problem)
    tangent = tangent_of(step, step.body.inputs.map(is_differentiable), False).step.body
    assert tangent.linear
    check_passes(tangent, seed, tolerance)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("which", EVERY_PASS)
@pytest.mark.slow
def test_each_pass_alone_keeps_values_of_edge_case_steps(name, which, rng):
    made = STEPS[name](lambda *shape: jnp.asarray(rng.normal(size=shape) * 0.5), 5)
    body = body_of_problem((*made, 5)).body
    args = random_arguments(body, rng)
    result = EVERY_PASS[which](body)
    verify(result, like=body)
    assert_same(result(*args), body(*args), 1e-4 if name == "mixed_precision" else 1e-12)


@pytest.mark.parametrize("which", EVERY_PASS)
def test_each_pass_alone_keeps_the_body_it_is_given(which, rng):
    """Passes are pure: the body that goes in is the same afterwards."""
    made = STEPS[sorted(STEPS)[0]](lambda *shape: jnp.asarray(rng.normal(size=shape)), 5)
    body = body_of_problem((*made, 5)).body
    text = str(body)
    EVERY_PASS[which](body)
    assert str(body) == text
