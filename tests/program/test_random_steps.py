"""Random steps, and a table of edge cases: ``method="chunked"`` computes what ``lax.scan`` does.

Values, and the gradient with respect to every float operand, under one random cotangent.
"""

import zlib
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from jax import lax

import recurrax as rx
from tests.program.edge_case_steps import STEPS, spread

LENGTHS = (1, 2, 3, 5, 7, 8, 9, 13)
# A compilation or two per example: fewer of them than the profile gives to cheaper tests.
EXAMPLES = max(8, settings.default.max_examples // 3)


def outcomes(scan, problem, seed, **options):
    """``(values, values on the way to a gradient, gradients)`` of a step over time."""
    step, params, init, xs, length = problem
    leaves, tree = jax.tree.flatten((params, init, xs))
    inexact = [jnp.issubdtype(a.dtype, jnp.inexact) for a in leaves]

    def run(active):
        values = iter(active)
        full = [next(values) if flag else a for a, flag in zip(leaves, inexact, strict=True)]
        params, init, xs = jax.tree.unflatten(tree, full)
        return scan(partial(step, params), init, xs, length=length, **options)

    def with_gradient(active):
        out, pullback = jax.vjp(run, active)
        rng = np.random.default_rng(seed)
        return out, pullback(jax.tree.map(lambda a: cotangent(rng, a), out))[0]

    active = [a for a, flag in zip(leaves, inexact, strict=True) if flag]
    return jax.jit(lambda a: (run(a), *with_gradient(a)))(active)


def cotangent(rng, a):
    if not jnp.issubdtype(a.dtype, jnp.inexact):
        return np.zeros(a.shape, jax.dtypes.float0)
    number = rng.normal(size=a.shape)
    if jnp.issubdtype(a.dtype, jnp.complexfloating):
        number = number + 1j * rng.normal(size=a.shape)
    return jnp.asarray(number, a.dtype)


def assert_same(got, want, tolerance):
    """Structures, shapes and dtypes agree; numbers do relative to the scale of their array."""
    assert jax.tree.structure(got) == jax.tree.structure(want)
    for (path, a), b in zip(
        jax.tree_util.tree_leaves_with_path(got), jax.tree.leaves(want), strict=True
    ):
        where = jax.tree_util.keystr(path)
        assert (a.shape, a.dtype) == (b.shape, b.dtype), where
        a, b = np.asarray(a), np.asarray(b)
        if not np.issubdtype(b.dtype, np.inexact):
            np.testing.assert_array_equal(a, b, where)
            continue
        assert np.all(np.isfinite(b)), f"{where}: the oracle itself is not finite"
        error = np.max(np.abs(a - b), initial=0.0) / max(1.0, np.max(np.abs(b), initial=0.0))
        assert error <= tolerance, f"{where}: error {error:.2e}"


def check(problem, seed, reverse, chunk, tolerance=1e-12):
    want = outcomes(lax.scan, problem, seed, reverse=reverse)
    got = outcomes(rx.scan, problem, seed, reverse=reverse, method="chunked", chunk=chunk)
    assert_same(got, want, tolerance)


def chunks_of(length):
    return (None, *sorted({1, 2, max(length - 1, 1), length, length + 1}))


# ------------------------------------------------------------------------------- random steps

NEEDS = {  # block: (values it reads, whether it has a matrix, a vector)
    "matmul": (1, "matrix"),
    "invariant work": (1, "matrix"),
    "transposed matmul": (1, "matrix"),
    "two products, one operand": (1, "matrices"),
    "sum of products": (2, "matrices"),
    "diagonal": (1, "vector"),
    "bias": (1, "vector"),
    "tanh": (1, None),
    "sigmoid": (1, None),
    "relu": (1, None),
    "silu": (1, None),
    "add": (2, None),
    "sub": (2, None),
    "mul": (2, None),
    "where": (3, None),
    "gate": (3, None),
    "rotate": (1, None),
    "mean": (1, None),
    "single precision": (1, None),
    "constant": (1, None),
}
ENDS = ("squash", "leak", "sum", "old of", "new of", "same", "zero", "input")


def block(name, p, values):
    """One building block; every value is ``(*batch, n)``."""
    a = values[0]
    match name:
        case "matmul":
            return a @ p if p.ndim == 2 and a.ndim > 1 else p @ a
        case "invariant work":
            return a @ (jnp.tanh(p) @ p)
        case "transposed matmul":
            return a @ p.T
        case "two products, one operand":
            return jnp.tanh(a @ p[0]) * (a @ p[1])
        case "sum of products":
            return a @ p[0] + values[1] @ p[1]
        case "diagonal":
            return a * spread(p, a)
        case "bias":
            return a + spread(p, a)
        case "tanh":
            return jnp.tanh(a)
        case "sigmoid":
            return jax.nn.sigmoid(a)
        case "relu":  # off the kink: rounding must not choose the side
            return jax.nn.relu(a + 0.0123)
        case "silu":
            return jax.nn.silu(a)
        case "add":
            return a + values[1]
        case "sub":
            return a - values[1]
        case "mul":
            return a * jnp.sin(values[1])
        case "where":
            return jnp.where(a > 0.0321, values[1], values[2])
        case "gate":
            z = jax.nn.sigmoid(a)
            return z * values[1] + (1 - z) * values[2]
        case "rotate":
            return jnp.concatenate([a[..., 1:], a[..., :1]], -1)
        case "mean":
            return jnp.broadcast_to(jnp.mean(a, -1, keepdims=True), a.shape)
        case "single precision":
            return jnp.tanh(a.astype(jnp.float32)).astype(a.dtype)
        case "constant":
            return a * 0.75 - 0.125
    raise AssertionError(name)


def grammar_step(plan, params, carry, x):
    """Interprets a plan: embed, blocks one after another, then the ends of the components."""
    olds, count = carry
    x = {**x, "embedded": params["table"][x["token"]]}
    pool = [x["dense"] @ params["in"], x["same"], x["embedded"], *olds]
    for (name, where), p in zip(plan["blocks"], params["blocks"], strict=True):
        pool.append(block(name, p, [pool[i % len(pool)] for i in where]))
    news = []
    for (end, i), old in zip(plan["ends"], olds, strict=True):
        value = jnp.tanh(pool[-1 - i % len(pool)])
        new = {
            "squash": value,
            "leak": 0.5 * old + 0.5 * value,
            "sum": old + value,
            "old of": olds[i % len(olds)],
            "new of": jnp.tanh(news[-1]) if news else value,
            "same": old,
            "zero": jnp.zeros_like(old),
            "input": x["same"],
        }[end]
        news.append(new)
    ys = {
        "pool": pool[-1],
        "carry": (news[0], olds[-1]),
        "input": x["same"],
        "count": (count, jnp.float32(2)),
        "none": None,
        "sum": jnp.sum(pool[-1] * pool[2]),
    }
    return (tuple(news), count + 1), [ys[name] for name in plan["ys"]]


@st.composite
def grammar_problems(draw):
    components = draw(st.integers(1, 3))
    n, m = draw(st.integers(2, 3)), draw(st.integers(2, 3))
    batch = tuple(draw(st.lists(st.integers(1, 2), max_size=2)))
    length = draw(st.sampled_from(LENGTHS))
    names = draw(st.lists(st.sampled_from(sorted(NEEDS)), min_size=1, max_size=6))
    blocks = [
        (name, tuple(draw(st.integers(0, 3 + components + k)) for _ in range(NEEDS[name][0])))
        for k, name in enumerate(names)
    ]
    plan = {
        "blocks": blocks,
        "ends": [
            (draw(st.sampled_from(ENDS)), draw(st.integers(0, 2 + components)))
            for _ in range(components)
        ],
        "ys": draw(
            st.lists(
                st.sampled_from(("pool", "carry", "input", "count", "none", "sum")), max_size=3
            )
        ),
    }
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)

    def array(*shape):
        return jnp.asarray(rng.normal(size=shape) * 0.5)

    shapes = {"matrix": (n, n), "matrices": (2, n, n), "vector": (n,)}
    params = {
        "in": array(m, n),
        "table": array(4, n),
        "blocks": [
            array(*shapes[NEEDS[name][1]]) if NEEDS[name][1] else None for name, _ in blocks
        ],
    }
    init = (tuple(array(*batch, n) for _ in range(components)), jnp.int32(0))
    xs = {
        "dense": array(length, *batch, m),
        "same": array(length, *batch, n),
        "token": jnp.asarray(rng.integers(0, 4, size=(length, *batch))),
        "unused": array(length, 2),
    }
    tolerance = 1e-4 if "single precision" in names else 1e-12
    problem = partial(grammar_step, plan), params, init, xs, length
    reverse, chunk = draw(st.booleans()), draw(st.sampled_from(chunks_of(length)))
    return problem, seed, reverse, chunk, tolerance


@settings(max_examples=EXAMPLES)
@given(grammar_problems())
def test_a_random_step_computes_what_lax_scan_computes(drawn):
    check(*drawn)


# ---------------------------------------------------------------------- steps written by hand


def check_edge_case(name, seed, length, reverse, chunk):
    rng = np.random.default_rng(seed)
    made = STEPS[name](lambda *shape: jnp.asarray(rng.normal(size=shape) * 0.5), length)
    tolerance = 1e-4 if name == "mixed_precision" else 1e-12
    check((*made, length), seed, reverse, chunk, tolerance)


@pytest.mark.parametrize("name", STEPS)
def test_an_edge_case_step_computes_what_lax_scan_computes(name, rng):
    length = int(rng.choice(LENGTHS[2:]))
    options = chunks_of(length)
    chunk, reverse = options[rng.integers(len(options))], bool(rng.integers(2))
    print(f"length {length}, chunk {chunk}, reverse {reverse}")
    check_edge_case(name, int(rng.integers(2**32)), length, reverse, chunk)


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
def test_an_edge_case_step_in_every_length_chunk_and_direction(name):
    seed = zlib.crc32(name.encode())
    for length in LENGTHS:
        for chunk in chunks_of(length):
            for reverse in (False, True):
                print(f"length {length}, chunk {chunk}, reverse {reverse}")
                check_edge_case(name, seed, length, reverse, chunk)
