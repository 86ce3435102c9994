"""Every argument of Flax's own layers is accepted, and means what it means there."""

import inspect

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import recurrax as rx
from tests.helpers import assert_close, assert_identical

STEPS = 6


def parameters(function):
    return {
        name: p.default
        for name, p in inspect.signature(function).parameters.items()
        if name != "self"
    }


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (rx.linen.RNN, nn.RNN),
        (rx.linen.RNN.__call__, nn.RNN.__call__),
        (rx.nnx.RNN.__init__, nnx.RNN.__init__),
        (rx.nnx.RNN.__call__, nnx.RNN.__call__),
    ],
    ids=["linen", "linen call", "nnx", "nnx call"],
)
def test_every_argument_of_flax_has_its_name_and_its_default(ours, theirs):
    got, want = parameters(ours), parameters(theirs)
    if theirs is nnx.RNN.__init__:
        # A recurrax cell draws its parameters from rngs; a random carry takes those of the call.
        assert (got.pop("rngs"), want.pop("rngs")) == (None, True)
    assert {name: got.get(name, "missing") for name in want} == want


def test_positional_arguments_of_linen_are_in_the_order_of_flax():
    names = list(parameters(nn.RNN))
    names = [name for name in names if name not in ("parent", "name")]
    assert list(parameters(rx.linen.RNN))[: len(names)] == names


@pytest.fixture
def xs(rng):
    return jnp.asarray(rng.normal(size=(2, STEPS, 3)))


# --- linen ---


class Counting(nn.RNNCellBase):
    """Counts its steps in a collection, and drops units of what it adds up."""

    rate: float = 0.0

    @nn.compact
    def __call__(self, carry, x):
        count = self.variable("stats", "count", lambda: jnp.zeros((), int))
        if not self.is_initializing():
            count.value += 1
        kept = nn.Dropout(self.rate, deterministic=self.rate == 0)(jnp.ones_like(x))
        return carry + kept * x, kept

    @nn.nowrap
    def initialize_carry(self, rng, input_shape):
        return jnp.zeros(input_shape)

    @property
    def num_feature_axes(self):
        return 1


@pytest.mark.parametrize("reverse", [False, True])
def test_linen_collections_in_variable_carry_go_from_step_to_step(reverse, xs):
    options = {"variable_carry": "stats", "reverse": reverse, "unroll": 2, "return_carry": True}
    ours, theirs = rx.linen.RNN(Counting(), **options), nn.RNN(Counting(), **options)
    variables = {"stats": {"cell": {"count": jnp.asarray(5)}}}
    got = ours.apply(variables, xs, mutable=["stats"])
    assert_close(got, theirs.apply(variables, xs, mutable=["stats"]))
    assert got[1]["stats"]["cell"]["count"] == 5 + STEPS


def test_linen_collections_count_steps_of_padding_too(xs):
    layer = rx.linen.RNN(Counting(), variable_carry="stats")
    variables = {"stats": {"cell": {"count": jnp.asarray(0)}}}
    _, changed = layer.apply(variables, xs, seq_lengths=jnp.array([2, 3]), mutable=["stats"])
    assert changed["stats"]["cell"]["count"] == STEPS


def test_linen_init_makes_the_collections(xs):
    layer = rx.linen.RNN(Counting(), variable_carry="stats")
    assert layer.init(jax.random.key(0), xs)["stats"]["cell"]["count"] == STEPS


@pytest.mark.parametrize("is_split", [False, True])
@pytest.mark.parametrize("raw", [False, True], ids=["typed key", "raw key"])
def test_linen_split_rngs_says_whether_keys_are_new_at_every_step(is_split, raw, xs):
    key = (jax.random.PRNGKey if raw else jax.random.key)(0)
    options = {
        "variable_carry": "stats",
        "split_rngs": {"params": False, "dropout": is_split},
    }
    variables = {"stats": {"cell": {"count": jnp.asarray(0)}}}

    def masks(layer):
        return layer.apply(variables, xs, rngs={"dropout": key}, mutable=["stats"])[0]

    for layer in (rx.linen.RNN(Counting(0.5), **options), nn.RNN(Counting(0.5), **options)):
        kept = np.asarray(masks(layer))
        assert set(np.unique(kept)) == {0.0, 2.0}
        assert np.all(kept == kept[:, :1]) != is_split
    time_major = rx.linen.RNN(Counting(0.5), time_major=True, **options)
    turned = time_major.apply(
        variables, jnp.moveaxis(xs, 1, 0), rngs={"dropout": key}, mutable=["stats"]
    )[0]
    assert_identical(jnp.moveaxis(turned, 0, 1), masks(rx.linen.RNN(Counting(0.5), **options)))


def test_linen_a_cell_that_draws_needs_its_stream_in_split_rngs(xs):
    variables = {"stats": {"cell": {"count": jnp.asarray(0)}}}
    layer = rx.linen.RNN(Counting(0.5), variable_carry="stats")
    with pytest.raises(Exception, match='needs PRNG for "dropout"'):
        layer.apply(variables, xs, rngs={"dropout": jax.random.key(0)}, mutable=["stats"])


# --- nnx ---


class Dropping(nnx.RNNCellBase):
    """Returns the mask that it draws."""

    def __init__(self, rngs):
        self.dropout = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, carry, x):
        kept = self.dropout(jnp.ones_like(x))
        return carry + kept * x, kept

    def initialize_carry(self, input_shape, rngs=None, carry_init=None):
        return jnp.zeros(input_shape)

    @property
    def num_feature_axes(self):
        return 1


@pytest.mark.parametrize("broadcast_rngs", [None, "dropout", ...])
def test_nnx_broadcast_rngs_gives_the_masks_of_flax(broadcast_rngs, xs):
    options = {"broadcast_rngs": broadcast_rngs, "return_carry": True, "unroll": 3}
    ours, theirs = (
        layer(Dropping(nnx.Rngs(dropout=0)), **options) for layer in (rx.nnx.RNN, nnx.RNN)
    )
    for _ in range(2):  # the second call has another mask
        got = ours(xs)
        assert_close(got, theirs(xs))
        kept = np.asarray(got[1])
        assert np.all(kept == kept[:, :1]) == (broadcast_rngs is not None)
    states = [jax.tree.leaves(nnx.state(layer.cell, nnx.RngCount)) for layer in (ours, theirs)]
    assert states[0] == states[1]


@pytest.mark.parametrize(
    "axes", [{...: nnx.Carry}, {nnx.RngState: None, ...: nnx.Carry}, {...: None}], ids=str
)
def test_nnx_state_axes_say_what_goes_from_step_to_step(axes, xs):
    ours, theirs = (
        layer(Dropping(nnx.Rngs(dropout=0)), state_axes=nnx.StateAxes(axes))
        for layer in (rx.nnx.RNN, nnx.RNN)
    )
    assert_close(ours(xs), theirs(xs))


def test_nnx_a_stream_may_be_passed_to_the_call(xs):
    layer = rx.nnx.RNN(rx.Dropout(0.5), 3, rngs=nnx.Rngs(0), deterministic=False)
    rngs = nnx.Rngs(dropout=0)
    assert_identical(layer(xs, rngs=rngs.dropout), layer(xs, rngs=nnx.Rngs(dropout=0)))
