"""``rx.linen``: recurrax cells and Flax's own, against Flax's own layers."""

import flax.linen as nn
import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from tests.all_cells import around_every_cell
from tests.helpers import assert_close, assert_identical, combinations, random_like

FLAX_CELLS = {
    "simple": lambda **o: nn.SimpleCell(5, **o),
    "simple_residual": lambda **o: nn.SimpleCell(3, residual=True, **o),
    "lstm": lambda **o: nn.LSTMCell(5, **o),
    "optimized_lstm": lambda **o: nn.OptimizedLSTMCell(5, **o),
    "gru": lambda **o: nn.GRUCell(5, **o),
    "mgu": lambda **o: nn.MGUCell(5, **o),
    "mgu_no_reset": lambda **o: nn.MGUCell(5, reset_gate=False, **o),
}
every_flax_cell = pytest.mark.parametrize("make", FLAX_CELLS.values(), ids=FLAX_CELLS)


def double(make):
    return make(param_dtype=jnp.float64, dtype=jnp.float64)


@every_flax_cell
def test_a_flax_cell_has_the_parameter_tree_of_flax(make, rng):
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)))
    key = jax.random.key(int(rng.integers(1000)))
    ours, theirs = rx.linen.RNN(double(make)), nn.RNN(double(make))
    assert_identical(ours.init(key, xs), theirs.init(key, xs))


@pytest.mark.parametrize(
    ("name", "reverse", "keep_order"),
    combinations(
        FLAX_CELLS,
        [False, True],
        [False, True],
        quick=lambda name, reverse, keep_order: name == "lstm" or reverse != keep_order,
    ),
)
def test_a_flax_checkpoint_gives_the_outputs_and_gradients_of_flax(name, reverse, keep_order, rng):
    make = FLAX_CELLS[name]
    options = {"return_carry": True, "reverse": reverse, "keep_order": keep_order}
    ours, theirs = rx.linen.RNN(double(make), **options), nn.RNN(double(make), **options)
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)))
    variables = random_like(rng, theirs.init(jax.random.key(0), xs))
    # through the bytes of a checkpoint, read into our module's tree
    template = ours.init(jax.random.key(1), xs)
    loaded = flax.serialization.from_bytes(template, flax.serialization.to_bytes(variables))
    loaded = jax.tree.map(jnp.asarray, loaded)
    carry = random_like(rng, theirs.apply(variables, xs)[0])

    def loss(layer):
        def f(variables, xs, carry):
            last, ys = layer.apply(variables, xs, initial_carry=carry)
            outputs = jax.tree.leaves((last, ys))
            total = sum(jnp.sum(jnp.sin(a) * a) for a in outputs)
            return total, (last, ys)

        return jax.value_and_grad(f, argnums=(0, 1, 2), has_aux=True)

    assert_close(loss(ours)(loaded, xs, carry), loss(theirs)(variables, xs, carry), 1e-12)


@every_flax_cell
def test_time_major_and_call_time_overrides_are_those_of_flax(make, rng):
    ours, theirs = rx.linen.RNN(double(make)), nn.RNN(double(make))
    xs = jnp.asarray(rng.normal(size=(4, 2, 3)))
    call = {"time_major": True, "return_carry": True, "reverse": True, "keep_order": True}
    variables = theirs.init(jax.random.key(0), xs, time_major=True)
    assert_close(ours.apply(variables, xs, **call), theirs.apply(variables, xs, **call))


def test_conv_lstm_keeps_its_spatial_axes(rng):
    cell = nn.ConvLSTMCell(2, kernel_size=(3, 3), param_dtype=jnp.float64, dtype=jnp.float64)
    ours, theirs = rx.linen.RNN(cell), nn.RNN(cell)
    xs = jnp.asarray(rng.normal(size=(2, 3, 5, 4, 1)))
    variables = theirs.init(jax.random.key(0), xs)
    assert_identical(ours.init(jax.random.key(0), xs), variables)
    assert_close(ours.apply(variables, xs), theirs.apply(variables, xs))


def test_the_tree_inside_a_compact_module_is_that_of_flax(rng):
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)), jnp.float32)

    def model(layer):
        class Model(nn.Module):
            @nn.compact
            def __call__(self, xs):
                ys = layer(nn.LSTMCell(5))(xs)
                return nn.Dense(1)(layer(nn.GRUCell(4), name="second")(ys))

        return Model()

    ours, theirs = model(rx.linen.RNN), model(nn.RNN)
    variables = theirs.init(jax.random.key(0), xs)
    assert_identical(ours.init(jax.random.key(0), xs), variables)
    assert_close(ours.apply(variables, xs), theirs.apply(variables, xs), 1e-6)


def test_the_tree_of_a_recurrax_cell_is_owned_by_the_layer(rng):
    class Model(nn.Module):
        @nn.compact
        def __call__(self, xs):
            return rx.linen.RNN(rx.GRU(4), name="gru")(rx.linen.RNN(rx.LSTM(5))(xs))

    params = Model().init(jax.random.key(0), jnp.ones((2, 4, 3), jnp.float32))["params"]
    assert set(params) == {"RNN_0", "gru"}
    assert set(params["RNN_0"]) == {"cell"}
    assert set(params["RNN_0"]["cell"]) == {"W", "U", "b"}
    assert set(params["RNN_0"]["cell"]["W"]) == set("ifgo")


@around_every_cell
def test_a_recurrax_cell_equals_unroll(case, rng):
    layer = rx.linen.RNN(case.cell, param_dtype=jnp.float64, return_carry=True)
    xs = jnp.asarray(rng.normal(size=(2, 4, case.in_features)))
    variables = random_like(rng, layer.init(jax.random.key(0), xs))
    carry = random_like(rng, case.cell.initial_carry((2,)))
    like = case.cell.params_like(case.in_features)

    def ours(variables, xs, carry):
        return layer.apply(variables, xs, initial_carry=carry)

    def functions(variables, xs, carry):
        params = rx.params_from_dict(like, variables["params"]["cell"])
        return rx.unroll(case.cell, params, xs, carry)

    assert_close(ours(variables, xs, carry), functions(variables, xs, carry))
    weight = jnp.asarray(rng.normal(size=(2, 4, case.cell.out_features)))
    gradients = [
        jax.grad(lambda *a, f=f: jnp.sum(weight * f(*a)[1]), (0, 1, 2))(variables, xs, carry)
        for f in (ours, functions)
    ]
    assert_close(*gradients)


@around_every_cell
def test_a_recurrax_cell_works_inside_flax_rnn(case, rng):
    xs = jnp.asarray(rng.normal(size=(2, 3, 4, case.in_features)))  # two batch axes
    theirs = nn.RNN(rx.linen.Cell(case.cell, jnp.float64), return_carry=True)
    ours = rx.linen.RNN(case.cell, param_dtype=jnp.float64, return_carry=True)
    variables = theirs.init(jax.random.key(0), xs)
    assert_identical(variables, ours.init(jax.random.key(0), xs))
    assert_close(ours.apply(variables, xs), theirs.apply(variables, xs))
    names = {a: getattr(theirs.cell, a) for a in ("num_feature_axes",)}
    assert names == {"num_feature_axes": 1}


def test_bidirectional_of_flax_takes_our_layers(rng):
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)))
    layers = [rx.linen.RNN(rx.GRU(5), param_dtype=jnp.float64) for _ in range(2)]
    both = nn.Bidirectional(*layers)
    variables = both.init(jax.random.key(0), xs)
    ys = both.apply(variables, xs)
    like = rx.GRU(5).params_like(3)
    for name, part, reverse in (
        ("forward_rnn", ys[..., :5], False),
        ("backward_rnn", ys[..., 5:], True),
    ):
        params = rx.params_from_dict(like, variables["params"][name]["cell"])
        assert_close(part, rx.unroll(rx.GRU(5), params, xs, reverse=reverse)[1])


def test_the_initial_values_are_those_of_the_preset(rng):
    layer = rx.linen.RNN(rx.LSTM(5, preset="keras"))
    params = layer.init(jax.random.key(0), jnp.ones((2, 4, 3), jnp.float32))["params"]["cell"]
    assert np.all(np.asarray(params["b"]["f"]) == 1)
    assert np.all(np.asarray(params["b"]["i"]) == 0)
    for kernel in jax.tree.leaves(params):
        assert kernel.dtype == jnp.float32


@pytest.mark.parametrize("transform", [jax.jit, jax.checkpoint, lambda f: f])
def test_under_transformations(transform, rng):
    layer = rx.linen.RNN(rx.LSTM(5), param_dtype=jnp.float64)
    xs = jnp.asarray(rng.normal(size=(6, 2, 4, 3)))
    variables = layer.init(jax.random.key(0), xs[0])

    def loss(variables, xs):
        return jnp.sum(layer.apply(variables, xs) ** 2)

    got = jax.vmap(jax.grad(transform(loss)), (None, 0))(variables, xs)
    want = [jax.grad(loss)(variables, x) for x in xs]
    assert_close(got, jax.tree.map(lambda *a: jnp.stack(a), *want))


def test_no_time_steps(rng):
    layer = rx.linen.RNN(rx.GRU(5), return_carry=True)
    xs = jnp.zeros((2, 0, 3), jnp.float32)
    variables = layer.init(jax.random.key(0), xs)
    carry, ys = layer.apply(variables, xs)
    assert ys.shape == (2, 0, 5)
    assert np.all(np.asarray(carry.h) == 0)


def test_partitioned_kernels_are_unboxed(rng):
    """A cell of Flax with sharding metadata on its kernels."""
    init = nn.with_partitioning(nn.initializers.lecun_normal(), (None, "model"))
    ours, theirs = (layer(nn.LSTMCell(5, kernel_init=init)) for layer in (rx.linen.RNN, nn.RNN))
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)), jnp.float32)
    variables = theirs.init(jax.random.key(0), xs)
    assert isinstance(variables["params"]["cell"]["ii"]["kernel"], nn.Partitioned)
    assert_close(ours.apply(variables, xs), theirs.apply(variables, xs), 1e-6)


def test_a_cell_shared_between_two_layers_has_the_tree_of_flax(rng):
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)))

    def model(layer):
        class Both(nn.Module):
            def setup(self):
                cell = nn.GRUCell(5, param_dtype=jnp.float64, dtype=jnp.float64)
                self.forward = layer(cell)
                self.backward = layer(cell, reverse=True, keep_order=True)

            def __call__(self, xs):
                return self.forward(xs) + self.backward(xs)

        return Both()

    ours, theirs = model(rx.linen.RNN), model(nn.RNN)
    variables = theirs.init(jax.random.key(0), xs)
    assert_identical(ours.init(jax.random.key(0), xs), variables)
    assert_close(ours.apply(variables, xs), theirs.apply(variables, xs))


def test_under_the_transformations_of_flax(rng):
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)))
    plain = rx.linen.RNN(rx.LSTM(5), param_dtype=jnp.float64)
    variables = plain.init(jax.random.key(0), xs)
    for transform in (nn.jit, nn.remat):
        layer = transform(rx.linen.RNN)(rx.LSTM(5), param_dtype=jnp.float64)
        assert_close(layer.apply(variables, xs), plain.apply(variables, xs))
    ensemble = nn.vmap(
        rx.linen.RNN,
        in_axes=None,
        variable_axes={"params": 0},
        split_rngs={"params": True},
        axis_size=3,
    )(rx.LSTM(5), param_dtype=jnp.float64)
    members = ensemble.init(jax.random.key(0), xs)
    got = ensemble.apply(members, xs)
    for n in range(3):
        one = jax.tree.map(lambda a, n=n: a[n], members)
        assert_close(got[n], plain.apply(one, xs))
    assert not np.allclose(got[0], got[1])


def test_a_rematerialised_cell_of_flax(rng):
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)))
    cell = nn.remat(nn.LSTMCell)(5, param_dtype=jnp.float64, dtype=jnp.float64)
    ours, theirs = rx.linen.RNN(cell), nn.RNN(cell)
    variables = theirs.init(jax.random.key(0), xs)
    assert_identical(ours.init(jax.random.key(0), xs), variables)
    grads = [
        jax.grad(lambda v, m=m: jnp.sum(m.apply(v, xs) ** 2))(variables) for m in (ours, theirs)
    ]
    assert_close(*grads)
