"""Rows of a batch: padding never matters, carries have rows, and inputs agree on the batch."""

from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx

pytestmark = pytest.mark.once

ROWS, STEPS, SIZE = 4, 6, 3
LENGTHS = np.array([6, 2, 0, 4])


class DirectionCarry(NamedTuple):
    h: jax.Array


@dataclass(frozen=True)
class Direction(rx.Cell):
    """Adds up the directions of its inputs. At an input of zeros it has no derivative."""

    features: int

    Carry = DirectionCarry

    def init(self, key, in_features):
        return {"W": jax.random.normal(key, (in_features, self.features))}

    def step(self, params, carry, x):
        k = x @ params["W"]
        h = 0.5 * carry.h + k / jnp.linalg.norm(k, axis=-1, keepdims=True) + jnp.log(x[..., :1])
        return DirectionCarry(h), h


class FlaxDirection(nn.RNNCellBase):
    features: int

    @nn.compact
    def __call__(self, carry, x):
        k = nn.Dense(self.features, use_bias=False, param_dtype=float)(x)
        h = 0.5 * carry + k / jnp.linalg.norm(k, axis=-1, keepdims=True)
        return h, h

    def initialize_carry(self, rng, input_shape):
        return jnp.zeros((*input_shape[:-1], self.features))

    @property
    def num_feature_axes(self):
        return 1


def positive(rng):
    return jnp.asarray(0.1 + rng.random(size=(ROWS, STEPS, SIZE)))


def mask_of(lengths):
    return jnp.asarray(np.arange(STEPS) < lengths[:, None])


PADDINGS = {"ordinary numbers": None, "zeros": 0.0, "NaN": jnp.nan, "infinity": jnp.inf}


@pytest.mark.parametrize("method", ["auto", "scan", "chunked"])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("how", ["lengths", "mask", "mask with gaps"])
def test_a_cell_without_a_derivative_at_zero(how, padding, method, rng):
    """Values and gradients of a padded batch are those of its rows alone, and finite."""
    cell = Direction(5)
    params = jax.tree.map(lambda a: a.astype(float), cell.init(jax.random.key(0), SIZE))
    valid = mask_of(LENGTHS)
    if how == "mask with gaps":
        valid = valid.at[0, 2].set(False).at[3, 0].set(False)
    xs = positive(rng)
    if PADDINGS[padding] is not None:
        xs = jnp.where(valid[..., None], xs, PADDINGS[padding])
    given = {"lengths": LENGTHS} if how == "lengths" else {"mask": valid}

    def loss(params, xs):
        carry, ys = rx.unroll(cell, params, xs, method=method, **given)
        return jnp.sum(jnp.sin(ys)) + jnp.sum(carry.h**2)

    def loss_of_rows(params, xs):
        total = 0.0
        for row, flags in zip(xs, np.asarray(valid), strict=True):
            if flags.any():
                carry, ys = rx.unroll(cell, params, row[flags], method="scan")
                total += jnp.sum(jnp.sin(ys)) + jnp.sum(carry.h**2)
        return total

    got, want = (jax.value_and_grad(f, (0, 1))(params, xs) for f in (loss, loss_of_rows))
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_no_row_has_a_valid_step(rng):
    cell = rx.GRU(5)
    params = jax.tree.map(lambda a: a.astype(float), cell.init(jax.random.key(0), SIZE))
    xs = positive(rng)
    carry, ys = rx.unroll(cell, params, xs, lengths=np.zeros(ROWS, int))
    assert not np.any(ys)
    assert not np.any(carry.h)


def test_a_flax_cell_without_a_derivative_at_zero(rng):
    layer = rx.linen.RNN(FlaxDirection(5))
    xs = positive(rng)
    variables = layer.init(jax.random.key(0), xs)

    def loss(variables, xs):
        return jnp.sum(jnp.sin(layer.apply(variables, xs, seq_lengths=LENGTHS)))

    grads = jax.grad(loss, (0, 1))(variables, jnp.where(mask_of(LENGTHS)[..., None], xs, 0.0))
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(grads))


# ---------------------------------------------------------------------------- carries have rows


@dataclass(frozen=True)
class Counting(rx.Cell):
    """Counts its steps in a carry that all rows share, of the given shape."""

    features: int
    shape: tuple = field(default=())

    def initial_carry(self, batch_shape=()):
        return {"h": jnp.zeros((*batch_shape, self.features)), "mean": jnp.zeros(self.shape)}

    def init(self, key, in_features):
        return {"W": jnp.ones((in_features, self.features))}

    def step(self, params, carry, x):
        h = jnp.tanh(x @ params["W"] + carry["h"])
        return {"h": h, "mean": carry["mean"] + 1}, h


SELECTING = {
    "lengths": {"lengths": np.array([4, 1])},
    "mask": {"mask": np.ones((2, STEPS), bool)},
    "resets": {"resets": np.zeros((2, STEPS), bool)},
}


@pytest.mark.parametrize("method", ["auto", "scan"])
@pytest.mark.parametrize("shape", [(), (2,), (3,), (1, 5)])
@pytest.mark.parametrize("name", SELECTING)
def test_a_carry_without_rows_is_named(name, shape, method):
    cell = Counting(5, shape)
    xs = jnp.ones((2, STEPS, SIZE))
    params = cell.init(jax.random.key(0), SIZE)
    if shape == (2,):  # as many entries as rows: these are rows
        rx.unroll(cell, params, xs, method=method, **SELECTING[name])
        return
    with pytest.raises(ValueError, match=r"carry\['mean'\] must begin with the batch axes \(2,\)"):
        rx.unroll(cell, params, xs, method=method, **SELECTING[name])
    rx.unroll(cell, params, xs, method=method)  # without rows to tell apart it is counted


# ------------------------------------------------------------------- inputs agree on the batch


@dataclass(frozen=True)
class Agent(rx.Cell):
    """Reads observations and the actions before them."""

    features: int

    def initial_carry(self, batch_shape=()):
        return jnp.zeros((*batch_shape, self.features))

    def init(self, key, in_features):
        sizes = jax.tree.leaves(in_features)
        return {"W": jnp.ones((max(sizes), self.features)) / 9, "E": jnp.arange(4.0)}

    def step(self, params, carry, x):
        seen, action = (x[k] for k in sorted(x, key=lambda k: -x[k].ndim))
        h = jnp.tanh(seen @ params["W"] + carry + params["E"][action][..., None])
        return h, h


@pytest.mark.parametrize("order", [("a", "obs"), ("obs", "z")])
@pytest.mark.parametrize("batch", [(), (2,), (2, 5)])
def test_the_order_of_the_inputs_does_not_matter(order, batch, rng):
    action, seen = ("a", "obs") if order == ("a", "obs") else ("z", "obs")
    cell = Agent(5)
    xs = {
        seen: jnp.asarray(rng.normal(size=(STEPS, *batch, SIZE))),
        action: jnp.asarray(rng.integers(0, 4, size=(STEPS, *batch))),
    }
    in_features = {seen: SIZE, action: 1}
    params = cell.init(jax.random.key(0), in_features)
    params = jax.tree.map(lambda a: a.astype(float), params)
    carry, ys = rx.unroll(cell, params, xs, time_axis=0)
    assert ys.shape == (STEPS, *batch, 5)
    h = cell.initial_carry(batch)
    for t in range(STEPS):
        h, y = cell.step(params, h, jax.tree.map(lambda a, t=t: a[t], xs))
        np.testing.assert_allclose(ys[t], y, rtol=1e-12)
    np.testing.assert_allclose(carry, h, rtol=1e-12)
    mask = jnp.ones((STEPS, *batch), bool)
    masked = rx.unroll(cell, params, xs, mask=mask, time_axis=0)[1]
    np.testing.assert_allclose(masked, ys, rtol=1e-12)


BAD_INPUTS = {
    "another batch": ({"a": (STEPS, 3), "obs": (STEPS, 2, SIZE)}, r"xs\['a'\] must begin with"),
    "no batch": ({"a": (STEPS,), "obs": (STEPS, 2, SIZE)}, r"xs\['a'\] must begin with"),
    "another length": ({"a": (5, 2), "obs": (STEPS, 2, SIZE)}, "differ in time steps"),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_inputs_that_do_not_agree_are_named(name):
    shapes, text = BAD_INPUTS[name]
    xs = {"a": jnp.zeros(shapes["a"], int), "obs": jnp.zeros(shapes["obs"])}
    cell = Agent(5)
    with pytest.raises(ValueError, match=text):
        rx.unroll(cell, cell.init(jax.random.key(0), {"a": 1, "obs": SIZE}), xs, time_axis=0)


def test_a_negative_time_axis_is_one_of_the_input_with_the_most_axes(rng):
    cell = Agent(5)
    xs = {
        "a": jnp.asarray(rng.integers(0, 4, size=(2, STEPS))),
        "obs": jnp.asarray(rng.normal(size=(2, STEPS, SIZE))),
    }
    params = jax.tree.map(
        lambda a: a.astype(float), cell.init(jax.random.key(0), {"a": 1, "obs": SIZE})
    )
    run = partial(rx.unroll, cell, params)
    first = jax.tree.map(lambda a: jnp.swapaxes(a, 0, 1), xs)
    np.testing.assert_allclose(
        run(xs)[1], jnp.swapaxes(run(first, time_axis=0)[1], 0, 1), rtol=1e-12
    )


# ---------------------------------------------------------------------- tokens and complex inputs


@dataclass(frozen=True)
class Reader(rx.Cell):
    """Looks up tokens: its input is one whole number for each row."""

    features: int

    input_kinds = (jnp.integer,)
    num_feature_axes = 0

    def initial_carry(self, batch_shape=()):
        return jnp.zeros((*batch_shape, self.features))

    def init(self, key, in_features):
        return {"E": jax.random.normal(key, (10, self.features))}

    def step(self, params, carry, x):
        h = jnp.tanh(carry + params["E"][x])
        return h, h


@pytest.mark.parametrize("layer", ["cell", "stack", "bidirectional"])
def test_a_cell_may_read_tokens(layer, rng):
    cell = Reader(5)
    whole = {
        "cell": cell,
        "stack": rx.Stack((cell, rx.GRU(4))),
        "bidirectional": rx.Bidirectional(cell),
    }[layer]
    xs = jnp.asarray(rng.integers(0, 10, size=(2, STEPS)))
    params = whole.init(jax.random.key(0), 1)
    ys = rx.unroll(whole, params, xs, time_axis=1)[1]
    assert ys.shape[:2] == (2, STEPS)
    if layer == "cell":
        short = rx.unroll(cell, params, xs, time_axis=1, lengths=np.array([STEPS, 2]))[1]
        np.testing.assert_allclose(short[0], ys[0], rtol=1e-12)
        np.testing.assert_allclose(short[1, :2], ys[1, :2], rtol=1e-12)
        assert not short[1, 2:].any()
    with pytest.raises(TypeError, match="xs must be integer; got float64"):
        rx.unroll(whole, params, xs.astype(float), time_axis=1)


def test_a_cell_that_takes_no_tokens_says_what_to_do():
    cell = rx.GRU(4)
    params = cell.init(jax.random.key(0), SIZE)
    with pytest.raises(TypeError, match=r"xs must be floating; got int.*astype"):
        rx.unroll(cell, params, jnp.zeros((2, STEPS, SIZE), int))
    with pytest.raises(TypeError, match=r"got complex128\. Pass its real and imaginary parts"):
        rx.unroll(cell, params, jnp.zeros((2, STEPS, SIZE), complex))
