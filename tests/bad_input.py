"""What the tables of bad input share: good calls, which each case spoils, and the check."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import recurrax as rx

KEY = jax.random.key(0)

CELL = rx.LSTM(4)

PARAMS = CELL.init(KEY, 3)

SQUARE = CELL.init(KEY, 4)

CARRY = CELL.initial_carry((2,))

X = jnp.ones((2, 3))

XS = jnp.ones((2, 5, 3))

GRU = rx.GRU(4)

GRU_PARAMS = GRU.init(KEY, 3)

LINEN = rx.linen.RNN(CELL, param_dtype=jnp.float64)

VARIABLES = LINEN.init(KEY, XS)


def rnn_nnx():
    return rx.nnx.RNN(CELL, 3, rngs=nnx.Rngs(0), param_dtype=jnp.float64)


def step(params=PARAMS, carry=CARRY, x=X, cell=CELL):
    return cell.step(params, carry, x)


def unroll(params=PARAMS, xs=XS, carry=None, cell=CELL, **options):
    return rx.unroll(cell, params, xs, carry, **options)


def linen(variables=VARIABLES, xs=XS, **options):
    return LINEN.apply(variables, xs, **options)


def tree(**changes):
    """The linen parameters with some groups replaced."""
    return {"params": {"cell": {**VARIABLES["params"]["cell"], **changes}}}


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


WRONG_PARAMS = {"K": jnp.ones((3, 4))}


def lenient(act):
    """As users have it: dtypes promote."""
    with jax.numpy_dtype_promotion("standard"):
        return act()


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


def check(act, exception, text):
    """``act`` raises this very exception with this text."""
    with pytest.raises(exception) as caught:
        act()
    assert type(caught.value) is exception
    assert matches(text, str(caught.value)), f"\nexpected: {text}\n     got: {caught.value}"


LENGTHS = jnp.array([3, 5])

FLAGS = jnp.ones((2, 5), bool)

STACK = rx.Stack((CELL, GRU))

STACK_PARAMS = STACK.init(KEY, 3)

STACK_CARRY = STACK.initial_carry((2,))

BOTH = rx.Bidirectional(CELL)

BOTH_PARAMS = BOTH.init(KEY, 3)

BOTH_CARRY = BOTH.initial_carry((2,))

BOTH_STACK = rx.Stack((BOTH, CELL))

TWO = rx.Bidirectional(CELL, merge=None)

DROPPING = rx.Stack((CELL, rx.Dropout(0.5)))

DROPPING_PARAMS = DROPPING.init(KEY, 3)

LEARNED = rx.LearnedCarry(CELL)

NORMED = rx.WeightNorm(CELL)

NORMED_PARAMS = NORMED.init(KEY, 3)


def stack(params=STACK_PARAMS, xs=XS, carry=None, **options):
    return rx.unroll(STACK, params, xs, carry, **options)


def both(params=BOTH_PARAMS, xs=XS, carry=None, **options):
    return rx.unroll(BOTH, params, xs, carry, **options)


def dropping(**options):
    return rx.unroll(DROPPING, DROPPING_PARAMS, XS, **options)


def masked(array):
    return np.ma.masked_array(array, mask=np.zeros(np.shape(array)))


def deleted(array):
    array = jnp.array(array)
    array.delete()
    return array


OURS_LINEN = rx.linen.RNN(CELL, param_dtype=jnp.float64)

FLAX_LINEN = rx.linen.RNN(nn.LSTMCell(4, param_dtype=jnp.float64))

LAYER_VARIABLES = {layer: layer.init(KEY, XS) for layer in (OURS_LINEN, FLAX_LINEN)}

DROPPING_LINEN = rx.linen.RNN(DROPPING, param_dtype=jnp.float64)

DROPPING_VARIABLES = DROPPING_LINEN.init(KEY, XS, deterministic=True)


def ours_linen(xs=XS, **options):
    return OURS_LINEN.apply(LAYER_VARIABLES[OURS_LINEN], xs, **options)


def flax_linen(xs=XS, **options):
    return FLAX_LINEN.apply(LAYER_VARIABLES[FLAX_LINEN], xs, **options)


def dropping_linen(**options):
    return DROPPING_LINEN.apply(DROPPING_VARIABLES, XS, **options)


def ours_nnx(xs=XS, cell=CELL, **options):
    return rx.nnx.RNN(cell, 3, rngs=nnx.Rngs(0), param_dtype=jnp.float64)(xs, **options)


def flax_nnx(xs=XS, **options):
    cell = nnx.LSTMCell(3, 4, rngs=nnx.Rngs(0), param_dtype=jnp.float64)
    return rx.nnx.RNN(cell)(xs, **options)


LAYERS = {
    "rx.linen.RNN": ours_linen,
    "rx.linen.RNN of a Flax cell": flax_linen,
    "rx.nnx.RNN": ours_nnx,
    "rx.nnx.RNN of a Flax cell": flax_nnx,
}


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


def faulty(result=None, drawn=None, **options):
    return rx.unroll(Faulty(4, result, drawn), {"K": jnp.ones((3, 4))}, XS, **options)


@dataclass(frozen=True)
class Unsized(rx.Cell):
    """Does not say how much it puts out."""

    def init(self, key, in_features):
        return ()

    def step(self, params, carry, x):
        return carry, x
