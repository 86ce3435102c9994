"""Laws that hold for every cell in the table, in float64 to 1e-12."""

import copy
import dataclasses
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import recurrax as rx
from tests.all_cells import around_every_cell, every_cell, every_cell_of
from tests.helpers import assert_close, assert_identical, problem


def python_loop(cell, params, xs, carry):
    """One step after the other, in Python, over ``(*batch, time, features)``."""
    ys = []
    for t in range(xs.shape[-2]):
        carry, y = cell.step(params, carry, xs[..., t, :])
        ys.append(y)
    return carry, jnp.stack(ys, -2)


@around_every_cell
def test_unroll_equals_a_python_loop_of_steps(case, rng):
    params, carry, xs = problem(rng, case)
    got = rx.unroll(case.cell, params, xs, carry)
    assert_close(got, python_loop(case.cell, params, xs, carry))


@every_cell
def test_scan_of_the_step_equals_lax_scan(case, rng):
    params, carry, xs = problem(rng, case)
    xs = jnp.moveaxis(xs, -2, 0)

    def step(carry, x):  # parameters closed over
        return case.cell.step(params, carry, x)

    want = jax.lax.scan(step, carry, xs)
    for method in ("auto", "scan"):
        assert_close(rx.scan(step, carry, xs, method=method), want)


@around_every_cell
def test_jit_equals_eager(case, rng):
    params, carry, xs = problem(rng, case)
    compiled = jax.jit(rx.unroll, static_argnums=0)
    assert_close(compiled(case.cell, params, xs, carry), python_loop(case.cell, params, xs, carry))


@around_every_cell
def test_vmap_equals_a_loop_over_rows(case, rng):
    params, carry, xs = problem(rng, case, batch=(3,))
    got = jax.vmap(lambda carry, xs: rx.unroll(case.cell, params, xs, carry))(carry, xs)
    rows = [
        rx.unroll(case.cell, params, xs[row], jax.tree.map(lambda a, row=row: a[row], carry))
        for row in range(3)
    ]
    assert_close(got, jax.tree.map(lambda *a: jnp.stack(a), *rows))
    assert_close(got, rx.unroll(case.cell, params, xs, carry))


@around_every_cell
def test_vmap_over_parameters_is_an_ensemble(case, rng):
    members = [problem(rng, case) for _ in range(2)]
    stacked = jax.tree.map(lambda *a: jnp.stack(a), *members)
    got = jax.vmap(lambda p, c, x: rx.unroll(case.cell, p, x, c))(*stacked)
    alone = [rx.unroll(case.cell, p, x, c) for p, c, x in members]
    assert_close(got, jax.tree.map(lambda *a: jnp.stack(a), *alone))


@every_cell
@pytest.mark.parametrize("batch", [(), (2, 1, 3)])
def test_any_batch_axes(case, batch, rng):
    params, carry, xs = problem(rng, case, batch=batch)
    last, ys = rx.unroll(case.cell, params, xs, carry)
    n = int(np.prod(batch))
    flat_carry = jax.tree.map(lambda a: a.reshape(n, a.shape[-1]), carry)
    flat_last, flat_ys = rx.unroll(case.cell, params, xs.reshape(n, *xs.shape[-2:]), flat_carry)
    assert ys.shape == (*batch, xs.shape[-2], case.cell.out_features)
    assert_close(
        (jax.tree.map(lambda a: a.reshape(n, a.shape[-1]), last), ys.reshape(flat_ys.shape)),
        (flat_last, flat_ys),
    )


@around_every_cell
def test_time_axis_moves_only_the_axis(case, rng):
    params, carry, xs = problem(rng, case, batch=(2, 3))
    want_last, want = rx.unroll(case.cell, params, xs, carry)
    for axis in (0, 1, 2, -2, -3, -4):
        moved = jnp.moveaxis(xs, -2, axis)
        last, ys = rx.unroll(case.cell, params, moved, carry, time_axis=axis)
        assert_close((last, jnp.moveaxis(ys, axis, -2)), (want_last, want))


@around_every_cell
def test_reverse_is_the_run_over_the_flipped_sequence(case, rng):
    params, carry, xs = problem(rng, case)
    last, ys = rx.unroll(case.cell, params, xs, carry, reverse=True)
    want_last, want = rx.unroll(case.cell, params, xs[..., ::-1, :], carry)
    assert_close((last, ys), (want_last, want[..., ::-1, :]))


@around_every_cell
def test_split_in_time_equals_whole(case, rng):
    params, carry, xs = problem(rng, case, steps=5)
    want_last, want = rx.unroll(case.cell, params, xs, carry)
    middle, first = rx.unroll(case.cell, params, xs[..., :2, :], carry)
    last, second = rx.unroll(case.cell, params, xs[..., 2:, :], middle)
    assert_close((last, jnp.concatenate([first, second], -2)), (want_last, want))


@every_cell
def test_outputs_depend_on_the_past_only(case, rng):
    params, carry, xs = problem(rng, case, batch=(4,), steps=4)

    def outputs(xs):
        return rx.unroll(case.cell, params, xs, carry)[1]

    before, after = outputs(xs), outputs(xs.at[..., 2:, :].add(1.0))
    assert_identical(after[..., :2, :], before[..., :2, :])
    # not at every step and unit: a relu may be off
    assert np.any(np.asarray(after != before))


@around_every_cell
def test_unroll_carries_returns_the_carry_after_every_step(case, rng):
    params, carry, xs = problem(rng, case, batch=(2, 3))
    last, ys = rx.unroll(case.cell, params, xs, carry)
    same, (carries, outputs) = rx.unroll_carries(case.cell, params, xs, carry)
    assert type(carries) is type(last)
    assert_close((same, outputs), (last, ys))
    assert_close(jax.tree.map(lambda a: a[..., -1, :], carries), last)
    third, _ = rx.unroll(case.cell, params, xs[..., :3, :], carry)
    assert_close(jax.tree.map(lambda a: a[..., 2, :], carries), third)
    _, (backward, _) = rx.unroll_carries(case.cell, params, xs, carry, reverse=True)
    first_of_backward, _ = rx.unroll(case.cell, params, xs, carry, reverse=True)
    assert_close(jax.tree.map(lambda a: a[..., 0, :], backward), first_of_backward)


@around_every_cell
def test_a_permuted_batch_permutes_the_result(case, rng):
    params, carry, xs = problem(rng, case, batch=(4,))
    order = rng.permutation(4)
    want = jax.tree.map(lambda a: a[order], rx.unroll(case.cell, params, xs, carry))
    got = rx.unroll(case.cell, params, xs[order], jax.tree.map(lambda a: a[order], carry))
    assert_close(got, want)


@every_cell
def test_derivatives(case, rng):
    """Finite differences, forward and reverse mode, of a smooth function of everything."""
    check_derivatives(case, rng, 1)


@every_cell_of("second derivatives")
def test_second_derivatives(case, rng):
    check_derivatives(case, rng, 2)


def check_derivatives(case, rng, order):
    params, carry, xs = problem(rng, case, steps=3)

    whole = {field: getattr(carry, field) for field in case.counters}  # have no differences

    def f(params, carry, xs):
        carry = carry._replace(**whole) if whole else carry
        last, ys = rx.unroll(case.cell, params, xs, carry)
        return jax.tree.map(jnp.sin, (last, ys))

    # relu and clip have kinks, where a second difference is not a derivative
    if {"relu", 0.4, 0.6} & set(map(str_or_float, vars(case.cell).values())):
        order = 1
    check_grads(f, (params, carry, xs), order, atol=1e-6, rtol=1e-6, eps=1e-5)


def str_or_float(option):
    return option if isinstance(option, str | float) else None


@around_every_cell
def test_every_parameter_receives_a_gradient(case, rng):
    params, carry, xs = problem(rng, case, steps=3)
    cot = jnp.asarray(rng.normal(size=(2, 3, case.cell.out_features)))
    grads = jax.grad(lambda p: jnp.sum(cot * rx.unroll(case.cell, p, xs, carry)[1]))(params)
    for path, g in jax.tree_util.tree_leaves_with_path(grads):
        assert np.any(np.asarray(g) != 0), jax.tree_util.keystr(path)
        assert np.all(np.isfinite(g)), jax.tree_util.keystr(path)


@every_cell
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16, jnp.float32, jnp.float64])
def test_dtype_structure_and_shape_of_the_carry_are_kept(case, dtype, rng):
    params, carry, xs = problem(rng, case, dtype=dtype)
    for given in (carry, None):
        last, ys = rx.unroll(case.cell, params, xs, given)
        assert jax.tree.structure(last) == jax.tree.structure(carry)
        assert [(a.shape, a.dtype) for a in jax.tree.leaves(last)] == [
            (a.shape, jnp.dtype(dtype)) for a in jax.tree.leaves(carry)
        ]
        assert ys.dtype == dtype
        assert np.all(np.isfinite(np.asarray(ys, np.float64)))


@every_cell
def test_no_carry_means_the_zero_carry(case, rng):
    params, _, xs = problem(rng, case)
    zero = case.cell.initial_carry((2,))
    assert all(np.all(np.asarray(a) == 0) for a in jax.tree.leaves(zero))
    assert_identical(rx.unroll(case.cell, params, xs), rx.unroll(case.cell, params, xs, zero))


@every_cell
def test_no_time_steps_give_the_initial_carry_and_empty_outputs(case, rng):
    params, carry, xs = problem(rng, case, steps=1)
    last, ys = rx.unroll(case.cell, params, xs[..., :0, :], carry)
    assert_identical(last, carry)
    assert ys.shape == (2, 0, case.cell.out_features)
    grads = jax.grad(lambda p: jnp.sum(rx.unroll(case.cell, p, xs[..., :0, :], carry)[1]))(params)
    assert all(np.all(np.asarray(g) == 0) for g in jax.tree.leaves(grads))


@around_every_cell
def test_an_empty_batch_gives_empty_outputs(case, rng):
    params, carry, xs = problem(rng, case, batch=(0,))
    last, ys = rx.unroll(case.cell, params, xs, carry)
    assert ys.shape == (0, 4, case.cell.out_features)
    assert [a.shape for a in jax.tree.leaves(last)] == [a.shape for a in jax.tree.leaves(carry)]


@every_cell
def test_equal_specifications_are_equal_and_hash_equal(case):
    twin = dataclasses.replace(case.cell)
    assert twin == case.cell
    assert twin is not case.cell
    assert hash(twin) == hash(case.cell)
    assert dataclasses.replace(case.cell, features=2 * case.cell.features) != case.cell
    assert pickle.loads(pickle.dumps(case.cell)) == case.cell


@around_every_cell
def test_one_trace_for_repeated_calls_with_equal_specifications(case, rng, monkeypatch):
    cls = type(case.cell)
    traces = 0
    original = cls.step

    def counting(self, params, carry, x):
        nonlocal traces
        traces += 1
        return original(self, params, carry, x)

    monkeypatch.setattr(cls, "step", counting)
    # a batch that no other test has, so that nothing is compiled already
    params, carry, xs = problem(rng, case, batch=(7,))
    rx.unroll(dataclasses.replace(case.cell), params, xs, carry)
    first = traces
    assert first > 0
    for _ in range(3):
        params, carry, xs = problem(rng, case, batch=(7,))
        rx.unroll(dataclasses.replace(case.cell), params, xs, carry)
    assert traces == first
    rx.unroll(case.cell, params, xs[:, :2], carry)  # another length is another trace
    assert traces > first


@every_cell
def test_parameters_go_through_dicts_copies_and_pickles(case):
    params = case.cell.init(jax.random.key(3), case.in_features)
    like = case.cell.params_like(case.in_features)
    assert jax.tree.structure(params) == jax.tree.structure(like)
    tree = rx.params_to_dict(params)
    assert_identical(rx.params_from_dict(like, tree), params)
    assert_identical(copy.deepcopy(params), params)
    assert_identical(pickle.loads(pickle.dumps(params)), params)


@around_every_cell
def test_a_sharded_batch_gives_the_same_numbers(case, rng):
    """Eight simulated devices, the batch cut over them."""
    if jax.default_backend() != "cpu":
        pytest.skip("simulated devices are CPUs")
    assert len(jax.devices()) == 8
    params, carry, xs = problem(rng, case, batch=(8,))
    want = rx.unroll(case.cell, params, xs, carry)
    mesh = jax.make_mesh((8,), ("batch",), axis_types=(jax.sharding.AxisType.Auto,))
    rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("batch"))
    carry, xs = jax.device_put((carry, xs), rows)
    got = rx.unroll(case.cell, params, xs, carry)
    assert got[1].sharding.is_equivalent_to(rows, got[1].ndim)
    assert_close(got, want)
