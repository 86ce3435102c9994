"""The sequence engine through the Flax layers: arguments, random streams, carries, shardings."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import recurrax as rx
from tests.helpers import assert_close, assert_identical, random_like

XS = jnp.asarray(np.random.default_rng(0).normal(size=(3, 6, 2)), jnp.float64)
LENGTHS = np.array([6, 0, 4])
LAYER = rx.Stack((rx.Bidirectional(rx.LSTM(4)), rx.Dropout(0.4), rx.Bidirectional(rx.GRU(3))))


def linen_layer(cell, **options):
    """A layer as a function of its inputs, and the parameters it has."""
    layer = rx.linen.RNN(cell, param_dtype=jnp.float64, **options)
    variables = layer.init(jax.random.key(0), XS, deterministic=True)
    params = rx.params_from_dict(cell.params_like(2), variables["params"]["cell"])

    def run(xs, dropout=None, **call):
        rngs = {} if dropout is None else {"dropout": jax.random.key(dropout)}
        return layer.apply(variables, xs, rngs=rngs, **call)

    return run, params


def nnx_layer(cell, **options):
    layer = rx.nnx.RNN(cell, 2, rngs=nnx.Rngs(0), param_dtype=jnp.float64, **options)

    def run(xs, dropout=None, **call):
        rngs = None if dropout is None else nnx.Rngs(dropout=dropout)
        return layer(xs, rngs=rngs, **call)

    return run, layer.cell.params()


both = pytest.mark.parametrize("make", [linen_layer, nnx_layer], ids=["linen", "nnx"])


@both
@pytest.mark.parametrize("cell", [rx.LSTM(4), LAYER, rx.LearnedCarry(rx.GRU(4))], ids=repr)
def test_layers_run_what_unroll_runs(make, cell, rng):
    run, params = make(cell, return_carry=True, deterministic=True)
    resets, mask = rng.random((3, 6)) < 0.3, rng.random((3, 6)) < 0.6
    start = random_like(rng, cell.initial_carry((3,)))
    xs = XS.at[1].set(jnp.nan).at[2, 4:].set(jnp.inf)
    for call, given in (
        ({"seq_lengths": LENGTHS}, {"lengths": LENGTHS}),
        ({"seq_lengths": LENGTHS, "initial_carry": start}, {"lengths": LENGTHS, "carry": start}),
    ):
        assert_close(run(xs, **call), rx.unroll(cell, params, xs, **given))
    given = {"mask": mask, "resets": resets, "reset_carry": start}
    assert_close(run(XS, **given), rx.unroll(cell, params, XS, **given))
    given = {"pad": "hold", "lengths": LENGTHS}
    held, params = make(cell, pad="hold", return_carry=True, deterministic=True)
    assert_close(held(XS, seq_lengths=LENGTHS), rx.unroll(cell, params, XS, **given))


@both
def test_reversed_outputs_come_as_in_flax_unless_asked(make):
    run, params = make(rx.GRU(4), reverse=True)
    options = {"lengths": LENGTHS, "reverse": True}
    processing = rx.unroll(rx.GRU(4), params, XS, order="processing", **options)[1]
    assert_identical(run(XS, seq_lengths=LENGTHS), processing)
    inputs = rx.unroll(rx.GRU(4), params, XS, **options)[1]
    assert_identical(run(XS, seq_lengths=LENGTHS, keep_order=True), inputs)
    time_major = run(jnp.moveaxis(XS, 1, 0), seq_lengths=LENGTHS, keep_order=True, time_major=True)
    assert_close(jnp.moveaxis(time_major, 0, 1), inputs)


@both
def test_dropout_takes_its_key_from_flax(make):
    run, params = make(LAYER)
    one = run(XS, dropout=1, deterministic=False)
    assert_identical(run(XS, dropout=1, deterministic=False), one)
    assert not np.array_equal(run(XS, dropout=2, deterministic=False), one)
    assert_identical(run(XS, deterministic=True), rx.unroll(LAYER, params, XS)[1])


def test_train_and_eval_of_an_nnx_model():
    layer = rx.nnx.RNN(LAYER, 2, rngs=nnx.Rngs(0), deterministic=False)
    xs = XS.astype(jnp.float32)
    layer.eval()
    assert_identical(layer(xs), layer(xs))
    layer.train()
    rngs = nnx.Rngs(dropout=0)
    assert not np.array_equal(layer(xs, rngs=rngs), layer(xs, rngs=rngs))
    # Nothing in the state that a checkpoint cannot hold.
    kinds = {type(v) for _, v in nnx.to_flat_state(nnx.state(layer))}
    assert kinds == {nnx.Param}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "cell",
    [nn.SimpleCell(4), nn.LSTMCell(4), nn.GRUCell(4), nn.MGUCell(4)],
    ids=lambda c: c.name or type(c).__name__,
)
def test_flax_cells_have_lengths_that_are_safe(cell, reverse, as_users_have_it):
    """Rows of length 0, NaN in the padding, two batch axes: what nn.RNN gets wrong."""
    xs = XS.astype(jnp.float32)
    layer = rx.linen.RNN(cell.copy(), return_carry=True, reverse=reverse, keep_order=True)
    variables = layer.init(jax.random.key(0), xs)
    bad = xs.at[1].set(jnp.nan).at[2, 4:].set(jnp.inf)

    def loss(variables, xs):
        carry, ys = layer.apply(variables, xs, seq_lengths=LENGTHS)
        return jnp.sum(ys**2) + sum(jnp.sum(a) for a in jax.tree.leaves(carry)), (carry, ys)

    gradient = jax.value_and_grad(loss, has_aux=True, argnums=(0, 1))
    got, want = gradient(variables, bad), gradient(variables, xs)
    assert_identical(got, want)
    (_, (carry, ys)), _ = got
    alone = layer.apply(variables, xs[2:, :4])
    assert_close((jax.tree.map(lambda a: a[2:], carry), ys[2:, :4]), alone, 1e-6)
    assert all(np.all(np.asarray(a[1]) == 0) for a in jax.tree.leaves(carry))
    twice = layer.apply(variables, jnp.stack([xs, xs]), seq_lengths=np.stack([LENGTHS] * 2))
    assert_close(jax.tree.map(lambda a: a[0], twice), (carry, ys), 1e-6)


def test_flax_bidirectional_over_recurrax_layers(as_users_have_it):
    """nn.Bidirectional drives rx.linen.RNN as it drives nn.RNN."""
    xs = XS.astype(jnp.float32)
    layer = nn.Bidirectional(rx.linen.RNN(nn.GRUCell(4)), rx.linen.RNN(rx.GRU(3)))
    bare = nn.Bidirectional(nn.RNN(nn.GRUCell(4)), nn.RNN(rx.linen.Cell(rx.GRU(3))))
    variables = layer.init(jax.random.key(0), xs)
    lengths = jnp.array([6, 2, 4])
    valid = np.arange(6)[:, None] < np.asarray(lengths)[:, None, None]
    got, want = (
        jnp.where(valid, m.apply(variables, xs, seq_lengths=lengths), 0) for m in (layer, bare)
    )
    assert_close(got, want, 1e-6)


def test_kernels_carry_the_names_of_mesh_axes(as_users_have_it):
    part = {"W": (None, "model"), "U": (None, "model"), "b": ("model",)}
    stack = rx.Stack((rx.LSTM(8), rx.GRU(8)))
    xs = jnp.ones((8, 4, 3))
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(jax.sharding.AxisType.Auto,) * 2)
    P = jax.sharding.PartitionSpec
    layer = rx.linen.RNN(stack, partitioning=part)
    variables = layer.init(jax.random.key(0), xs)
    specs = nn.get_partition_spec(variables)["params"]["cell"]
    assert specs["0"]["U"]["f"] == specs["1"]["W"]["n"] == P(None, "model")
    assert specs["0"]["b"]["f"] == P("model")
    want = rx.linen.RNN(stack).apply(nn.unbox(variables), xs)
    assert_close(layer.apply(variables, xs), want, 1e-6)
    with jax.set_mesh(mesh):
        layer = rx.nnx.RNN(rx.LSTM(8), 3, rngs=nnx.Rngs(0), partitioning=part)
        assert layer.cell.U["f"][...].sharding.spec == P(None, "model")
        assert layer(xs).shape == (8, 4, 8)


def test_learned_carries_are_parameters(as_users_have_it):
    xs = XS.astype(jnp.float32)
    layer = rx.linen.RNN(rx.LearnedCarry(rx.LSTM(4)))
    variables = layer.init(jax.random.key(0), xs)
    assert variables["params"]["cell"]["carry"]["c"].shape == (4,)
    grads = jax.grad(lambda v: jnp.sum(layer.apply(v, xs) ** 2))(variables)
    assert np.any(np.asarray(grads["params"]["cell"]["carry"]["c"]) != 0)
    state = nnx.state(rx.nnx.RNN(rx.LearnedCarry(rx.GRU(4)), 2, rngs=nnx.Rngs(0)))
    assert state["cell"]["carry"]["h"][...].shape == (4,)


@both
def test_one_trace_for_all_lengths(make, rng):
    run, _ = make(rx.GRU(4))
    chex.clear_trace_counter()

    @jax.jit
    @chex.assert_max_traces(n=1)
    def call(xs, lengths):
        return run(xs, seq_lengths=lengths)

    for _ in range(20):
        call(XS, rng.integers(0, 7, 3))
