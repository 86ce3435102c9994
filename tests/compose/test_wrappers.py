"""Cells made of cells: stacks, directions, skips, learned carries, weight norm."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from recurrax.cell.naming import name_of
from tests.all_cells import around_every_cell
from tests.helpers import assert_close, assert_identical, random_like

pytestmark = pytest.mark.once

H = 4
LSTM, GRU = rx.LSTM(H), rx.GRU(H)


def draw(rng, layer, in_features=3, batch=(2,), steps=6):
    params = random_like(rng, layer.params_like(in_features))
    xs = jnp.asarray(rng.normal(size=(*batch, steps, in_features)))
    return params, random_like(rng, layer.initial_carry(batch)), xs


# --- stacks ---

STACKS = {
    "plain": rx.Stack((LSTM, GRU, rx.Elman(5))),
    "dense": rx.Stack((LSTM, GRU, rx.Elman(5)), skip="dense"),
    "residual": rx.Stack((LSTM, rx.Residual(GRU), rx.Residual(rx.LSTM(H, peephole="full")))),
    "projection": rx.Stack((rx.LSTM(7), rx.Dense(2), GRU, rx.Dense(3, use_bias=False))),
    "nested": rx.Stack((rx.Stack((LSTM, LSTM), skip="dense"), rx.Residual(rx.Stack((rx.GRU(8),))))),
}


def by_hand(name, params, carry, xs):
    """The same by one run per layer, written out."""

    def run(cell, i, x):
        return rx.unroll(cell, params[i], x, carry[i])

    if name == "plain":
        a, x = run(LSTM, 0, xs)
        b, x = run(GRU, 1, x)
        c, x = run(rx.Elman(5), 2, x)
        return (a, b, c), x
    if name == "dense":  # hk.deep_rnn_with_skip_connections
        a, y1 = run(LSTM, 0, xs)
        b, y2 = run(GRU, 1, jnp.concatenate([xs, y1], -1))
        c, y3 = run(rx.Elman(5), 2, jnp.concatenate([xs, y2], -1))
        return (a, b, c), jnp.concatenate([y1, y2, y3], -1)
    if name == "residual":
        a, x = run(LSTM, 0, xs)
        b, y = run(GRU, 1, x)
        x = x + y
        c, y = run(rx.LSTM(H, peephole="full"), 2, x)
        return (a, b, c), x + y
    if name == "projection":
        a, x = run(rx.LSTM(7), 0, xs)
        x = x @ params[1].W + params[1].b[None, None]
        b, x = run(GRU, 2, x)
        return (a, (), b, ()), x @ params[3].W
    (p0, p1), ((q,)) = params[0], params[1]
    a, y1 = rx.unroll(LSTM, p0, xs, carry[0][0])
    b, y2 = rx.unroll(LSTM, p1, jnp.concatenate([xs, y1], -1), carry[0][1])
    x = jnp.concatenate([y1, y2], -1)
    c, y = rx.unroll(rx.GRU(8), q, x, carry[1][0])
    return ((a, b), (c,)), x + y


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_is_its_layers_one_after_the_other(name, rng):
    stack = STACKS[name]
    params, carry, xs = draw(rng, stack)
    want = by_hand(name, params, carry, xs)
    got = rx.unroll(stack, params, xs, carry)
    assert_close(got, want)
    cot = random_like(rng, got)
    pulls = [
        jax.vjp(f, params, xs, carry)[1](cot)
        for f in (
            lambda p, x, c: rx.unroll(stack, p, x, c),
            lambda p, x, c: by_hand(name, p, c, x),
        )
    ]
    assert_close(*pulls)
    ys = []
    for t in range(xs.shape[1]):  # streaming
        carry, y = stack.step(params, carry, xs[:, t])
        ys.append(y)
    assert_close((carry, jnp.stack(ys, 1)), want)
    assert ys[0].shape[-1] == stack.out_features == stack.out_size(3)


def test_a_stack_has_one_loop_per_layer():
    stack = STACKS["plain"]
    params = stack.init(jax.random.key(0), 3)

    def step(carry, x):
        return stack.step(params, carry, x)

    steps = jax.ShapeDtypeStruct((64, 2, 3), jnp.float64)
    plan = rx.explain(step, stack.initial_carry((2,)), steps)
    assert plan.method == "chunked"
    assert [loop.matmuls for loop in plan.forward.loops] != []
    assert len(plan.forward.loops) == 3


# --- both directions ---


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "mean", None])
@pytest.mark.parametrize("backward", [None, GRU], ids=["one loop", "two loops"])
def test_bidirectional_is_a_run_and_a_reversed_run(backward, merge, rng):
    layer = rx.Bidirectional(LSTM, backward, merge=merge)
    params, carry, xs = draw(rng, layer, batch=(3,))
    lengths = np.array([6, 0, 4])
    resets = rng.random((3, 6)) < 0.3
    mask = rng.random((3, 6)) < 0.6
    start = random_like(rng, carry)
    merges = {
        "concat": lambda a, b: np.concatenate([a, b], -1),
        "sum": np.add,
        "mul": np.multiply,
        "mean": lambda a, b: 0.5 * (a + b),
        None: lambda a, b: (a, b),
    }

    def both(params, xs, carry, run=rx.unroll, **options):
        runs = []
        for part, reverse in (("forward", False), ("backward", True)):
            now = dict(options)
            if "reset_carry" in now:
                now["reset_carry"] = getattr(start, part)
            runs.append(
                run(
                    getattr(layer, part),
                    getattr(params, part),
                    xs,
                    getattr(carry, part) if carry is not None else None,
                    reverse=reverse,
                    **now,
                )
            )
        return type(start)(runs[0][0], runs[1][0]), (runs[0][1], runs[1][1])

    for given, options in (
        (carry, {}),
        (None, {"lengths": lengths}),
        (carry, {"mask": mask, "resets": resets}),
        (carry, {"lengths": lengths, "resets": resets, "reset_carry": start}),
        (carry, {"mask": mask}),
    ):
        got = rx.unroll(layer, params, xs, given, **options)
        last, pair = both(params, xs, given, **options)
        assert_close(got, jax.tree.map(jnp.asarray, (last, merges[merge](*pair))))
        last, (carries, ys) = rx.unroll_carries(layer, params, xs, given, **options)
        assert_close((last, ys), got)
        _, every = both(params, xs, given, run=rx.unroll_carries, **options)
        assert_close(carries, type(start)(every[0][0], every[1][0]))
    options = {"lengths": lengths, "resets": resets, "reset_carry": start}
    if merge == "concat":
        pulls = [
            jax.vjp(f, params, xs, carry)
            for f in (
                lambda p, x, c: rx.unroll(layer, p, x, c, **options),
                lambda p, x, c: (lambda r: (r[0], jnp.concatenate(r[1], -1)))(
                    both(p, x, c, **options)
                ),
            )
        ]
        cot = random_like(rng, pulls[0][0])
        assert_close(pulls[0][1](cot), pulls[1][1](cot))


def test_both_directions_of_one_cell_share_a_loop():
    """One recurrence for two members; two different cells have one each."""

    def recurrences(layer):
        params = layer.init(jax.random.key(0), 3)
        jaxpr = jax.make_jaxpr(lambda xs: rx.unroll(layer, params, xs))(jnp.ones((2, 32, 3)))
        return str(jaxpr).count("= recurrence[")

    assert recurrences(rx.Bidirectional(LSTM)) == 1
    assert recurrences(rx.Bidirectional(LSTM, rx.LSTM(H, couple=True))) == 2


def test_a_deep_bidirectional_stack_in_reverse_mirrors_time(rng):
    """It is the same model over the sequence turned round."""
    layer = rx.Stack((rx.Bidirectional(LSTM, merge="sum"), rx.Bidirectional(GRU, merge="mean")))
    params, _, xs = draw(rng, layer)
    lengths = np.array([6, 4])
    mask = np.arange(6) < lengths[:, None]
    (there, back), ys = rx.unroll(layer, params, xs, lengths=lengths, reverse=True)
    _, want = rx.unroll(layer, params, xs[:, ::-1], mask=mask[:, ::-1])
    assert_close(ys, want[:, ::-1])
    assert type(there) is type(back) is rx.Bidirectional.Carry


@pytest.mark.parametrize("pad", ["zero", "hold"])
def test_padding_of_a_deep_bidirectional_stack(pad, rng):
    layer = rx.Stack((rx.Bidirectional(LSTM), rx.Residual(rx.Bidirectional(GRU))))
    params, _, xs = draw(rng, layer)
    lengths = np.array([6, 3])
    xs = xs.at[1, 3:].set(jnp.nan)
    _, ys = rx.unroll(layer, params, xs, lengths=lengths, pad=pad)
    _, want = rx.unroll(layer, params, xs[1:, :3])
    assert_close(ys[1, :3], want[0])
    after = jnp.zeros_like(ys[1, 3:]) if pad == "zero" else jnp.stack([ys[1, 2]] * 3)
    assert_identical(ys[1, 3:], after)


# --- learned carries, weight norm ---


def test_a_learned_carry_receives_the_gradient_of_all_rows(rng):
    cell = rx.LearnedCarry(LSTM)
    params, _, xs = draw(rng, cell, batch=(3,))
    lengths = np.array([6, 2, 0])
    resets = np.zeros((3, 6), bool)
    resets[0, 3] = True
    cot = jnp.asarray(rng.normal(size=(3, 6, H)))

    def loss(params, start):
        carry = None if start is None else start
        inner = params if start is None else params.cell
        used = cell if start is None else LSTM
        last, ys = rx.unroll(used, inner, xs, carry, lengths=lengths, resets=resets)
        return jnp.sum(cot * ys) + jnp.sum(last.c)

    start = cell.initial_carry_from(params, (3,))
    assert_close(loss(params, None), loss(params, start))
    by_row = jax.grad(loss, argnums=1)(params, start)
    got = jax.grad(loss)(params, None).carry
    assert_close(got, jax.tree.map(lambda a: a.sum(0), by_row))
    assert all(np.any(np.asarray(a) != 0) for a in jax.tree.leaves(got))


def test_weight_norm_is_direction_times_gain(rng):
    cell = rx.WeightNorm(LSTM)
    fresh = cell.init(jax.random.key(0), 3)
    xs = jnp.asarray(rng.normal(size=(2, 5, 3)))
    assert_close(rx.unroll(cell, fresh, xs), rx.unroll(LSTM, fresh.cell, xs))
    params = random_like(rng, fresh)
    kernels = {}
    for gate, V in params.cell.U.items():
        V, g = np.asarray(V), np.asarray(params.gain["U"][gate])
        kernels[gate] = jnp.asarray(g * V / np.linalg.norm(V, axis=0))
    plain = params.cell._replace(U=rx.Gates(params.cell.U.axes, **kernels))
    assert_close(rx.unroll(cell, params, xs), rx.unroll(LSTM, plain, xs))
    scaled = params._replace(
        cell=params.cell._replace(U=jax.tree.map(lambda V: 3 * V, params.cell.U))
    )
    assert_close(rx.unroll(cell, scaled, xs), rx.unroll(cell, params, xs))


def test_weight_norm_is_done_once_for_a_run():
    cell = rx.WeightNorm(LSTM)
    params = cell.init(jax.random.key(0), 3)

    def step(carry, x):
        return cell.step(params, carry, x)

    def bare(carry, x):
        return LSTM.step(params.cell, carry, x)

    steps = jax.ShapeDtypeStruct((64, 2, 3), jnp.float64)
    plans = [rx.explain(f, LSTM.initial_carry((2,)), steps).forward for f in (step, bare)]
    assert [loop.operations for loop in plans[0].loops] == [
        loop.operations for loop in plans[1].loops
    ]


# --- specifications ---

PARTS = {
    "stack": STACKS["nested"],
    "bidirectional": rx.Bidirectional(LSTM),
    "zoneout": rx.Zoneout(LSTM, {"c": 0.5, "h": 0.1}),
    "dropout": rx.Stack(
        (LSTM, rx.Dropout(0.1), rx.VariationalDropout(GRU, input=0.1, recurrent=0.2))
    ),
    "wrapped": rx.LearnedCarry(rx.WeightNorm(rx.DropConnect(rx.RecurrentDropout(LSTM, 0.1), 0.2))),
}


@pytest.mark.parametrize("layer", PARTS.values(), ids=PARTS)
def test_composed_specifications_are_values(layer, rng):
    import copy
    import pickle

    twin = pickle.loads(pickle.dumps(layer))
    assert twin == layer == copy.deepcopy(layer)
    assert hash(twin) == hash(layer)
    assert repr(layer).startswith(name_of(layer).removeprefix("rx."))
    params, carry, xs = draw(rng, layer)
    last, ys = rx.unroll(layer, params, xs, carry)
    assert jax.tree.structure(last) == jax.tree.structure(carry)
    assert ys.shape == (2, 6, layer.out_features)
    like = rx.params_to_dict(params)
    assert_identical(rx.params_from_dict(layer.params_like(3), like), params)


@pytest.mark.parametrize(
    "operator", [rx.Diagonal(), rx.BlockDiagonal(2), rx.LowRank(2), rx.Masked(((1, 1), (0, 1)))]
)
@pytest.mark.parametrize("kind", ["variational", "per gate", "drop connect", "zoneout"])
def test_noise_on_operators_is_noise_on_the_matrices_that_they_stand_for(operator, kind, rng):
    """At rate 0 nothing changes; and a mask on h meets whatever h is multiplied with."""
    cell = rx.LSTM(4, recurrent=operator)
    wrap = {
        "variational": lambda rate: rx.VariationalDropout(cell, input=rate, recurrent=rate),
        "per gate": lambda rate: rx.VariationalDropout(cell, recurrent=rate, per_gate=True),
        "drop connect": lambda rate: rx.DropConnect(cell, rate),
        "zoneout": lambda rate: rx.Zoneout(cell, rate),
    }[kind]
    params, _, xs = draw(rng, cell)
    _, want = rx.unroll(cell, params, xs)
    key = jax.random.key(0)
    assert_close(rx.unroll(wrap(0.0), params, xs, key=key)[1], want)
    _, ys = rx.unroll(wrap(0.5), params, xs, key=key)
    assert np.all(np.isfinite(ys))
    assert np.any(np.abs(np.asarray(ys - want)) > 1e-3)


def test_convolutional_cells_in_wrappers(rng):
    """A learned carry is shared by all places; zoneout keeps some of them."""
    cell = rx.LearnedCarry(rx.Zoneout(rx.ConvLSTM(2, (3,), strides=2), 0.3))
    params = random_like(rng, cell.params_like(3))
    assert params.carry.h.shape == (2,)
    xs = jnp.asarray(rng.normal(size=(2, 6, 5, 3)))
    start = cell.initial_carry_from(params, (2, 5))
    assert start.h.shape == (2, 3, 2)
    got = rx.unroll(cell, params, xs, time_axis=1)
    assert_close(got, rx.unroll(cell, params, xs, start, time_axis=1))
    grads = jax.grad(
        lambda p: jnp.sum(rx.unroll(cell, p, xs, time_axis=1, key=jax.random.key(1))[1] ** 2)
    )(params)
    assert all(np.any(np.asarray(g) != 0) for g in jax.tree.leaves(grads))


def test_a_carry_learned_for_a_stack_whose_strides_shrink_the_space(rng):
    """Every part of the carry has the space of its own layer."""
    cell = rx.LearnedCarry(rx.Stack((rx.ConvLSTM(2, (3,), strides=2), rx.ConvGRU(4, (3,)))))
    params = random_like(rng, cell.params_like(3))
    below, above = cell.initial_carry_from(params, (2, 7))
    assert (below.h.shape, above.h.shape) == ((2, 4, 2), (2, 4, 4))
    xs = jnp.asarray(rng.normal(size=(2, 6, 7, 3)))
    assert_close(
        rx.unroll(cell, params, xs, time_axis=1),
        rx.unroll(cell, params, xs, (below, above), time_axis=1),
    )


@around_every_cell
def test_every_cell_stacks_and_turns(case, rng):
    """A stack, both directions, a residual and a zoneout of every cell, with a gradient."""
    cell = case.cell
    parts = (rx.Zoneout(cell, 0.1), rx.Dense(case.in_features), rx.LearnedCarry(cell))
    layer = rx.Bidirectional(rx.Stack(parts), merge="sum")
    params, _, xs = draw(rng, layer, case.in_features)
    params = jax.tree_util.tree_map_with_path(  # a clock that is learned strikes at a whole number
        lambda path, a: 0 * a if jax.tree_util.keystr(path).endswith(".t") else a, params
    )
    grads = jax.grad(lambda p: jnp.sum(rx.unroll(layer, p, xs, lengths=np.array([6, 4]))[1] ** 2))(
        params
    )
    for path, g in jax.tree_util.tree_leaves_with_path(grads):
        # the flag of an RG-LRU, which is 0 or not, and the counters of a Clockwork network
        flag = jax.tree_util.keystr(path).endswith((".started", ".t"))
        assert flag or np.any(np.asarray(g) != 0), jax.tree_util.keystr(path)
