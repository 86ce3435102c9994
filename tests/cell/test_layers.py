"""What a layer is: with a step or without, static under JAX, with types as class attributes."""

import dataclasses
import functools
import pickle
from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest
from flax import nnx

import recurrax as rx
from tests.all_cells import CASES, CONVOLUTIONAL
from tests.helpers import assert_identical

pytestmark = pytest.mark.once

KEY = jax.random.key(0)
XS = jnp.ones((2, 5, 4))
CELL = rx.LSTM(4)
BOTH = rx.Bidirectional(rx.GRU(2))
STEP = {
    "a cell": CELL,
    "a dense layer": rx.Dense(4),
    "dropout": rx.Dropout(0.5),
    "a wrapper": rx.Zoneout(CELL, 0.1),
    "a stack of cells": rx.Stack((CELL, rx.Dropout(0.1), rx.GRU(4))),
    "a residual around a cell": rx.Residual(CELL),
    "a stack of stacks": rx.Stack((rx.Residual(rx.Stack((CELL, rx.GRU(4)))),)),
    "a wrapped stack": rx.LearnedCarry(rx.Stack((CELL,))),
}
NO_STEP = {
    "two directions": BOTH,
    "a stack with two directions": rx.Stack((CELL, BOTH)),
    "a residual around two directions": rx.Residual(BOTH),
    "a stack in a residual in a stack": rx.Stack((rx.Residual(rx.Stack((BOTH,))), CELL)),
}
LAYERS = STEP | NO_STEP


@pytest.mark.parametrize("name", LAYERS)
def test_a_cell_is_a_layer_with_a_step(name):
    layer = LAYERS[name]
    assert isinstance(layer, rx.Layer)
    assert isinstance(layer, rx.Cell) == layer.has_step == hasattr(layer, "step")
    assert layer.has_step == (name in STEP)
    assert hasattr(layer, "training_step") == layer.has_step


@pytest.mark.parametrize("name", LAYERS)
def test_the_size_of_the_output_is_no_attribute_error(name):
    layer = LAYERS[name]
    assert layer.out_size(4) == 4
    if name == "dropout":
        with pytest.raises(ValueError, match=r"rx.Dropout: .* use out_size\(in_features\)"):
            _ = layer.out_features
    else:
        assert layer.out_features == 4
    with pytest.raises(ValueError, match=r"rx.Stack: .* use out_size\(in_features\)"):
        _ = rx.Stack((rx.Dropout(0.1),)).out_features


def test_other_parts_make_another_kind_of_layer():
    cells, both = rx.Stack((CELL, rx.GRU(4))), rx.Stack((CELL, BOTH))
    assert dataclasses.replace(cells, cells=both.cells) == both
    assert not isinstance(dataclasses.replace(cells, cells=both.cells), rx.Cell)
    assert dataclasses.replace(both, cells=cells.cells) == cells
    assert isinstance(dataclasses.replace(both, cells=cells.cells), rx.Cell)
    assert isinstance(cells, rx.Stack)
    assert isinstance(both, rx.Stack)
    assert isinstance(rx.Residual(CELL), rx.Residual)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_layers_are_values(layer):
    twin = pickle.loads(pickle.dumps(layer))
    assert twin == layer
    assert hash(twin) == hash(layer)
    assert type(twin) is type(layer)
    assert isinstance(twin, rx.Cell) == isinstance(layer, rx.Cell)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_layers_are_static_arguments_of_jitted_functions(layer):
    traces = []

    @jax.jit
    def run(given, params, xs):
        traces.append(given)
        return rx.unroll(given["layer"], params, xs)[1]

    params = layer.init(KEY, 4)
    first = run({"layer": layer}, params, XS)
    assert_identical(first, run({"layer": pickle.loads(pickle.dumps(layer))}, params, XS))
    assert len(traces) == 1  # an equal layer is the same argument
    assert first.shape == (2, 5, 4)


def test_a_layer_is_a_pytree_without_leaves():
    assert jax.tree.leaves((CELL, BOTH)) == []
    tree = {"cell": CELL, "x": XS}
    assert jax.tree.map(lambda a: a + 1, tree)["cell"] == CELL
    assert jax.tree.structure(CELL) == jax.tree.structure(rx.LSTM(4))
    assert jax.tree.structure(CELL) != jax.tree.structure(rx.LSTM(5))


def test_layers_go_through_transformations():
    params = CELL.init(KEY, 4)

    def last(cell, params, x):
        return cell.step(params, cell.initial_carry(), x)[1]

    rows = jax.vmap(last, in_axes=(None, None, 0))(CELL, params, XS[0])
    assert rows.shape == (5, 4)
    grads = jax.grad(lambda p, cell: last(cell, p, XS[0, 0]).sum())(params, CELL)
    assert jax.tree.structure(grads) == jax.tree.structure(params)
    out, tree = jax.eval_shape(lambda cell, x: (x, cell), CELL, XS)
    assert out.shape == XS.shape
    assert tree == CELL
    carry, _ = jax.lax.scan(lambda c, x: (c, None), (CELL, XS[0, 0]), XS[0])
    assert carry[0] == CELL


def test_layers_are_attributes_of_flax_modules():
    class Linen(nn.Module):
        cell: rx.Layer

        @nn.compact
        def __call__(self, xs):
            return rx.linen.RNN(self.cell)(xs)

    class Nnx(nnx.Module):
        def __init__(self, cell, rngs):
            self.cell = cell
            self.rnn = rx.nnx.RNN(cell, 4, rngs=rngs)

        def __call__(self, xs):
            return self.rnn(xs)

    for layer in (CELL, rx.Stack((CELL, BOTH))):
        with jax.numpy_dtype_promotion("standard"):
            model = Linen(layer)
            assert model.apply(model.init(KEY, XS), XS).shape == (2, 5, 4)
            module = Nnx(layer, nnx.Rngs(0))
            assert nnx.jit(lambda m, xs: m(xs))(module, XS).shape == (2, 5, 4)
            graphdef, state = nnx.split(module)
            assert nnx.merge(graphdef, state).cell == layer
            assert jax.tree.leaves(nnx.state(module))


# --- types as class attributes ---

BUILT_IN = {type(case.cell) for case in (CASES | CONVOLUTIONAL).values()}


@pytest.mark.parametrize("cls", sorted(BUILT_IN, key=lambda c: c.__name__))
def test_the_types_of_a_cell_are_attributes_of_its_class(cls):
    case = next(c for c in (CASES | CONVOLUTIONAL).values() if type(c.cell) is cls)
    space = (4,) * (case.cell.num_feature_axes - 1)
    assert type(case.cell.initial_carry(space)) is cls.Carry
    assert type(case.cell.init(KEY, case.in_features)) is cls.Params


def test_the_types_of_layers_made_of_layers():
    assert type(BOTH.initial_carry()) is rx.Bidirectional.Carry
    assert type(BOTH.init(KEY, 4)) is rx.Bidirectional.Params
    assert type(rx.Dense(4).init(KEY, 4)) is rx.Dense.Params
    assert type(rx.LearnedCarry(CELL).init(KEY, 4)) is rx.LearnedCarry.Params
    assert type(rx.WeightNorm(CELL).init(KEY, 4)) is rx.WeightNorm.Params


class OwnCarry(NamedTuple):
    h: jax.Array
    n: jax.Array


class OtherCarry(NamedTuple):
    h: jax.Array


@dataclass(frozen=True)
class Own(rx.Cell):
    """The carry is found by its name, beside the cell."""

    features: int

    def init(self, key, in_features):
        return rx.init_gates(key, in_features, self.features, "h")

    def step(self, params, carry, x):
        W, U, b = params
        h = jnp.tanh(x @ W.h + carry.h @ U.h + b.h)
        return OwnCarry(h, carry.n + 1), h


@dataclass(frozen=True)
class Attribute(Own):
    """The carry is that of the class attribute."""

    _: KW_ONLY
    scale: float = 1.0

    Carry = OtherCarry

    def step(self, params, carry, x):
        W, U, b = params
        h = self.scale * jnp.tanh(x @ W.h + carry.h @ U.h + b.h)
        return OtherCarry(h), h


class Inheriting(Attribute):
    """The carry of the class that it inherits from."""


class FromLSTMCarry(NamedTuple):
    h: jax.Array
    c: jax.Array
    steps: jax.Array


class FromLSTM(rx.LSTM):
    """A step of its own, and the carry beside it, win over the attribute of the LSTM."""

    def step(self, params, carry, x):
        new, y = super().step(params, rx.LSTM.Carry(carry.h, carry.c), x)
        return FromLSTMCarry(*new, carry.steps + 1), y

    def initial_carry(self, batch_shape=()):
        return FromLSTMCarry(*super().initial_carry(batch_shape), jnp.zeros(batch_shape))


class StartsAtOne(Own):
    """An initial carry of its own."""

    def initial_carry(self, batch_shape=()):
        ones = jnp.ones((*batch_shape, self.features))
        return OwnCarry(ones, ones)


@pytest.mark.parametrize(
    ("cell", "carry"),
    [
        (Own(4), OwnCarry),
        (Attribute(4, scale=0.5), OtherCarry),
        (Inheriting(4), OtherCarry),
        (FromLSTM(4), FromLSTMCarry),
        (StartsAtOne(4), OwnCarry),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, rx.Cell) else "",
)
def test_a_users_cell_has_the_carry_that_it_says(cell, carry):
    start = cell.initial_carry((2,))
    assert type(start) is carry
    last, ys = jax.jit(rx.unroll)(cell, cell.init(KEY, 4), XS)
    assert type(last) is carry
    assert ys.shape == (2, 5, 4)
    assert float(start.h[0, 0]) == isinstance(cell, StartsAtOne)


def doubled(step):
    """A decorator of the user's own."""

    @functools.wraps(step)
    def double(self, params, carry, x):
        carry, y = step(self, params, carry, x)
        return carry, 2 * y

    return double


class Decorated(Own):
    step = doubled(Own.step)


def test_a_step_in_training_keeps_the_decorators_of_the_user():
    cell, plain = Decorated(4), Own(4)
    params, carry, x = plain.init(KEY, 3), plain.initial_carry((2,)), jnp.ones((2, 3))
    y = plain.step(params, carry, x)[1]
    assert_identical(cell.step(params, carry, x)[1], 2 * y)
    assert_identical(cell.training_step(params, carry, x, None)[1], 2 * y)
    assert_identical(plain.training_step(params, carry, x, None)[1], y)


def test_options_are_keyword_only():
    for cls in BUILT_IN:
        sizes = {"features", "periods", "readout", "order", "theta", "slow", "kernel_size"}
        required = {f.name for f in dataclasses.fields(cls) if not f.kw_only}
        assert required <= sizes, cls.__name__
        assert all(f.kw_only for f in dataclasses.fields(cls) if f.name.endswith("_fn"))
    with pytest.raises(TypeError, match="positional"):
        rx.LSTM(4, "ifo")
    assert rx.Jordan(4, 2) == rx.Jordan(4, readout=2)


def test_activation_options_have_three_names():
    options = {
        f.name for cls in BUILT_IN for f in dataclasses.fields(cls) if f.name.endswith("_fn")
    }
    assert options == {"gate_fn", "candidate_fn", "output_fn"}
    others = {
        f.name for cls in BUILT_IN for f in dataclasses.fields(cls)
        if f.type == rx.cell.activations.Activation
    }  # fmt: skip
    assert others == options


@pytest.mark.parametrize("name", CASES | CONVOLUTIONAL)
def test_the_arrays_of_a_carry_can_be_donated(name):
    cell = (CASES | CONVOLUTIONAL)[name].cell
    leaves = jax.tree.leaves(cell.initial_carry((2,) + (4,) * (cell.num_feature_axes - 1)))
    assert len({leaf.unsafe_buffer_pointer() for leaf in leaves}) == len(leaves)
