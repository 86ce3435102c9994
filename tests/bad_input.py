"""Tables of bad input: the good calls that each case spoils, and the check of the error.

A table maps the name of a case to ``(act, exception, text)``: ``act(good)`` makes one mistake in a
call of :class:`Good`, and must raise ``exception`` with ``text``, in which "…" stands for any text.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import recurrax as rx

CELL = rx.LSTM(4)
GRU = rx.GRU(4)
STACK = rx.Stack((CELL, GRU))
BOTH = rx.Bidirectional(CELL)
BOTH_STACK = rx.Stack((BOTH, CELL))
TWO = rx.Bidirectional(CELL, merge=None)
DROPPING = rx.Stack((CELL, rx.Dropout(0.5)))
LEARNED = rx.LearnedCarry(CELL)
NORMED = rx.WeightNorm(CELL)

LAYERS = {
    "rx.linen.RNN": "ours_linen",
    "rx.linen.RNN of a Flax cell": "flax_linen",
    "rx.nnx.RNN": "ours_nnx",
    "rx.nnx.RNN of a Flax cell": "flax_nnx",
}
"""The four kinds of Flax layers, and the methods of :class:`Good` that call them."""

GIVEN: Any = object()  # None is a value that some cases give
"""The default of an argument: the good value."""


class Good:
    """Good arguments, made once when they are first needed, and calls that take them."""

    @cached_property
    def key(self):
        return jax.random.key(0)

    @cached_property
    def x(self):
        return jnp.ones((2, 3))

    @cached_property
    def xs(self):
        return jnp.ones((2, 5, 3))

    @cached_property
    def lengths(self):
        return jnp.array([3, 5])

    @cached_property
    def flags(self):
        """A mask, or resets."""
        return jnp.ones((2, 5), bool)

    @cached_property
    def params(self):
        return CELL.init(self.key, 3)

    @cached_property
    def square_params(self):
        return CELL.init(self.key, 4)

    @cached_property
    def carry(self):
        return CELL.initial_carry((2,))

    @cached_property
    def gru_params(self):
        return GRU.init(self.key, 3)

    @cached_property
    def stack_params(self):
        return STACK.init(self.key, 3)

    @cached_property
    def stack_carry(self):
        return STACK.initial_carry((2,))

    @cached_property
    def both_params(self):
        return BOTH.init(self.key, 3)

    @cached_property
    def both_carry(self):
        return BOTH.initial_carry((2,))

    @cached_property
    def dropping_params(self):
        return DROPPING.init(self.key, 3)

    @cached_property
    def normed_params(self):
        return NORMED.init(self.key, 3)

    @cached_property
    def wrong_params(self):
        return {"K": jnp.ones((3, 4))}

    # --- functions ---

    def step(self, params=GIVEN, carry=GIVEN, x=GIVEN, cell=CELL):
        params, carry = given(params, self.params), given(carry, self.carry)
        return cell.step(params, carry, given(x, self.x))

    def unroll(self, params=GIVEN, xs=GIVEN, carry=None, cell=CELL, **options):
        return rx.unroll(cell, given(params, self.params), given(xs, self.xs), carry, **options)

    def lenient(self, **options):
        """As users have it: dtypes promote."""
        with jax.numpy_dtype_promotion("standard"):
            return self.unroll(**options)

    def stack(self, params=GIVEN, **options):
        return self.unroll(given(params, self.stack_params), cell=STACK, **options)

    def both(self, params=GIVEN, **options):
        return self.unroll(given(params, self.both_params), cell=BOTH, **options)

    def dropping(self, **options):
        return self.unroll(self.dropping_params, cell=DROPPING, **options)

    def faulty(self, result=None, drawn=None, **options):
        return self.unroll(self.wrong_params, cell=Faulty(4, result, drawn), **options)

    def reset(self, carry, run="unroll"):
        return getattr(self, run)(resets=self.flags, reset_carry=carry)

    def stream(self, cell=CELL, params=GIVEN, batch_shape=(2,), **options):
        return rx.Stream(cell, given(params, self.params), batch_shape, **options)

    def truncated(self, cell=CELL, params=GIVEN, k1=2, **options):
        return rx.unroll_truncated(cell, given(params, self.params), self.xs, k1=k1, **options)

    # --- Flax layers ---

    @cached_property
    def linen_layer(self):
        return rx.linen.RNN(CELL, param_dtype=jnp.float64)

    @cached_property
    def variables(self):
        return self.linen_layer.init(self.key, self.xs)

    def tree(self, **changes):
        """The linen parameters with some groups replaced."""
        return {"params": {"cell": {**self.variables["params"]["cell"], **changes}}}

    def ours_linen(self, xs=GIVEN, variables=GIVEN, **options):
        variables = given(variables, self.variables)
        return self.linen_layer.apply(variables, given(xs, self.xs), **options)

    @cached_property
    def flax_linen_layer(self):
        layer = rx.linen.RNN(nn.LSTMCell(4, param_dtype=jnp.float64))
        return layer, layer.init(self.key, self.xs)

    def flax_linen(self, xs=GIVEN, **options):
        layer, variables = self.flax_linen_layer
        return layer.apply(variables, given(xs, self.xs), **options)

    @cached_property
    def dropping_layer(self):
        return rx.linen.RNN(DROPPING, param_dtype=jnp.float64)

    @cached_property
    def dropping_variables(self):
        return self.dropping_layer.init(self.key, self.xs, deterministic=True)

    def dropping_linen(self, **options):
        return self.dropping_layer.apply(self.dropping_variables, self.xs, **options)

    def ours_nnx(self, xs=GIVEN, cell=CELL, **options):
        layer = rx.nnx.RNN(cell, 3, rngs=nnx.Rngs(0), param_dtype=jnp.float64)
        return layer(given(xs, self.xs), **options)

    def flax_nnx(self, xs=GIVEN, **options):
        cell = nnx.LSTMCell(3, 4, rngs=nnx.Rngs(0), param_dtype=jnp.float64)
        return rx.nnx.RNN(cell)(given(xs, self.xs), **options)


def given(value, good):
    return good if value is GIVEN else value


def masked(array):
    return np.ma.masked_array(array, mask=np.zeros(np.shape(array)))


def deleted(array):
    array = jnp.array(array)
    array.delete()
    return array


# --- the check of an error ---


def matches(pattern, text):
    """Whether ``text`` is ``pattern``, in which … stands for anything."""
    position = 0
    parts = pattern.split("…")
    for number, part in enumerate(parts):
        found = text.find(part, position)
        if found < 0 or (number == 0 and found != 0):
            return False
        position = found + len(part)
    return parts[-1] == "" or text.endswith(parts[-1])


def check(good, act, exception, text):
    """``act`` raises this very exception with this text."""
    with pytest.raises(exception) as caught:
        act(good)
    assert type(caught.value) is exception
    assert matches(text, str(caught.value)), f"\nexpected: {text}\n     got: {caught.value}"


def assert_finite(*results):
    """All numbers of the results are finite."""
    assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(results))


# --- cells of users with a mistake ---


class WrongCarry(NamedTuple):
    h: Any


@dataclass(frozen=True)
class Wrong(rx.Cell):
    """A user's cell with a mistake, chosen by ``fault``."""

    features: int
    fault: str = ""

    def init(self, key, in_features):
        return {"K": jnp.ones((in_features, self.features))}

    def step(self, params, carry, x):
        h = carry.h + x @ params["K"]
        if self.fault == "structure":
            return (h,), h
        if self.fault == "shape":
            return WrongCarry(h[..., :1]), h
        if self.fault == "dtype":
            return WrongCarry(h.astype(jnp.float32)), h
        return WrongCarry(h), h


class FaultyCarry(NamedTuple):
    h: Any


@dataclass(frozen=True, eq=False)  # by identity: these fields cannot be compared
class Faulty(rx.Cell):
    """Returns ``result`` of its step if that is given, and draws ``drawn``."""

    features: int = 4
    result: Any = None
    drawn: Any = None

    def init(self, key, in_features):
        return {"K": jnp.ones((in_features, self.features))}

    def step(self, params, carry, x):
        h = carry.h + x @ params["K"]
        return (FaultyCarry(h), h) if self.result is None else self.result(h)

    def noise(self, key, x, steps):
        return self.drawn

    @property
    def is_stochastic(self):
        return True


@dataclass(frozen=True)
class NoCarry(rx.Cell):
    features: int

    def init(self, key, in_features):
        return ()

    def step(self, params, carry, x):
        return carry, x


@dataclass
class NotFrozen(rx.Cell):
    features: int


@dataclass(frozen=True)
class Unsized(rx.Cell):
    """Does not say how much it puts out."""

    def init(self, key, in_features):
        return ()

    def step(self, params, carry, x):
        return carry, x
