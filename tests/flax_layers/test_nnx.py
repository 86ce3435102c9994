"""``rx.nnx``: recurrax cells and Flax's own nnx cells, against Flax's own layer."""

from dataclasses import dataclass

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import recurrax as rx
from tests.all_cells import around_every_cell
from tests.helpers import assert_close, random_like

FLAX_CELLS = {
    "simple": nnx.SimpleCell,
    "lstm": nnx.LSTMCell,
    "optimized_lstm": nnx.OptimizedLSTMCell,
    "gru": nnx.GRUCell,
}
every_flax_cell = pytest.mark.parametrize("make", FLAX_CELLS.values(), ids=FLAX_CELLS)


def flax_cell(make, rng):
    cell = make(3, 5, rngs=nnx.Rngs(0), param_dtype=jnp.float64, dtype=jnp.float64)
    nnx.update(cell, random_like(rng, nnx.state(cell, nnx.Param)))
    return cell


def paths(module):
    return [path for path, _ in nnx.to_flat_state(nnx.state(module, nnx.Param))]


@every_flax_cell
def test_a_flax_cell_has_the_parameter_tree_of_flax(make, rng):
    cell = flax_cell(make, rng)
    assert paths(rx.nnx.RNN(cell)) == paths(nnx.RNN(cell))


@every_flax_cell
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("keep_order", [False, True])
def test_a_flax_cell_gives_the_outputs_and_gradients_of_flax(make, reverse, keep_order, rng):
    options = {"return_carry": True, "reverse": reverse, "keep_order": keep_order}
    cell = flax_cell(make, rng)
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)))
    carry = random_like(rng, cell.initialize_carry((2, 3), nnx.Rngs(0)))

    def run(layer):
        graphdef, params, rest = nnx.split(layer, nnx.Param, ...)

        def loss(params, xs, carry):
            last, ys = nnx.merge(graphdef, params, rest)(xs, initial_carry=carry)
            return sum(jnp.sum(jnp.sin(a) * a) for a in jax.tree.leaves((last, ys))), (last, ys)

        values, grads = jax.value_and_grad(loss, (0, 1, 2), has_aux=True)(params, xs, carry)
        return values, jax.tree.leaves(grads)

    assert_close(run(rx.nnx.RNN(cell, **options)), run(nnx.RNN(cell, **options)), 1e-12)


@every_flax_cell
def test_time_major_and_call_time_overrides_are_those_of_flax(make, rng):
    cell = flax_cell(make, rng)
    xs = jnp.asarray(rng.normal(size=(4, 2, 3)))
    call = {"time_major": True, "return_carry": True, "reverse": True, "keep_order": True}
    assert_close(rx.nnx.RNN(cell)(xs, **call), nnx.RNN(cell)(xs, **call))


@around_every_cell
def test_a_recurrax_cell_equals_unroll_and_flax_rnn(case, rng):
    layer = rx.nnx.RNN(
        case.cell, case.in_features, rngs=nnx.Rngs(0), param_dtype=jnp.float64, return_carry=True
    )
    nnx.update(layer, random_like(rng, nnx.state(layer)))
    xs = jnp.asarray(rng.normal(size=(2, 4, case.in_features)))
    carry = random_like(rng, case.cell.initial_carry((2,)))
    want = rx.unroll(case.cell, layer.cell.params(), xs, carry)
    assert_close(layer(xs, initial_carry=carry), want)
    theirs = nnx.RNN(layer.cell, return_carry=True)
    assert_close(theirs(xs, initial_carry=carry), want)
    assert_close(theirs(xs), layer(xs))


@around_every_cell
def test_linen_and_nnx_have_the_same_parameter_paths(case):
    xs = jnp.zeros((2, 4, case.in_features), jnp.float32)
    linen = rx.linen.RNN(case.cell).init(jax.random.key(0), xs)["params"]
    layer = rx.nnx.RNN(case.cell, case.in_features, rngs=nnx.Rngs(0))
    pure = nnx.to_pure_dict(nnx.state(layer))
    assert jax.tree.structure(pure) == jax.tree.structure(linen)
    assert jax.tree.map(lambda a: (a.shape, a.dtype), pure) == jax.tree.map(
        lambda a: (a.shape, a.dtype), linen
    )


@around_every_cell
def test_the_state_holds_parameters_and_nothing_else(case):
    layer = rx.nnx.RNN(case.cell, case.in_features, rngs=nnx.Rngs(0))
    layer(jnp.ones((2, 4, case.in_features), jnp.float32))
    for _, variable in nnx.to_flat_state(nnx.state(layer)):
        assert type(variable) is nnx.Param
        assert jnp.issubdtype(variable[...].dtype, jnp.floating)


@every_flax_cell
def test_no_random_state_is_added_to_a_flax_cell(make, rng):
    layer = rx.nnx.RNN(flax_cell(make, rng), rngs=nnx.Rngs(0))
    layer(jnp.ones((2, 4, 3)))
    assert not jax.tree.leaves(nnx.state(layer, nnx.RngState))
    # the layer of Flax keeps a key and a count, which is what a checkpoint cannot hold
    assert jax.tree.leaves(nnx.state(nnx.RNN(flax_cell(make, rng)), nnx.RngState))


def make_layer():
    return rx.nnx.RNN(rx.LSTM(5), 3, rngs=nnx.Rngs(0), param_dtype=jnp.float64)


def test_under_nnx_jit_and_grad(rng):
    layer = make_layer()
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)))
    graphdef, state = nnx.split(layer)

    def loss(layer):
        return jnp.sum(layer(xs) ** 2)

    want = jax.grad(lambda state: loss(nnx.merge(graphdef, state)))(state)
    for f in (nnx.grad(loss), nnx.jit(nnx.grad(loss))):
        assert_close(jax.tree.leaves(f(layer)), jax.tree.leaves(want))
    assert_close(nnx.jit(lambda layer: layer(xs))(layer), layer(xs))


def test_under_jax_jit_after_split(rng):
    layer = make_layer()
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)))
    graphdef, state = nnx.split(layer)
    assert_close(jax.jit(lambda state, xs: nnx.merge(graphdef, state)(xs))(state, xs), layer(xs))


def test_training_lowers_the_loss_and_traces_once(rng):
    chex.clear_trace_counter()
    layer = make_layer()
    optimizer = nnx.Optimizer(layer, optax.adam(1e-2), wrt=nnx.Param)
    xs = jnp.asarray(rng.normal(size=(8, 6, 3)))
    target = jnp.cumsum(xs[..., :1], axis=-2) / 6

    @nnx.jit
    @chex.assert_max_traces(n=1)
    def train_step(layer, optimizer):
        value, grads = nnx.value_and_grad(lambda m: jnp.mean((m(xs)[..., :1] - target) ** 2))(layer)
        optimizer.update(layer, grads)
        return value

    with jax.numpy_dtype_promotion("standard"):  # Optax counts its steps in int32
        losses = [float(train_step(layer, optimizer)) for _ in range(50)]
    assert losses[-1] < 0.7 * losses[0]


def test_a_cell_with_a_state_of_its_own_carries_it_through_time(rng):
    """Dropout counts its calls: the count after the run, and the masks, are those of Flax."""

    class Noisy(nnx.RNNCellBase):
        def __init__(self, rngs):
            self.kernel = nnx.Param(jnp.ones((3, 3)))
            self.dropout = nnx.Dropout(0.5, rngs=rngs)

        def __call__(self, carry, x):
            h = self.dropout(x @ self.kernel[...] + carry)
            return h, h

        def initialize_carry(self, input_shape, rngs=None, carry_init=None):
            return jnp.zeros(input_shape)

        @property
        def num_feature_axes(self):
            return 1

    ours, theirs = Noisy(nnx.Rngs(0)), Noisy(nnx.Rngs(0))
    xs = jnp.asarray(rng.normal(size=(2, 6, 3)))
    first, second = rx.nnx.RNN(ours)(xs), rx.nnx.RNN(ours)(xs)
    assert not np.array_equal(first, second)
    assert_close(first, nnx.RNN(theirs)(xs))
    assert_close(second, nnx.RNN(theirs)(xs))
    counts = [nnx.state(cell, nnx.RngCount) for cell in (ours, theirs)]
    assert jax.tree.leaves(counts[0]) == jax.tree.leaves(counts[1]) == [12]


def test_an_ensemble_by_nnx_vmap(rng):
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)))

    @nnx.vmap(in_axes=0, out_axes=0)
    def make(key):
        return rx.nnx.RNN(rx.LSTM(5), 3, rngs=nnx.Rngs(key), param_dtype=jnp.float64)

    members = make(jax.random.split(jax.random.key(0), 3))
    got = nnx.vmap(lambda layer, xs: layer(xs), in_axes=(0, None))(members, xs)
    graphdef, state = nnx.split(members)
    for n in range(3):
        assert_close(got[n], nnx.merge(graphdef, jax.tree.map(lambda a, n=n: a[n], state))(xs))
    assert not np.allclose(got[0], got[1])


def test_bidirectional_of_flax_takes_our_layers(rng):
    xs = jnp.asarray(rng.normal(size=(2, 4, 3)))
    forward, backward = make_layer(), make_layer()
    ys = nnx.Bidirectional(forward, backward)(xs)
    assert_close(ys[..., :5], forward(xs))
    assert_close(ys[..., 5:], backward(xs, reverse=True, keep_order=True))


def test_a_parameter_name_that_the_module_needs_is_refused():
    @dataclass(frozen=True)
    class Taken(rx.Cell):
        features: int

        def init(self, key, in_features):
            return {"spec": jnp.ones((in_features, self.features))}

        def initial_carry(self, batch_shape):
            return jnp.zeros((*batch_shape, self.features))

        def step(self, params, carry, x):
            return carry, x @ params["spec"]

    with pytest.raises(ValueError, match="Taken has a parameter 'spec', which is taken"):
        rx.nnx.RNN(Taken(4), 3, rngs=nnx.Rngs(0))
