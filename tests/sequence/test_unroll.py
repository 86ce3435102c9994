"""Lengths, masks, resets and direction: laws that hold for every cell, in float64 to 1e-12."""

import functools
import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify

import recurrax as rx
from tests.all_cells import CASES, around_every_cell, tier
from tests.helpers import assert_close, assert_identical, combinations, problem, random_like

pytestmark = pytest.mark.once

PADS = (0.0, np.nan, np.inf, -np.inf, 1e38)
T = 5
LENGTHS = (T, 3, 0)


LAYERS = [
    pytest.param(name, layers, marks=tier("engine" if layers == 1 else "three layers", name))
    for name in CASES
    for layers in (1, 3)
]


@pytest.mark.parametrize(("name", "layers"), LAYERS)
def test_a_padded_row_is_the_row_alone(name, layers, rng):
    """Values and gradients, in both directions, in 1 and 3 layers, whatever is in the padding."""
    case = CASES[name]
    both = rx.Bidirectional(case.cell, merge="sum")
    runs = [(both, False)] if layers == 1 else [(rx.Stack((both,) * layers), False)]
    if layers == 1:
        runs += [(case.cell, False), (case.cell, True)]
    elif case.cell.out_features != case.in_features:
        between = rx.Dense(case.in_features)  # for cells that add x to their state
        runs = [(rx.Stack((both, between, both, between, both)), False)]
    params = [random_like(rng, cell.params_like(case.in_features), 0.3) for cell, _ in runs]
    carries = [random_like(rng, cell.initial_carry((3,))) for cell, _ in runs]
    xs = jnp.asarray(rng.normal(size=(3, T, case.in_features)))
    weights = jnp.asarray(rng.normal(size=(3, T, case.cell.out_features)))

    def loss(params, carries, xs, weights, rows, lengths):
        results = [
            rx.unroll(cell, p, xs, carry, lengths=lengths, reverse=reverse)
            for (cell, reverse), p, carry in zip(runs, params, carries, strict=True)
        ]
        value = sum(jnp.sum(jnp.sin(weights * ys)) for _, ys in results)
        value += sum(jnp.sum(rows @ jnp.sin(a)) for last, _ in results for a in leaves(last))
        return value, results

    leaves = jax.tree.leaves
    gradient = jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2), has_aux=True))
    lengths = jnp.array(LENGTHS)
    padding = np.arange(T)[None, :, None] >= np.array(LENGTHS)[:, None, None]
    got, *others = [
        gradient(params, carries, jnp.where(padding, pad, xs), weights, jnp.ones(3), lengths)
        for pad in PADS
    ]
    for other in others:
        assert_identical(other, got)
    (_, results), (_, d_carries, d_xs) = got
    for array in (d_xs, *[ys for _, ys in results]):
        assert np.all(np.asarray(array)[np.broadcast_to(padding, array.shape)] == 0)

    # A row of length 0: the carry before is the carry after, and so are their gradients.
    empty = [jax.tree.map(lambda a: a[2], tree) for tree in (carries, [c for c, _ in results])]
    assert_identical(*empty)
    d_empty = jax.tree.map(lambda a: a[2], d_carries)
    assert_close(d_empty, jax.tree.map(jnp.cos, empty[0]))

    # The row of length 3, alone.
    only = jnp.array([0.0, 1.0, 0.0])
    (_, results), (d_params, d_carries, d_xs) = gradient(
        params, carries, xs, weights * only[:, None, None], only, lengths
    )
    one = [jax.tree.map(lambda a: a[1:2], tree) for tree in (carries, xs, weights)]
    (_, want_results), (want_params, want_carries, want_xs) = gradient(
        params, one[0], one[1][:, :3], one[2][:, :3], jnp.ones(1), None
    )
    assert_close(d_params, want_params)
    assert_close(jax.tree.map(lambda a: a[1:2], d_carries), want_carries)
    assert_close(d_xs[1:2, :3], want_xs)
    for (last, ys), want in zip(results, want_results, strict=True):
        assert_close((jax.tree.map(lambda a: a[1:2], last), ys[1:2, :3]), want)


def python_loop(cell, params, xs, carry, valid, resets, start):
    """One row, one step after the other; only valid steps are taken."""
    ys = np.zeros((len(valid), cell.out_features))
    for t in range(len(valid)):
        if not valid[t]:
            continue
        carry = start if resets[t] else carry
        carry, y = cell.step(params, carry, xs[t])
        ys[t] = y
    return carry, jnp.asarray(ys)


@around_every_cell
def test_masks_and_resets_equal_a_python_loop_over_the_valid_steps(case, rng):
    params, carry, xs = problem(rng, case, batch=(3,), steps=6)
    start = random_like(rng, case.cell.initial_carry((3,)))
    mask, resets = rng.random((3, 6)) < 0.6, rng.random((3, 6)) < 0.4
    xs = jnp.where(mask[..., None], xs, jnp.nan)
    got = rx.unroll(case.cell, params, xs, carry, mask=mask, resets=resets, reset_carry=start)
    for row in range(3):
        carry_of_row, start_of_row = (
            jax.tree.map(lambda a, row=row: a[row], tree) for tree in (carry, start)
        )
        want = python_loop(
            case.cell, params, xs[row], carry_of_row, mask[row], resets[row], start_of_row
        )
        assert_close(jax.tree.map(lambda a, row=row: a[row], got), want)


@pytest.mark.parametrize(
    ("name", "reverse", "method"),
    combinations(
        ["elman", "lstm_everything", "gru", "elman_readout"],
        [False, True],
        ["auto", "chunked", "scan"],
        quick=lambda name, reverse, method: name == "elman" or method == "auto",
    ),
)
def test_a_mask_is_the_compaction_of_its_valid_steps(name, reverse, method, rng):
    """Values and all gradients, in every evaluator; NaN where the mask is false."""
    case = CASES[name]
    params, carry, xs = problem(rng, case, batch=(2,), steps=9)
    mask = rng.random((2, 9)) < 0.6
    cot = jnp.asarray(rng.normal(size=(2, 9, case.cell.out_features)))

    def loss(params, xs, carry, cot, mask):
        options = {} if mask is None else {"mask": mask}
        last, ys = rx.unroll(
            case.cell, params, xs, carry, reverse=reverse, method=method, **options
        )
        return jnp.sum(cot * ys) + sum(jnp.sum(jnp.sin(a)) for a in jax.tree.leaves(last)), ys

    gradient = jax.value_and_grad(loss, argnums=(0, 1, 2), has_aux=True)
    xs = jnp.where(mask[..., None], xs, jnp.nan)
    (value, ys), (d_params, d_xs, d_carry) = gradient(params, xs, carry, cot, mask)
    assert np.all(np.asarray(d_xs)[~mask] == 0)
    total, sums = 0.0, []
    for row in range(2):
        keep = mask[row]
        one = jax.tree.map(lambda a, row=row: a[row], carry)
        (v, y), g = gradient(params, xs[row][keep], one, cot[row][keep], None)
        assert_close(ys[row][keep], y)
        assert_close(d_xs[row][keep], g[1])
        assert_close(jax.tree.map(lambda a, row=row: a[row], d_carry), g[2])
        total, sums = total + v, [*sums, g[0]]
    assert_close(value, total)
    assert_close(d_params, jax.tree.map(lambda *a: sum(a), *sums))


@pytest.mark.parametrize(
    ("name", "reverse"),
    combinations(
        ["elman", "lstm", "gru_before", "mgu"],
        [False, True],
        quick=lambda name, reverse: reverse == (name in ("lstm", "mgu")),
    ),
)
def test_resets_are_separate_sequences(name, reverse, rng):
    """Packed segments run as if each were alone: also backwards, where segments end first."""
    case = CASES[name]
    params, carry, xs = problem(rng, case, batch=(2,), steps=9)
    boundaries = [0, 2, 3, 7, 9]
    resets = np.zeros((2, 9), bool)
    resets[:, boundaries[:-1]] = True

    def packed(params, xs, carry):
        return rx.unroll(case.cell, params, xs, carry, resets=resets, reverse=reverse)

    def separate(params, xs, carry):
        runs = [
            rx.unroll(case.cell, params, xs[:, a:b], carry, reverse=reverse)
            for a, b in itertools.pairwise(boundaries)
        ]
        last = runs[0 if reverse else -1][0]
        return last, jnp.concatenate([ys for _, ys in runs], 1)

    want, got = separate(params, xs, carry), packed(params, xs, carry)
    assert_close(got, want)
    cot = random_like(rng, got)
    pull = [jax.vjp(f, params, xs, carry)[1](cot) for f in (packed, separate)]
    assert_close(*pull)


def test_resets_inside_a_mask_belong_to_the_valid_steps(rng):
    """A reset at a step that is not valid has no effect, in both directions."""
    case = CASES["lstm"]
    params, carry, xs = problem(rng, case, batch=(), steps=8)
    mask = np.array([1, 1, 0, 0, 1, 0, 1, 1], bool)
    resets = np.array([0, 0, 1, 0, 1, 1, 0, 0], bool)
    got = rx.unroll(case.cell, params, xs, carry, mask=mask, resets=resets, reverse=True)
    _, ys_late = rx.unroll(case.cell, params, xs[np.array([4, 6, 7])], carry, reverse=True)
    last, ys_first = rx.unroll(case.cell, params, xs[:2], carry, reverse=True)
    assert_close(got[0], last)
    assert_close(got[1][mask], jnp.concatenate([ys_first, ys_late]))
    assert_close(
        rx.unroll(case.cell, params, xs, carry, mask=mask, resets=resets & ~mask),
        rx.unroll(case.cell, params, xs, carry, mask=mask),
    )


def test_what_a_reset_puts_in_place(rng):
    case = CASES["gru"]
    params, carry, xs = problem(rng, case, batch=(2,), steps=4)
    resets = np.zeros((2, 4), bool)
    resets[:, 2] = True
    fresh = random_like(rng, case.cell.initial_carry(()))
    zero = case.cell.initial_carry((2,))
    learned = rx.LearnedCarry(case.cell)
    learned_params = type(learned.init(jax.random.key(0), 3))(params, fresh)
    broadcast = learned.initial_carry_from(learned_params, (2,))
    for cell, p, given, options, start in (
        (case.cell, params, None, {}, zero),
        (case.cell, params, carry, {}, carry),
        (case.cell, params, carry, {"reset_carry": zero}, zero),
        (case.cell, params, carry, {"reset_carry": fresh}, broadcast),
        (learned, learned_params, None, {}, broadcast),
    ):
        last, ys = rx.unroll(cell, p, xs, given, resets=resets, **options)
        want_last, want = rx.unroll(case.cell, params, xs[:, 2:], start)
        assert_close((last, ys[:, 2:]), (want_last, want))


def test_a_reset_replaces_even_a_broken_carry(rng):
    """By selection, not by a product with zero: NaN of one episode ends with it."""
    case = CASES["lstm"]
    params, carry, xs = problem(rng, case, batch=(2,), steps=4)
    resets = np.zeros((2, 4), bool)
    resets[:, 2] = True
    xs = xs.at[:, 1].set(jnp.nan)
    last, ys = rx.unroll(case.cell, params, xs, carry, resets=resets)
    assert np.all(np.isnan(ys[:, 1]))
    assert np.all(np.isfinite(ys[:, 2:]))
    assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(last))


def test_chunks_with_resets_equal_the_whole(rng):
    case = CASES["lstm"]
    params, carry, xs = problem(rng, case, batch=(2,), steps=10)
    resets, mask = rng.random((2, 10)) < 0.3, rng.random((2, 10)) < 0.7
    start = random_like(rng, case.cell.initial_carry((2,)))
    options = {"reset_carry": start}
    want = rx.unroll(case.cell, params, xs, carry, resets=resets, mask=mask, **options)
    chunks = []
    for a, b in ((0, 3), (3, 4), (4, 10)):
        now = {"resets": resets[:, a:b], "mask": mask[:, a:b], **options}
        carry, ys = rx.unroll(case.cell, params, xs[:, a:b], carry, **now)
        chunks.append(ys)
    assert_close((carry, jnp.concatenate(chunks, 1)), want)


# --- outputs at padding, and their order ---


def test_hold_repeats_the_last_valid_output(rng):
    case = CASES["elman_readout"]  # an output that is not the state
    params, carry, xs = problem(rng, case, batch=(2,), steps=6)
    mask = np.array([[0, 1, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0]], bool)
    zero = np.asarray(rx.unroll(case.cell, params, xs, carry, mask=mask)[1])
    held = np.asarray(rx.unroll(case.cell, params, xs, carry, mask=mask, pad="hold")[1])
    for row, sources in enumerate(([None, 1, 1, 1, 4, 4], [0] * 6)):
        for t, source in enumerate(sources):
            assert np.array_equal(
                held[row, t], 0 * zero[row, 0] if source is None else zero[row, source]
            )
    back = np.asarray(rx.unroll(case.cell, params, xs, carry, mask=mask, reverse=True)[1])
    held = rx.unroll(case.cell, params, xs, carry, mask=mask, reverse=True, pad="hold")[1]
    for row, sources in enumerate(([1, 1, 4, 4, 4, None], [0] + [None] * 5)):
        for t, source in enumerate(sources):
            want = 0 * back[row, 0] if source is None else back[row, source]
            assert np.array_equal(np.asarray(held)[row, t], want)


def test_order_of_processing(rng):
    """With lengths as in Flax, each row's valid steps first; without, the axis flipped as Keras."""
    case = CASES["gru"]
    params, carry, xs = problem(rng, case, batch=(2,), steps=5)
    run = functools.partial(rx.unroll, case.cell, params, xs, carry, reverse=True)
    processing = functools.partial(run, order="processing")
    assert_identical(processing()[1], run()[1][:, ::-1])
    lengths = np.array([5, 3])
    got, there = processing(lengths=lengths)[1], run(lengths=lengths)[1]
    assert_identical(got[0], there[0, ::-1])
    assert_identical(got[1, :3], there[1, 2::-1])
    assert np.all(np.asarray(got[1, 3:]) == 0)
    held = processing(lengths=lengths, pad="hold")[1]
    assert_identical(held[1, 3:], jnp.broadcast_to(got[1, 2], (2, got.shape[-1])))
    mask = np.array([[1, 1, 0, 1, 1], [0, 1, 1, 1, 0]], bool)
    assert_identical(processing(mask=mask)[1], run(mask=mask)[1][:, ::-1])
    forward = functools.partial(rx.unroll, case.cell, params, xs, carry)
    assert_identical(forward(order="processing")[1], forward()[1])


# --- lengths are data ---


@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_any_batch_axes_and_time_major(batch, rng):
    """Also two batch axes with a carry, which Flax refuses."""
    case = CASES["lstm"]
    params, carry, xs = problem(rng, case, batch=batch, steps=4)
    lengths = rng.integers(0, 5, batch)
    resets = rng.random((*batch, 4)) < 0.4
    want = rx.unroll(case.cell, params, xs, carry, lengths=lengths, resets=resets)
    last, ys = rx.unroll(
        case.cell,
        params,
        jnp.moveaxis(xs, -2, 0),
        carry,
        lengths=lengths,
        resets=np.moveaxis(resets, -1, 0),
        time_axis=0,
    )
    assert_close((last, jnp.moveaxis(ys, 0, -2)), want)
    mask = np.arange(4) < np.asarray(lengths)[..., None]
    assert_close(rx.unroll(case.cell, params, xs, carry, mask=mask, resets=resets), want)


def test_one_trace_for_all_lengths_masks_and_resets(rng, monkeypatch):
    case = CASES["gru"]
    params, carry, xs = problem(rng, case, batch=(9,), steps=7)
    traced_no_more = chex.assert_max_traces(rx.GRU.step, n=0)

    def lengths():
        return {"lengths": rng.integers(0, 8, 9)}

    def mask():
        return {"mask": rng.random((9, 7)) < 0.5, "resets": rng.random((9, 7)) < 0.5}

    for draw in (lengths, mask):
        rx.unroll(case.cell, params, xs, carry, **draw())
        chex.clear_trace_counter()
        with monkeypatch.context() as patch:
            patch.setattr(rx.GRU, "step", traced_no_more)
            for _ in range(100):
                rx.unroll(case.cell, params, xs, carry, **draw())
            with pytest.raises(AssertionError, match="is traced > 0 times"):
                rx.unroll(case.cell, params, xs[:, :3], carry)


def test_traced_lengths_are_clamped_and_an_error_under_checkify(rng):
    case = CASES["gru"]
    params, carry, xs = problem(rng, case, batch=(3,), steps=4)

    @jax.jit
    def run(lengths):
        return rx.unroll(case.cell, params, xs, carry, lengths=lengths)

    assert_identical(run(jnp.array([-2, 9, 4])), run(jnp.array([0, 4, 4])))
    checked = checkify.checkify(run)
    assert checked(jnp.array([0, 4, 4]))[0].get() is None
    for wrong in ([-1, 0, 4], [0, 5, 4]):
        message = checked(jnp.array(wrong))[0].get()
        assert "lengths must be from 0 to 4" in message


def test_traced_lengths_over_rows_of_a_vmap(rng):
    case = CASES["gru"]
    params, carry, xs = problem(rng, case, batch=(3,), steps=4)

    def row(carry, xs, lengths):
        return rx.unroll(case.cell, params, xs, carry, lengths=lengths)

    rows = jax.jit(jax.vmap(row))
    want = rx.unroll(case.cell, params, xs, carry, lengths=jnp.array([0, 4, 1]))
    assert_close(rows(carry, xs, jnp.array([-3, 7, 1], jnp.int8)), want)
    error, _ = checkify.checkify(rows)(carry, xs, jnp.array([0, 7, 1]))
    assert "lengths must be from 0 to 4" in error.get()


def test_traced_lengths_of_a_type_too_narrow_for_the_steps(rng):
    case = CASES["elman"]
    params, carry, xs = problem(rng, case, batch=(2,), steps=300)

    @jax.jit
    def run(lengths):
        return rx.unroll(case.cell, params, xs, carry, lengths=lengths)

    lengths = jnp.array([127, 100], jnp.int8)
    error, got = checkify.checkify(run)(lengths)
    assert error.get() is None
    assert_identical(run(lengths), run(lengths.astype(jnp.int32)))
    assert_close(got, run(lengths))


def test_traced_lengths_beside_a_tangent(rng):
    """A whole number has a tangent of type float0, in forward mode too."""
    case = CASES["gru"]
    params, carry, xs = problem(rng, case, batch=(3,), steps=4)
    lengths = jnp.array([0, 4, 1])

    def run(xs, lengths):
        return rx.unroll(case.cell, params, xs, carry, lengths=lengths)

    none = np.zeros(lengths.shape, jax.dtypes.float0)
    _, got = jax.jvp(run, (xs, lengths), (jnp.ones_like(xs), none))
    _, want = jax.jvp(lambda xs: run(xs, lengths), (xs,), (jnp.ones_like(xs),))
    assert_close(got, want)
    _, back = jax.vjp(run, xs, lengths)
    assert back(want)[1].dtype == jax.dtypes.float0


def test_traced_lengths_have_no_effects(rng):
    """An effect would take every call of the compiled function through Python."""
    case = CASES["gru"]
    params, carry, xs = problem(rng, case, batch=(3,), steps=4)

    def run(xs, lengths):
        return rx.unroll(case.cell, params, xs, carry, lengths=lengths)

    assert not jax.make_jaxpr(run)(xs, jnp.array([0, 4, 1])).effects


def test_lengths_that_are_constants_of_a_compiled_function(rng):
    """They are known, and checked, although all that is done to them would be traced."""
    case = CASES["gru"]
    params, carry, xs = problem(rng, case, batch=(2,), steps=4)
    lengths = jnp.array([4, 1])
    want = rx.unroll(case.cell, params, xs, carry, lengths=lengths)
    got = jax.jit(lambda xs: rx.unroll(case.cell, params, xs, carry, lengths=lengths))(xs)
    assert_close(got, want)
    wrong = lengths + 1
    with pytest.raises(ValueError, match="lengths must be from 0 to 4"):
        jax.jit(lambda xs: rx.unroll(case.cell, params, xs, carry, lengths=wrong))(xs)


@pytest.mark.parametrize("options", ["lengths", "mask", "resets"])
def test_no_steps_and_no_rows(options, rng):
    case = CASES["lstm"]
    for batch, steps in (((2,), 0), ((0,), 3)):
        params, carry, xs = problem(rng, case, batch=batch, steps=max(steps, 1))
        xs = xs[:, :steps]
        flags = np.zeros((*batch, steps), bool)
        given = {"lengths": np.zeros(batch, int)} if options == "lengths" else {options: flags}
        for reverse in (False, True):
            last, ys = rx.unroll(
                case.cell,
                params,
                xs,
                carry,
                reverse=reverse,
                pad="hold",
                order="processing",
                **given,
            )
            assert ys.shape == (*batch, steps, 5)
            assert_identical(last, carry)


def test_padding_in_a_pytree_of_inputs(rng):
    class Pair(rx.Cell):
        features = 3

        def init(self, key, in_features):
            del key, in_features
            return {"w": jnp.ones(3)}

        def initial_carry(self, batch_shape=()):
            return (jnp.zeros((*batch_shape, 3)),)

        def step(self, params, carry, x):
            h = jnp.tanh(carry[0] + params["w"] * x["a"] / (2 + x["n"].astype(x["a"].dtype)))
            return (h,), 2 * h

    xs = {"a": jnp.asarray(rng.normal(size=(2, 4, 3))), "n": jnp.ones((2, 4, 3), int)}
    bad = {"a": xs["a"].at[1, 2:].set(jnp.nan), "n": xs["n"].at[1, 2:].set(-2)}
    lengths = np.array([4, 2])
    cell = Pair()
    got, want = (
        jax.value_and_grad(lambda p, x=x: jnp.sum(rx.unroll(cell, p, x, lengths=lengths)[1] ** 2))(
            {"w": jnp.ones(3)}
        )
        for x in (bad, xs)
    )
    assert_identical(got, want)


def test_a_held_carry_costs_no_product_in_the_backward_pass(rng):
    """The slope of a tanh is read from the carry also where steps are skipped."""

    def products(**options):
        cell = rx.Elman(8)
        params = jax.tree.map(jnp.asarray, cell.init(jax.random.key(0), 8))
        xs = jnp.asarray(rng.normal(size=(4, 32, 8)))

        def loss(params, xs, options):
            return jnp.sum(rx.unroll(cell, params, xs, **options)[1] ** 2)

        text = jax.jit(jax.grad(loss, argnums=(0, 1))).lower(params, xs, options).as_text()
        return text.count("dot_general")

    assert products(lengths=np.array([32, 20, 3, 0])) == products()
    assert products(mask=np.ones((4, 32), bool)) == products()
