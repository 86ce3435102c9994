"""Bad input to runs over time, to cells made of cells, and to the Flax layers over them.

The table goes on where that of ``test_errors`` ends; the mechanism is the same.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import recurrax as rx
from recurrax.cell.cell import Noise
from tests import test_errors as errors
from tests.test_errors import CARRY, CELL, GRU, GRU_PARAMS, KEY, PARAMS, XS, check, unroll

pytestmark = pytest.mark.once

X = XS[:, 0]
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


def run_variational(cell, params):
    dropping = rx.VariationalDropout(cell, input=0.5, recurrent=0.5)
    return rx.unroll(dropping, params, XS, key=KEY)


def reset(carry, run=unroll):
    return run(resets=FLAGS, reset_carry=carry)


def stream(cell=CELL, params=PARAMS, batch_shape=(2,), **options):
    return rx.Stream(cell, params, batch_shape, **options)


def truncated(cell=CELL, params=PARAMS, k1=2, **options):
    return rx.unroll_truncated(cell, params, XS, k1=k1, **options)


def masked(array):
    return np.ma.masked_array(array, mask=np.zeros(np.shape(array)))


def deleted(array):
    array = jnp.array(array)
    array.delete()
    return array


def single(act):
    """As users have it: no float64."""
    with jax.enable_x64(False):
        return act(CELL.init(KEY, 3), jnp.ones((2, 5, 3)))


# --- the four kinds of Flax layers ---

OURS_LINEN = rx.linen.RNN(CELL, param_dtype=jnp.float64)
FLAX_LINEN = rx.linen.RNN(nn.LSTMCell(4, param_dtype=jnp.float64))
VARIABLES = {layer: layer.init(KEY, XS) for layer in (OURS_LINEN, FLAX_LINEN)}
DROPPING_LINEN = rx.linen.RNN(DROPPING, param_dtype=jnp.float64)
DROPPING_VARIABLES = DROPPING_LINEN.init(KEY, XS, deterministic=True)


def ours_linen(xs=XS, **options):
    return OURS_LINEN.apply(VARIABLES[OURS_LINEN], xs, **options)


def flax_linen(xs=XS, **options):
    return FLAX_LINEN.apply(VARIABLES[FLAX_LINEN], xs, **options)


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


# --- users' cells with a mistake ---


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


@dataclass
class NotFrozen(rx.Cell):
    features: int


class Tensor:
    """Another framework's."""

    shape = (2, 5, 3)
    ndim = 3
    dtype = "theirs"


TABLE = {
    # --- what is given, and in which order ---
    "lengths in the place of the carry": (
        lambda: rx.unroll(CELL, PARAMS, XS, LENGTHS),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got int64[2]. cell.initial_carry(batch_shape) "
        "makes one.",
    ),
    "params before the cell": (
        lambda: rx.unroll(PARAMS, CELL, XS),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got LSTMParams.",
    ),
    "xs before params": (
        lambda: rx.unroll(CELL, XS, PARAMS),
        ValueError,
        "rx.unroll: xs must have a time and a feature axis, …; got shape (4,).",
    ),
    "the class of a stack": (
        lambda: rx.unroll(rx.Stack, STACK_PARAMS, XS),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got type. Did you mean Stack(...)?",
    ),
    "the class of a Flax cell": (
        lambda: unroll(cell=nn.LSTMCell),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got type.",
    ),
    "a tuple of cells": (
        lambda: rx.unroll((CELL, GRU), STACK_PARAMS, XS),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got tuple.",
    ),
    "a cell that is not frozen in a stack": (
        lambda: rx.unroll(rx.Stack((CELL, NotFrozen(4))), STACK_PARAMS, XS),
        TypeError,
        "rx.unroll: rx.Stack must be hashable: a @dataclass(frozen=True) of sizes and options, …",
    ),
    # --- xs ---
    "xs none": (lambda: unroll(xs=None), ValueError, "rx.unroll: xs has no arrays."),
    "xs a dict for a cell of one array": (
        lambda: unroll(xs={"x": XS}),
        TypeError,
        "rx.unroll: xs is dict(x), which rx.LSTM does not take. rx.LSTM.init: in_features must be "
        "the size of one array; got {'x': 3}, …",
    ),
    "xs a tuple for a cell of one array": (
        lambda: stack(xs=(XS,)),
        TypeError,
        "rx.unroll: xs is tuple, which rx.Stack does not take. …",
    ),
    "xs without features": (
        lambda: unroll(xs=jnp.ones((2, 5, 0))),
        ValueError,
        "rx.unroll: xs has no features; got shape (2, 0).",
    ),
    "xs complex": (
        lambda: unroll(xs=XS.astype(complex)),
        TypeError,
        "rx.unroll: xs must be floating; got complex128. …",
    ),
    "xs boolean": (
        lambda: unroll(xs=FLAGS[..., None]),
        TypeError,
        "rx.unroll: xs must be floating; got bool. …",
    ),
    "xs text": (
        lambda: unroll(xs=np.full((2, 5, 3), "a")),
        TypeError,
        "rx.unroll: xs must be floating; got <U1. …",
    ),
    "xs objects": (
        lambda: unroll(xs=np.full((2, 5, 3), None)),
        TypeError,
        "rx.unroll: xs must be floating; got object. …",
    ),
    "xs dates": (
        lambda: unroll(xs=np.zeros((2, 5, 3), "datetime64[s]")),
        TypeError,
        "rx.unroll: xs must be floating; got datetime64[s]. …",
    ),
    "xs random keys": (
        lambda: unroll(xs=jax.random.split(KEY, (2, 5, 3))),
        TypeError,
        "rx.unroll: xs must be floating; got key<fry>. …",
    ),
    "xs masked": (
        lambda: unroll(xs=masked(np.ones((2, 5, 3)))),
        TypeError,
        "rx.unroll: xs is a masked array, whose mask would be lost; pass .data.",
    ),
    "xs of another framework": (
        lambda: unroll(xs=Tensor()),
        TypeError,
        "rx.unroll: xs must be an array; got Tensor.",
    ),
    "xs described": (
        lambda: unroll(xs=jax.ShapeDtypeStruct((2, 5, 3), float)),
        TypeError,
        "rx.unroll: xs must be an array; got ShapeDtypeStruct. Put the call inside jax.eval_shape.",
    ),
    "xs of a dtype that does not promote": (
        lambda: unroll(xs=XS.astype(jnp.float8_e4m3fn)),
        ValueError,
        "rx.unroll: params and inputs have the dtypes float64, float8_e4m3fn, which do not promote "
        "to one (see jax_numpy_dtype_promotion). Cast them, or say dtype=.",
    ),
    "xs of another size for a stack": (
        lambda: stack(xs=jnp.ones((2, 5, 7))),
        ValueError,
        "rx.unroll: xs has 7 features, but params[0].W.i was made for in_features=3; expected "
        "(7, 4), got (3, 4). Give xs with 3 features, or make params with init(key, 7).",
    ),
    "xs of another size for two directions": (
        lambda: both(xs=jnp.ones((2, 5, 7))),
        ValueError,
        "rx.unroll: xs has 7 features, but params.forward.W.i was made for in_features=3; …",
    ),
    "xs time-major beside a batch-major carry": (
        lambda: unroll(xs=jnp.ones((5, 2, 3)), carry=CARRY),
        ValueError,
        "rx.unroll: carry.h must have shape (5, 4), …; got (2, 4).",
    ),
    # --- arrays that were donated ---
    "xs deleted": (
        lambda: unroll(xs=deleted(XS)),
        ValueError,
        "rx.unroll: xs is an array that has been deleted, float64[2,5,3]. It was donated to a call "
        "of jax.jit, which took its memory; use what that call returned.",
    ),
    "params deleted": (
        lambda: unroll(params=PARAMS._replace(b=PARAMS.b.replace(o=deleted(PARAMS.b.o)))),
        ValueError,
        "rx.unroll: params.b.o is an array that has been deleted, float64[4]. …",
    ),
    "carry deleted": (
        lambda: unroll(carry=CARRY._replace(c=deleted(CARRY.c))),
        ValueError,
        "rx.unroll: carry.c is an array that has been deleted, float64[2,4]. …",
    ),
    "lengths deleted": (
        lambda: unroll(lengths=deleted(LENGTHS)),
        ValueError,
        "rx.unroll: lengths is an array that has been deleted, int64[2]. …",
    ),
    "mask deleted": (
        lambda: unroll(mask=deleted(FLAGS)),
        ValueError,
        "rx.unroll: mask is an array that has been deleted, bool[2,5]. …",
    ),
    "key deleted": (
        lambda: dropping(key=deleted(jax.random.PRNGKey(0))),
        ValueError,
        "rx.unroll: key is an array that has been deleted, uint32[2]. …",
    ),
    "inputs deleted": (
        lambda: ours_linen(deleted(XS)),
        ValueError,
        "rx.linen.RNN: inputs is an array that has been deleted, float64[2,5,3]. …",
    ),
    # --- lengths ---
    "lengths float": (
        lambda: unroll(lengths=jnp.array([3.0, 5.0])),
        TypeError,
        "rx.unroll: lengths must be integer; got float64.",
    ),
    "lengths negative": (
        lambda: unroll(lengths=jnp.array([-1, 5])),
        ValueError,
        "rx.unroll: lengths must be from 0 to 5, the number of steps of xs; got -1.",
    ),
    "lengths beyond the end": (
        lambda: unroll(lengths=np.array([3, 6])),
        ValueError,
        "rx.unroll: lengths must be from 0 to 5, the number of steps of xs; got 6.",
    ),
    "lengths without steps": (
        lambda: unroll(xs=XS[:, :0], lengths=LENGTHS),
        ValueError,
        "rx.unroll: lengths must be from 0 to 0, the number of steps of xs; got 5.",
    ),
    "lengths of another batch": (
        lambda: unroll(lengths=jnp.array([3, 5, 5])),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got (3,).",
    ),
    "lengths that would broadcast": (
        lambda: unroll(lengths=jnp.array([3])),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got (1,).",
    ),
    "lengths a column": (
        lambda: unroll(lengths=jnp.array([[3], [5]])),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got (2, 1).",
    ),
    "lengths a row": (
        lambda: stack(lengths=jnp.array([[3, 5]])),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got (1, 2).",
    ),
    "lengths one number for a batch": (
        lambda: unroll(lengths=3),
        ValueError,
        "rx.unroll: lengths must have shape (2,), the batch axes of xs; got ().",
    ),
    "lengths one number beyond the end": (
        lambda: unroll(xs=XS[0], lengths=9),
        ValueError,
        "rx.unroll: lengths must be from 0 to 5, the number of steps of xs; got 9.",
    ),
    "lengths for no batch": (
        lambda: unroll(xs=XS[0], lengths=jnp.array([3])),
        ValueError,
        "rx.unroll: lengths must have shape (), the batch axes of xs; got (1,).",
    ),
    "lengths boolean": (
        lambda: unroll(lengths=FLAGS[:, 0]),
        TypeError,
        "rx.unroll: lengths must be integer; got bool. A boolean array is a mask.",
    ),
    "lengths a mask": (
        lambda: both(lengths=FLAGS),
        TypeError,
        "rx.unroll: lengths must be integer; got bool. A boolean array is a mask.",
    ),
    "lengths true": (
        lambda: unroll(lengths=True),
        TypeError,
        "rx.unroll: lengths must be an array; got bool.",
    ),
    "lengths a list": (
        lambda: unroll(lengths=[3, 5]),
        TypeError,
        "rx.unroll: lengths must be an array; got list.",
    ),
    "lengths masked": (
        lambda: unroll(lengths=masked([3, 5])),
        TypeError,
        "rx.unroll: lengths is a masked array, whose mask would be lost; pass .data.",
    ),
    "lengths objects": (
        lambda: unroll(lengths=np.array([3, None], object)),
        TypeError,
        "rx.unroll: lengths must be integer; got object.",
    ),
    "lengths text": (
        lambda: unroll(lengths=np.array(["3", "5"])),
        TypeError,
        "rx.unroll: lengths must be integer; got <U1.",
    ),
    "lengths complex": (
        lambda: unroll(lengths=np.array([3j, 5])),
        TypeError,
        "rx.unroll: lengths must be integer; got complex128.",
    ),
    "lengths described": (
        lambda: unroll(lengths=jax.ShapeDtypeStruct((2,), int)),
        TypeError,
        "rx.unroll: lengths must be an array; got ShapeDtypeStruct. Put the call inside …",
    ),
    "lengths and mask": (
        lambda: unroll(lengths=LENGTHS, mask=FLAGS),
        ValueError,
        "rx.unroll: lengths and mask both say which steps count; give one of them.",
    ),
    "lengths and mask of a stack": (
        lambda: stack(lengths=LENGTHS, mask=FLAGS),
        ValueError,
        "rx.unroll: lengths and mask both say which steps count; give one of them.",
    ),
    "a list of lengths with a mask": (
        lambda: unroll(lengths=[3, 5], mask=FLAGS),
        ValueError,
        "rx.unroll: lengths and mask both say which steps count; give one of them.",
    ),
    # --- carries ---
    "carry with a part missing": (
        lambda: unroll(carry=CARRY._replace(c=None)),
        TypeError,
        "rx.unroll: carry.c must be an array; got NoneType.",
    ),
    "carry a dict": (
        lambda: unroll(carry=CARRY._asdict()),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got dict(h, c). …",
    ),
    "carry a list": (
        lambda: unroll(carry=[CARRY.h, CARRY.c]),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got list. …",
    ),
    "carry zero": (
        lambda: unroll(carry=0),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got int. …",
    ),
    "carry in a tuple": (
        lambda: unroll(carry=(CARRY,)),
        TypeError,
        "rx.unroll: carry must be LSTMCarry(h, c); got tuple. …",
    ),
    "carry of lists": (
        lambda: unroll(carry=rx.LSTM.Carry([[0.0] * 4] * 2, [[0.0] * 4] * 2)),
        TypeError,
        "rx.unroll: carry.h must be an array; got list.",
    ),
    "carry that would broadcast over time": (
        lambda: unroll(carry=CELL.initial_carry((1,))),
        ValueError,
        "rx.unroll: carry.h must have shape (2, 4), the batch axes of x and the state; got (1, 4).",
    ),
    "carry of one row": (
        lambda: unroll(carry=CELL.initial_carry()),
        ValueError,
        "rx.unroll: carry.h must have shape (2, 4), …; got (4,).",
    ),
    "carry with h and c exchanged over time": (
        lambda: rx.unroll(
            rx.LSTM(4, projection=2),
            rx.LSTM(4, projection=2).init(KEY, 3),
            XS,
            rx.LSTM.Carry(h=jnp.zeros((2, 4)), c=jnp.zeros((2, 2))),
        ),
        ValueError,
        "rx.unroll: carry.h must have shape (2, 2), …; got (2, 4).",
    ),
    "carry of a stack with too few layers": (
        lambda: stack(carry=STACK_CARRY[:1]),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got tuple(LSTMCarry). "
        "cell.initial_carry(batch_shape) makes one.",
    ),
    "carry of a stack with too many layers": (
        lambda: stack(carry=STACK_CARRY * 2),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got tuple(LSTMCarry, GRUCarry, "
        "LSTMCarry, GRUCarry). …",
    ),
    "carry of a stack empty": (
        lambda: stack(carry=()),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got tuple(). …",
    ),
    "carry of one layer for a stack": (
        lambda: stack(carry=CARRY),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got LSTMCarry. …",
    ),
    "carry of a stack a list": (
        lambda: stack(carry=list(STACK_CARRY)),
        TypeError,
        "rx.unroll: carry must be tuple(LSTMCarry, GRUCarry); got list(LSTMCarry, GRUCarry). …",
    ),
    "carry of a stack in another order": (
        lambda: stack(carry=STACK_CARRY[::-1]),
        TypeError,
        "rx.unroll: carry[0] must be LSTMCarry(h, c); got GRUCarry.",
    ),
    "carry of a stack without its top": (
        lambda: stack(carry=(CARRY, None)),
        TypeError,
        "rx.unroll: carry[1] must be GRUCarry(h); got NoneType.",
    ),
    "carry of a stack of another batch": (
        lambda: stack(carry=STACK.initial_carry((3,))),
        ValueError,
        "rx.unroll: carry[0].h must have shape (2, 4), …; got (3, 4).",
    ),
    "carry of a stack in a step": (
        lambda: STACK.step(STACK_PARAMS, STACK_CARRY[:1], X),
        TypeError,
        "rx.Stack.step: carry must be tuple(LSTMCarry, GRUCarry); got tuple(LSTMCarry). …",
    ),
    "carry of one direction": (
        lambda: both(carry=CARRY),
        TypeError,
        "rx.unroll: carry must be BidirectionalCarry(forward, backward); got LSTMCarry. …",
    ),
    "carry of two directions a pair": (
        lambda: both(carry=(CARRY, CARRY)),
        TypeError,
        "rx.unroll: carry must be BidirectionalCarry(forward, backward); got tuple. …",
    ),
    "carry without the way back": (
        lambda: both(carry=rx.Bidirectional.Carry(CARRY, None)),
        TypeError,
        "rx.unroll: carry.backward must be LSTMCarry(h, c); got NoneType.",
    ),
    "carry of two directions that would broadcast": (
        lambda: both(carry=BOTH.initial_carry((1,))),
        ValueError,
        "rx.unroll: carry.forward.h must have shape (2, 4), …; got (1, 4).",
    ),
    # --- reset_carry ---
    "reset_carry without resets": (
        lambda: unroll(reset_carry=CARRY),
        ValueError,
        "rx.unroll: reset_carry has no meaning without resets, which say where it is put in place.",
    ),
    "reset_carry of another batch": (
        lambda: reset(CELL.initial_carry((3,))),
        ValueError,
        "rx.unroll: reset_carry.h must have shape (2, 4), …; got (3, 4).",
    ),
    "reset_carry that would broadcast": (
        lambda: reset(CELL.initial_carry((1,))),
        ValueError,
        "rx.unroll: reset_carry.h must have shape (2, 4), …; got (1, 4).",
    ),
    "reset_carry of rows and one row": (
        lambda: reset(CARRY._replace(c=CARRY.c[0])),
        ValueError,
        "rx.unroll: reset_carry.c must have shape (2, 4), …; got (4,).",
    ),
    "reset_carry of another size": (
        lambda: reset(rx.LSTM(5).initial_carry()),
        ValueError,
        "rx.unroll: reset_carry.h must have shape (4,), …; got (5,).",
    ),
    "reset_carry a plain pair": (
        lambda: reset((CARRY.h, CARRY.c)),
        TypeError,
        "rx.unroll: reset_carry must be LSTMCarry(h, c); got tuple. …",
    ),
    "reset_carry a number": (
        lambda: reset(0.0),
        TypeError,
        "rx.unroll: reset_carry must be LSTMCarry(h, c); got float. …",
    ),
    "reset_carry with a part missing": (
        lambda: reset(CARRY._replace(c=None)),
        TypeError,
        "rx.unroll: reset_carry.c must be an array; got NoneType.",
    ),
    "reset_carry integer": (
        lambda: reset(jax.tree.map(lambda a: a.astype(int), CARRY)),
        TypeError,
        "rx.unroll: reset_carry.h must be floating; got int64. …",
    ),
    "reset_carry of one layer": (
        lambda: reset(STACK_CARRY[:1], stack),
        TypeError,
        "rx.unroll: reset_carry must be tuple(LSTMCarry, GRUCarry); got tuple(LSTMCarry). …",
    ),
    "reset_carry of one direction": (
        lambda: reset(CARRY, both),
        TypeError,
        "rx.unroll: reset_carry must be BidirectionalCarry(forward, backward); got LSTMCarry. …",
    ),
    # --- parameters of cells made of cells ---
    "params of one layer for a stack": (
        lambda: stack(params=PARAMS),
        TypeError,
        "rx.unroll: params must be tuple(LSTMParams, GateParams); got LSTMParams. Use cell.init, "
        "or rx.params_from_dict for nested dicts.",
    ),
    "params of a stack with too few layers": (
        lambda: stack(params=STACK_PARAMS[:1]),
        TypeError,
        "rx.unroll: params must be tuple(LSTMParams, GateParams); got tuple(LSTMParams). …",
    ),
    "params of a stack in another order": (
        lambda: stack(params=STACK_PARAMS[::-1]),
        TypeError,
        "rx.unroll: params[0] must be LSTMParams(W, U, b, P, V); got GateParams.",
    ),
    "params of a layer made for another size": (
        lambda: stack(params=(PARAMS, GRU_PARAMS)),
        ValueError,
        "rx.unroll: params[1].W.r was made for in_features=3, but sees 4 features there; expected "
        "(4, 4), got (3, 4). Make params with cell.init of the whole.",
    ),
    "params of dropout": (
        lambda: rx.unroll(DROPPING, (DROPPING_PARAMS[0], ()), XS),
        ValueError,
        "rx.unroll: params[1] must be None for this cell; got tuple.",
    ),
    "params of one direction": (
        lambda: both(params=PARAMS),
        TypeError,
        "rx.unroll: params must be BidirectionalParams(forward, backward); got LSTMParams. …",
    ),
    "params without a learned carry": (
        lambda: rx.unroll(LEARNED, PARAMS, XS),
        TypeError,
        "rx.unroll: params must be LearnedCarryParams(cell, carry); got LSTMParams. …",
    ),
    "a learned carry of all rows": (
        lambda: rx.unroll(LEARNED, LEARNED.init(KEY, 3)._replace(carry=CARRY), XS),
        ValueError,
        "rx.unroll: params.carry.h must have shape (4,); got (2, 4).",
    ),
    "a start from params without a learned carry": (
        lambda: LEARNED.initial_carry_from(PARAMS, (2,)),
        TypeError,
        "rx.LearnedCarry: params must be LearnedCarryParams(cell, carry); got LSTMParams.",
    ),
    "a start of a stack from params of one layer": (
        lambda: STACK.initial_carry_from(PARAMS, (2,)),
        TypeError,
        "rx.Stack: params must be a tuple of 2, one for each cell; got LSTMParams.",
    ),
    "gains missing": (
        lambda: rx.unroll(NORMED, NORMED_PARAMS._replace(gain={}), XS),
        ValueError,
        "rx.unroll: params.gain: expected U; missing U.",
    ),
    "gains of another size": (
        lambda: rx.unroll(
            NORMED,
            NORMED_PARAMS._replace(gain=jax.tree.map(lambda a: a[:1], NORMED_PARAMS.gain)),
            XS,
        ),
        ValueError,
        "rx.unroll: params.gain['U'].i must have shape (4,); got (1,).",
    ),
    "a user's parameters with one too many": (
        lambda: rx.unroll(Faulty(), {"K": jnp.ones((3, 4)), "Z": X}, XS),
        ValueError,
        "rx.unroll: params: expected K; unexpected Z.",
    ),
    # --- flags and names ---
    "pad unknown": (
        lambda: unroll(pad="edge"),
        ValueError,
        "rx.unroll: pad must be 'zero' or 'hold'; got 'edge'.",
    ),
    "pad a number": (
        lambda: unroll(pad=0.0),
        ValueError,
        "rx.unroll: pad must be 'zero' or 'hold'; got 0.0.",
    ),
    "order unknown": (
        lambda: unroll(order="time"),
        ValueError,
        "rx.unroll: order must be 'input' or 'processing'; got 'time'.",
    ),
    "order none": (
        lambda: unroll(order=None),
        ValueError,
        "rx.unroll: order must be 'input' or 'processing'; got None.",
    ),
    "order of processing in two directions": (
        lambda: both(order="processing", reverse=True),
        ValueError,
        "rx.unroll: the outputs of rx.Bidirectional, which runs in both directions, have no order "
        "of processing; leave the outputs in the order of the inputs.",
    ),
    "order of processing in two directions forward": (
        lambda: both(order="processing"),
        ValueError,
        "rx.unroll: the outputs of rx.Bidirectional, which runs in both directions, have no …",
    ),
    "order of processing of a layer in two directions": (
        lambda: ours_nnx(cell=BOTH, reverse=True),
        ValueError,
        "rx.nnx.RNN: the outputs of rx.Bidirectional, which runs in both directions, have no …",
    ),
    "reverse none": (
        lambda: unroll(reverse=None),
        TypeError,
        "rx.unroll: reverse must be True or False; got NoneType.",
    ),
    "return_carries text": (
        lambda: unroll(return_carries="all"),
        TypeError,
        "rx.unroll: return_carries must be True or False; got str.",
    ),
    "method unknown for two directions": (
        lambda: both(method="fast"),
        ValueError,
        "rx.unroll: method must be one of auto, …; got 'fast'.",
    ),
    "chunk a float": (
        lambda: stack(chunk=2.0),
        ValueError,
        "rx.unroll: chunk must be a positive number of time steps; got 2.0.",
    ),
    "time_axis a name": (
        lambda: unroll(time_axis="time"),
        TypeError,
        "rx.unroll: time_axis must be a whole number; got 'time'.",
    ),
    # --- key ---
    "key a seed": (
        lambda: dropping(key=0),
        TypeError,
        "rx.unroll: key must be a JAX random key such as jax.random.key(0); got 0.",
    ),
    "key a generator of NumPy": (
        lambda: dropping(key=np.random.default_rng(0)),
        TypeError,
        "rx.unroll: key must be a JAX random key such as jax.random.key(0); got Generator.",
    ),
    "key the streams of nnx": (
        lambda: dropping(key=nnx.Rngs(0)),
        TypeError,
        "rx.unroll: key must be a JAX random key such as jax.random.key(0); got Rngs.",
    ),
    "key a dict": (
        lambda: dropping(key={"dropout": KEY}),
        TypeError,
        "rx.unroll: key must be a JAX random key such as …; got dict(dropout).",
    ),
    "key a batch of keys": (
        lambda: dropping(key=jax.random.split(KEY, 2)),
        TypeError,
        "rx.unroll: key must be one JAX random key such as jax.random.key(0); got key<fry>[2].",
    ),
    "key a batch of raw keys": (
        lambda: dropping(key=jax.random.split(jax.random.PRNGKey(0), 2)),
        TypeError,
        "rx.unroll: key must be one JAX random key such as jax.random.key(0); got uint32[2,2].",
    ),
    "key raw, of another size": (
        lambda: dropping(key=jnp.ones(3, jnp.uint32)),
        TypeError,
        "rx.unroll: key must be one JAX random key such as jax.random.key(0); got uint32[3].",
    ),
    "key floats": (
        lambda: dropping(key=jnp.ones(2)),
        TypeError,
        "rx.unroll: key must be one JAX random key such as jax.random.key(0); got float64[2].",
    ),
    "key for a cell that draws nothing": (
        lambda: unroll(key=KEY),
        ValueError,
        "rx.unroll: key has no meaning with rx.LSTM, which draws no random numbers; leave it out.",
    ),
    "key for a stack that draws nothing": (
        lambda: stack(key=KEY),
        ValueError,
        "rx.unroll: key has no meaning with rx.Stack, which draws no random numbers; leave it out.",
    ),
    "key of init a batch": (
        lambda: STACK.init(jax.random.split(KEY, 2), 3),
        TypeError,
        "rx.Stack.init: key must be one JAX random key such as …; got key<fry>[2].",
    ),
    "key of init the streams of nnx": (
        lambda: CELL.init(nnx.Rngs(0), 3),
        TypeError,
        "rx.LSTM.init: key must be a JAX random key such as jax.random.key(0); got Rngs.",
    ),
    # --- dtype, carry_dtype ---
    "dtype unknown": (
        lambda: unroll(dtype="bf16"),
        TypeError,
        "rx.unroll: dtype must be a floating dtype such as 'bfloat16'; got 'bf16'.",
    ),
    "dtype integer": (
        lambda: unroll(dtype="int32"),
        TypeError,
        "rx.unroll: dtype must be a floating dtype; got int32.",
    ),
    "dtype complex": (
        lambda: unroll(dtype=complex),
        TypeError,
        "rx.unroll: dtype must be a floating dtype; got complex128.",
    ),
    "dtype an array": (
        lambda: unroll(dtype=np.ones(1)),
        TypeError,
        "rx.unroll: dtype must be a floating dtype such as 'bfloat16'; got array([1.]).",
    ),
    "dtype by field": (
        lambda: unroll(dtype={"c": "float32"}),
        TypeError,
        "rx.unroll: dtype must be a floating dtype such as 'bfloat16'; got {'c': 'float32'}.",
    ),
    "dtype a pair": (
        lambda: unroll(dtype=("float32", "bfloat16")),
        TypeError,
        "rx.unroll: dtype must be a floating dtype such as 'bfloat16'; got ('float32', …",
    ),
    "dtype longer than JAX has": (
        lambda: unroll(dtype=np.longdouble),
        TypeError,
        "rx.unroll: dtype must be a floating dtype; got …",
    ),
    "dtype float64 without x64": (
        lambda: single(lambda params, xs: rx.unroll(CELL, params, xs, dtype="float64")),
        ValueError,
        "rx.unroll: dtype=float64 needs jax.config.update('jax_enable_x64', True); without it JAX "
        "computes in float32.",
    ),
    "carry_dtype float64 without x64": (
        lambda: single(lambda params, xs: rx.unroll(CELL, params, xs, carry_dtype={"c": "f8"})),
        ValueError,
        "rx.unroll: carry_dtype['c']=float64 needs jax.config.update('jax_enable_x64', True); …",
    ),
    "carry_dtype of an unknown field": (
        lambda: unroll(carry_dtype={"z": "float32"}),
        ValueError,
        "rx.unroll: carry_dtype names 'z'; the carry of rx.LSTM has c, h.",
    ),
    "carry_dtype of an unknown field of a stack": (
        lambda: stack(carry_dtype={"forward": "float32"}),
        ValueError,
        "rx.unroll: carry_dtype names 'forward'; the carry of rx.Stack has c, h.",
    ),
    "carry_dtype without fields": (
        lambda: rx.unroll(rx.Dense(4), rx.Dense(4).init(KEY, 3), XS, carry_dtype={"h": "float32"}),
        ValueError,
        "rx.unroll: carry_dtype names 'h'; the carry of rx.Dense has no fields.",
    ),
    "carry_dtype integer": (
        lambda: unroll(carry_dtype={"c": "int32"}),
        TypeError,
        "rx.unroll: carry_dtype['c'] must be a floating dtype; got int32.",
    ),
    "carry_dtype a carry": (
        lambda: unroll(carry_dtype=rx.LSTM.Carry("float32", "float32")),
        TypeError,
        "rx.unroll: carry_dtype must be a floating dtype such as 'bfloat16'; got LSTMCarry(…",
    ),
    "carry_dtype unknown": (
        lambda: both(carry_dtype="half-ish"),
        TypeError,
        "rx.unroll: carry_dtype must be a floating dtype such as 'bfloat16'; got 'half-ish'.",
    ),
    "dtype of an initial carry": (
        lambda: STACK.initial_carry((2,), "floaty"),
        TypeError,
        "rx.Stack.initial_carry: dtype must be a floating dtype such as 'bfloat16'; got 'floaty'.",
    ),
    "dtype of an initial carry integer": (
        lambda: CELL.initial_carry((2,), int),
        TypeError,
        "rx.LSTM.initial_carry: dtype must be a floating dtype; got int64.",
    ),
    "batch_shape with none": (
        lambda: BOTH.initial_carry((None, 2)),
        TypeError,
        "rx.Bidirectional.initial_carry: batch_shape must be a tuple of sizes such as () or (32,); "
        "got (None, 2).",
    ),
    "batch_shape nested": (
        lambda: CELL.initial_carry(((2,), 3)),
        TypeError,
        "rx.LSTM.initial_carry: batch_shape must be a tuple of sizes …; got ((2,), 3).",
    ),
    # --- Stack ---
    "stack empty": (
        lambda: rx.Stack(()),
        TypeError,
        "rx.Stack: cells must be a tuple of cells, at least one; got ().",
    ),
    "stack of cells side by side": (
        lambda: rx.Stack(rx.Dropout(0.5), rx.Dropout(0.5)),
        TypeError,
        "Stack.__init__() takes 2 positional arguments but 3 were given",
    ),
    "stack with a class": (
        lambda: rx.Stack((CELL, rx.GRU)),
        TypeError,
        "rx.Stack: cells[1] must be a recurrax cell; got type. Did you mean GRU(features)?",
    ),
    "stack with none": (
        lambda: rx.Stack((CELL, None)),
        TypeError,
        "rx.Stack: cells[1] must be a recurrax cell; got NoneType.",
    ),
    "stack with a Flax cell": (
        lambda: rx.Stack((nn.LSTMCell(4),)),
        TypeError,
        "rx.Stack: cells[0] must be a recurrax cell; got LSTMCell.",
    ),
    "stack in a stack without Stack": (
        lambda: rx.Stack((CELL, (CELL, CELL))),
        TypeError,
        "rx.Stack: cells[1] must be a recurrax cell; got tuple.",
    ),
    "skip unknown": (
        lambda: rx.Stack((CELL,), skip="all"),
        ValueError,
        "rx.Stack: skip must be None or 'dense'; got 'all'.",
    ),
    "skip true": (
        lambda: rx.Stack((CELL,), skip=True),
        ValueError,
        "rx.Stack: skip must be None or 'dense'; got True.",
    ),
    "skip around two outputs": (
        lambda: rx.Stack((CELL, TWO), skip="dense").init(KEY, 3),
        ValueError,
        "rx.Stack: skip='dense' concatenates the outputs of all cells, but cells[1], "
        "rx.Bidirectional, puts out several, of sizes (4, 4).",
    ),
    "two outputs into a cell of one input": (
        lambda: rx.Stack((TWO, CELL)).init(KEY, 3),
        TypeError,
        "rx.LSTM.init: in_features must be the size of one array; got (4, 4), with which it …",
    ),
    "step of a stack in two directions": (
        lambda: BOTH_STACK.step(BOTH_STACK.init(KEY, 3), BOTH_STACK.initial_carry((2,)), X),
        AttributeError,
        "rx.Stack has no step: it runs in both directions, which needs the whole sequence; use "
        "rx.unroll.",
    ),
    "step in two directions": (
        lambda: BOTH.step(BOTH_PARAMS, BOTH_CARRY, X),
        AttributeError,
        "rx.Bidirectional has no step: it runs in both directions, which needs the whole sequence; "
        "use rx.unroll.",
    ),
    "in_features of a stack": (
        lambda: STACK.init(KEY, 3.0),
        TypeError,
        "rx.Stack.init: in_features must be a positive whole number; got 3.0.",
    ),
    "a part that does not say its size": (
        lambda: rx.Stack((Unsized(), CELL)).init(KEY, 3),
        NotImplementedError,
        "Unsized does not define out_features, the size of its output.",
    ),
    # --- Bidirectional, Residual ---
    "merge unknown": (
        lambda: rx.Bidirectional(CELL, merge="ave"),
        ValueError,
        "rx.Bidirectional: merge must be 'concat' or 'sum' or 'mul' or 'mean' or None; got 'ave'.",
    ),
    "merge false": (
        lambda: rx.Bidirectional(CELL, merge=False),
        ValueError,
        "rx.Bidirectional: merge must be …; got False.",
    ),
    "merge in the place of the way back": (
        lambda: rx.Bidirectional(CELL, "sum"),
        TypeError,
        "rx.Bidirectional: backward must be a recurrax cell; got str.",
    ),
    "two directions of a class": (
        lambda: rx.Bidirectional(rx.LSTM),
        TypeError,
        "rx.Bidirectional: forward must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "sum of unequal sizes": (
        lambda: rx.Bidirectional(CELL, rx.LSTM(5), merge="sum"),
        ValueError,
        "rx.Bidirectional: merge='sum' needs outputs of one size; forward has 4 features and "
        "backward 5.",
    ),
    "product of unequal sizes": (
        lambda: rx.Bidirectional(CELL, rx.GRU(5), merge="mul"),
        ValueError,
        "rx.Bidirectional: merge='mul' needs outputs of one size; …",
    ),
    "sum of pairs": (
        lambda: rx.Bidirectional(TWO, merge="sum"),
        ValueError,
        "rx.Bidirectional: merge='sum' needs one output from each direction; they put out (4, 4) "
        "and (4, 4). Use merge=None outside, or another merge inside.",
    ),
    "residual of a class": (
        lambda: rx.Residual(rx.LSTM),
        TypeError,
        "rx.Residual: cell must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "residual of a function": (
        lambda: rx.Residual(len),
        TypeError,
        "rx.Residual: cell must be a recurrax cell; got builtin_function_or_method.",
    ),
    "residual of unequal sizes": (
        lambda: rx.Residual(CELL).init(KEY, 3),
        ValueError,
        "rx.Residual: rx.LSTM must put out as many features as it takes, because x is added to "
        "them; it takes 3 and puts out 4.",
    ),
    "residual of unequal sizes in a stack": (
        lambda: rx.Stack((CELL, rx.Residual(rx.LSTM(5)))).init(KEY, 3),
        ValueError,
        "rx.Residual: rx.LSTM must put out …; it takes 4 and puts out 5.",
    ),
    "residual of two outputs": (
        lambda: rx.Residual(TWO).init(KEY, 8),
        ValueError,
        "rx.Residual: rx.Bidirectional must put out …; it takes 8 and puts out (4, 4).",
    ),
    "dense without features": (
        lambda: rx.Dense(0),
        ValueError,
        "rx.Dense: features must be a positive whole number; got 0.",
    ),
    "dense for another size": (
        lambda: rx.unroll(rx.Dense(4), rx.Dense(4).init(KEY, 2), XS),
        ValueError,
        "rx.unroll: params.W must have shape (3, 4); got (2, 4).",
    ),
    # --- dropout and its like ---
    "rate one": (
        lambda: rx.Dropout(1.0),
        ValueError,
        "rx.Dropout: rate must be from 0 to below 1; got 1.0.",
    ),
    "rate negative": (
        lambda: rx.DropConnect(CELL, -0.1),
        ValueError,
        "rx.DropConnect: rate must be from 0 to below 1; got -0.1.",
    ),
    "rate not a number": (
        lambda: rx.RecurrentDropout(CELL, float("nan")),
        ValueError,
        "rx.RecurrentDropout: rate must be from 0 to below 1; got nan.",
    ),
    "rate true": (
        lambda: rx.Dropout(True),
        TypeError,
        "rx.Dropout: rate must be from 0 to below 1; got True.",
    ),
    "rate text": (
        lambda: rx.VariationalDropout(CELL, input="0.5"),
        TypeError,
        "rx.VariationalDropout: input must be from 0 to below 1; got '0.5'.",
    ),
    "rate an array": (
        lambda: rx.Dropout(np.ones(2)),
        TypeError,
        "rx.Dropout: rate must be from 0 to below 1; got array([1., 1.]).",
    ),
    "recurrent rate in percent": (
        lambda: rx.VariationalDropout(CELL, recurrent=50),
        ValueError,
        "rx.VariationalDropout: recurrent must be from 0 to below 1; got 50.",
    ),
    "per unknown": (
        lambda: rx.Dropout(0.5, per="sequence"),
        ValueError,
        "rx.Dropout: per must be 'step' or 'run'; got 'sequence'.",
    ),
    "per none": (
        lambda: rx.RecurrentDropout(CELL, 0.5, per=None),
        ValueError,
        "rx.RecurrentDropout: per must be 'step' or 'run'; got None.",
    ),
    "per_gate text": (
        lambda: rx.VariationalDropout(CELL, per_gate="yes"),
        ValueError,
        "rx.VariationalDropout: per_gate must be False or True; got 'yes'.",
    ),
    "dropout around a class": (
        lambda: rx.VariationalDropout(rx.LSTM),
        TypeError,
        "rx.VariationalDropout: cell must be a recurrax cell; got type. Did you mean …",
    ),
    "dropout around two directions": (
        lambda: rx.VariationalDropout(BOTH, input=0.5),
        TypeError,
        "rx.VariationalDropout: cell must be a recurrax cell; got Bidirectional. It runs in both "
        "directions and has no step; wrap its cells.",
    ),
    "variational dropout of a stack": (
        lambda: run_variational(STACK, STACK_PARAMS),
        TypeError,
        "rx.VariationalDropout: the parameters of rx.Stack have no recurrent kernels, a field that "
        "holds Gates with axes ('h', 'gate'). …",
    ),
    "weights dropped of a layer without recurrence": (
        lambda: rx.unroll(rx.DropConnect(rx.Dense(4), 0.5), rx.Dense(4).init(KEY, 3), XS, key=KEY),
        TypeError,
        "rx.DropConnect: the parameters of rx.Dense have no recurrent kernels, …",
    ),
    "weights normed of a layer without recurrence": (
        lambda: rx.WeightNorm(rx.Dense(4)).init(KEY, 3),
        TypeError,
        "rx.WeightNorm: the parameters of rx.Dense have no recurrent kernels, …",
    ),
    "recurrent dropout of a wrapper": (
        lambda: rx.RecurrentDropout(rx.Zoneout(CELL, 0.1), 0.5),
        TypeError,
        "rx.RecurrentDropout: rx.Zoneout has no option candidate_fn, …",
    ),
    "zoneout rate one": (
        lambda: rx.Zoneout(CELL, 1.0),
        ValueError,
        "rx.Zoneout: rate must be from 0 to below 1; got 1.0.",
    ),
    "zoneout of an unknown field": (
        lambda: rx.Zoneout(CELL, {"z": 0.5}),
        ValueError,
        "rx.Zoneout: rate names 'z'; the carry of rx.LSTM has h, c.",
    ),
    "zoneout of a field with a wrong rate": (
        lambda: rx.Zoneout(CELL, {"c": 1.5}),
        ValueError,
        "rx.Zoneout: rate['c'] must be from 0 to below 1; got 1.5.",
    ),
    "zoneout of a field with a flag": (
        lambda: rx.Zoneout(CELL, {"c": True}),
        TypeError,
        "rx.Zoneout: rate['c'] must be from 0 to below 1; got True.",
    ),
    "zoneout rates without names": (
        lambda: rx.Zoneout(CELL, (0.5, 0.05)),
        TypeError,
        "rx.Zoneout: rate must be a number or a dict for the carry of rx.LSTM, a NamedTuple; got "
        "(0.5, 0.05).",
    ),
    "zoneout rate text": (
        lambda: rx.Zoneout(CELL, "0.5"),
        TypeError,
        "rx.Zoneout: rate must be a number or a dict …; got '0.5'.",
    ),
    "zoneout of a stack": (
        lambda: rx.Zoneout(STACK, 0.5),
        TypeError,
        "rx.Zoneout: rate must be a number or a dict for the carry of rx.Stack, a NamedTuple; …",
    ),
    "rate in the place of the cell": (
        lambda: rx.Zoneout(0.5, CELL),
        TypeError,
        "rx.Zoneout: cell must be a recurrax cell; got float.",
    ),
    "a learned carry of two directions": (
        lambda: rx.LearnedCarry(BOTH),
        TypeError,
        "rx.LearnedCarry: cell must be a recurrax cell; got Bidirectional. It runs in both …",
    ),
    # --- users' cells ---
    "a step that returns no pair": (
        lambda: faulty(lambda h: h),
        TypeError,
        "rx.unroll: Faulty.step must return a pair, (carry, y); it returned …",
    ),
    "a step that returns three": (
        lambda: faulty(lambda h: (FaultyCarry(h), h, h)),
        TypeError,
        "rx.unroll: Faulty.step must return a pair, (carry, y); it returned …",
    ),
    "a step whose output has no batch": (
        lambda: faulty(lambda h: (FaultyCarry(h), 1.0)),
        ValueError,
        "rx.unroll: Faulty.step must return outputs that begin with the batch axes of x, (2,); it "
        "returned one of shape ().",
    ),
    "a step that returns a list as its carry": (
        lambda: faulty(lambda h: ([h], h)),
        TypeError,
        "rx.unroll: Faulty.step must return the carry as it took it, …",
    ),
    "noise an array": (
        lambda: faulty(drawn=jnp.ones(5), key=KEY),
        TypeError,
        "rx.unroll: Faulty.noise must return a Noise or None; it returned float64[5].",
    ),
    "noise for another number of steps": (
        lambda: faulty(drawn=Noise(step=jnp.ones((3, 2, 4))), key=KEY),
        ValueError,
        "rx.unroll: Faulty.noise must put time first in step, 5 entries; it returned shape "
        "(3, 2, 4).",
    ),
    # --- Stream ---
    "stream of a class": (
        lambda: stream(rx.LSTM),
        TypeError,
        "rx.Stream: cell must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "stream in two directions": (
        lambda: stream(BOTH, BOTH_PARAMS),
        ValueError,
        "rx.Stream: rx.Bidirectional runs in both directions and needs the whole sequence; a "
        "stream needs a cell that runs forward.",
    ),
    "stream of a stack in two directions": (
        lambda: stream(rx.Stack((BOTH,)), (BOTH_PARAMS,)),
        ValueError,
        "rx.Stream: rx.Stack runs in both directions and needs the whole sequence; …",
    ),
    "stream with unknown options": (
        lambda: stream(reverse=True, lengths=LENGTHS),
        TypeError,
        "rx.Stream: unknown options lengths, reverse; there are dtype, carry_dtype, method and "
        "chunk.",
    ),
    "stream with a key": (
        lambda: stream(DROPPING, DROPPING_PARAMS, key=KEY),
        TypeError,
        "rx.Stream: unknown options key; …",
    ),
    "stream in an unknown dtype": (
        lambda: stream(dtype="bf16"),
        TypeError,
        "rx.Stream: dtype must be a floating dtype such as 'bfloat16'; got 'bf16'.",
    ),
    "stream with a carry_dtype of an unknown field": (
        lambda: stream(carry_dtype={"z": "float32"}),
        ValueError,
        "rx.Stream: carry_dtype names 'z'; the carry of rx.LSTM has c, h.",
    ),
    "stream by an unknown method": (
        lambda: stream(method="fast"),
        ValueError,
        "rx.Stream: method must be one of auto, …; got 'fast'.",
    ),
    "stream with a batch size": (
        lambda: stream(batch_shape=2),
        TypeError,
        "rx.LSTM.initial_carry: batch_shape must be a tuple of sizes such as () or (32,); got 2.",
    ),
    "stream with a carry of another batch": (
        lambda: stream(carry=CELL.initial_carry((3,))),
        ValueError,
        "rx.Stream: carry.h must have shape (2, 4), …; got (3, 4).",
    ),
    "stream with params of one layer": (
        lambda: stream(STACK, PARAMS),
        TypeError,
        "rx.Stack: params must be a tuple of 2, one for each cell; got LSTMParams.",
    ),
    "stream with params of another cell": (
        lambda: stream(CELL, GRU_PARAMS)(X),
        TypeError,
        "rx.Stream: params must be LSTMParams(W, U, b, P, V); got GateParams. …",
    ),
    "stream fed another batch": (
        lambda: stream()(jnp.ones((3, 3))),
        ValueError,
        "rx.Stream: x must have shape (2, in_features), beginning with the batch axes of the "
        "stream; got (3, 3).",
    ),
    "stream fed one row": (
        lambda: stream()(jnp.ones(3)),
        ValueError,
        "rx.Stream: x must have shape (2, in_features), …; got (3,).",
    ),
    "stream fed a number": (
        lambda: stream(batch_shape=())(jnp.ones(())),
        ValueError,
        "rx.Stream: x must have shape (in_features), …; got ().",
    ),
    "stream fed a sequence": (
        lambda: stream()(XS),
        ValueError,
        "rx.Stream: x must have shape (2, in_features), …; got (2, 5, 3).",
    ),
    "stream fed another size": (
        lambda: stream()(jnp.ones((2, 7))),
        ValueError,
        "rx.Stream: x has 7 features, but params.W.i was made for in_features=3; …",
    ),
    "stream fed integers": (
        lambda: stream()(jnp.ones((2, 3), int)),
        TypeError,
        "rx.Stream: x must be floating; got int64. …",
    ),
    "stream fed a list": (
        lambda: stream()([1.0, 2.0, 3.0]),
        TypeError,
        "rx.Stream: x must be an array; got float.",
    ),
    "stream inside jit": (
        lambda: jax.jit(stream())(X),
        TypeError,
        "rx.Stream: x is traced, but a stream keeps its carry and cannot be used inside jax.jit "
        "and its like; use rx.unroll there.",
    ),
    "stream unrolled time-major": (
        lambda: stream().unroll(jnp.ones((5, 2, 3))),
        ValueError,
        "rx.Stream: xs must have shape (2, time, in_features), beginning with the batch axes of "
        "the stream; got (5, 2, 3).",
    ),
    "stream unrolled over one step": (
        lambda: stream().unroll(X),
        ValueError,
        "rx.Stream: xs must have shape (2, time, in_features), …; got (2, 3).",
    ),
    "stream unrolled over lengths beyond the end": (
        lambda: stream().unroll(XS, lengths=jnp.array([3, 9])),
        ValueError,
        "rx.Stream: lengths must be from 0 to 5, the number of steps of xs; got 9.",
    ),
    "stream unrolled over a mask and lengths": (
        lambda: stream().unroll(XS, lengths=LENGTHS, mask=FLAGS),
        ValueError,
        "rx.Stream: lengths and mask both say which steps count; give one of them.",
    ),
    "stream's carry of another structure": (
        lambda: setattr(stream(), "carry", CARRY.h),
        TypeError,
        "rx.Stream: carry must be LSTMCarry(h, c); got float64[2,4]. …",
    ),
    "stream reset in rows by number": (
        lambda: stream().reset(1),
        TypeError,
        "rx.Stream: rows must be an array; got int.",
    ),
    "stream reset in rows by integers": (
        lambda: stream().reset(jnp.array([0, 1])),
        TypeError,
        "rx.Stream: rows must be boolean; got int64. Convert it with rows.astype(bool).",
    ),
    "stream reset in rows of another batch": (
        lambda: stream().reset(jnp.array([True])),
        ValueError,
        "rx.Stream: rows must have shape (2,), the batch axes of the stream; got (1,).",
    ),
    # --- unroll_truncated ---
    "k1 zero": (
        lambda: truncated(k1=0),
        ValueError,
        "rx.unroll_truncated: k1 must be a positive number of steps; got 0.",
    ),
    "k1 a float": (
        lambda: truncated(k1=2.0),
        ValueError,
        "rx.unroll_truncated: k1 must be a positive number of steps; got 2.0.",
    ),
    "k1 true": (
        lambda: truncated(k1=True),
        ValueError,
        "rx.unroll_truncated: k1 must be a positive number of steps; got True.",
    ),
    "k2 zero": (
        lambda: truncated(k2=0),
        ValueError,
        "rx.unroll_truncated: k2 must be a positive number of steps; got 0.",
    ),
    "k2 no multiple": (
        lambda: truncated(k2=3),
        ValueError,
        "rx.unroll_truncated: k2 must be a multiple of k1=2; got 3.",
    ),
    "k2 below k1": (
        lambda: truncated(k1=4, k2=2),
        ValueError,
        "rx.unroll_truncated: k2 must be a multiple of k1=4; got 2.",
    ),
    "truncated and reversed": (
        lambda: truncated(reverse=True),
        TypeError,
        "rx.unroll_truncated: reverse cannot be combined with truncated gradients; use rx.unroll.",
    ),
    "truncated with a key": (
        lambda: truncated(DROPPING, DROPPING_PARAMS, key=KEY),
        TypeError,
        "rx.unroll_truncated: key cannot be combined with truncated gradients; use rx.unroll.",
    ),
    "truncated in two directions": (
        lambda: truncated(BOTH, BOTH_PARAMS),
        ValueError,
        "rx.unroll_truncated: rx.Bidirectional runs in both directions and needs the whole "
        "sequence; truncated gradients need a cell that runs forward.",
    ),
    "truncated with an unknown option": (
        lambda: truncated(stride=3),
        TypeError,
        "…unexpected keyword argument 'stride'…",
    ),
    "truncated with lengths beyond the end": (
        lambda: truncated(lengths=jnp.array([3, 9])),
        ValueError,
        "rx.unroll_truncated: lengths must be from 0 to 5, the number of steps of xs; got 9.",
    ),
    "truncated with a reset_carry of another structure": (
        lambda: truncated(resets=FLAGS, reset_carry=CARRY.h),
        TypeError,
        "rx.unroll_truncated: reset_carry must be LSTMCarry(h, c); got float64[2,4]. …",
    ),
    # --- pieces ---
    "pieces of too short a record": (
        lambda: rx.pieces(np.arange(4), 2, 5),
        ValueError,
        "rx.pieces: data has 4 entries; one piece of 2 rows and 5 steps needs 11.",
    ),
    "pieces without rows": (
        lambda: rx.pieces(np.arange(21), 0, 5),
        ValueError,
        "rx.pieces: rows must be a whole number from 1 on; got 0.",
    ),
    "pieces without steps": (
        lambda: rx.pieces(np.arange(21), 2, -5),
        ValueError,
        "rx.pieces: steps must be a whole number from 1 on; got -5.",
    ),
    "pieces from a negative one on": (
        lambda: rx.pieces(np.arange(21), 2, 5, start=-1),
        ValueError,
        "rx.pieces: start must be a whole number from 0 on; got -1.",
    ),
    "pieces of arrays that differ": (
        lambda: rx.pieces((np.arange(21), np.arange(20)), 2, 5),
        ValueError,
        "rx.pieces: the arrays of data differ in entries: [20, 21].",
    ),
    "pieces of a list": (
        lambda: rx.pieces([1, 2, 3], 1, 1),
        TypeError,
        "rx.pieces: data must be arrays (entries, ...) in order of time; got list.",
    ),
    "pieces of a masked array": (
        lambda: rx.pieces(masked(np.arange(21)), 2, 5),
        TypeError,
        "rx.pieces: data is a masked array, whose mask would be lost; pass .data.",
    ),
    "pieces with starts by number": (
        lambda: rx.pieces(np.arange(21), 2, 5, starts=np.array([3, 7])),
        ValueError,
        "rx.pieces: starts must be boolean, (21,), one for each entry; got int64[2].",
    ),
    "pieces with starts in a ragged list": (
        lambda: rx.pieces(np.arange(21), 2, 5, starts=[[True], [True, False]]),
        TypeError,
        "rx.pieces: starts must be an array; got list.",
    ),
    "a piece before the first": (
        lambda: rx.pieces(np.arange(21), 2, 5).piece(-1),
        IndexError,
        "rx.pieces: pieces are numbered from 0 to 1; got -1.",
    ),
    "a piece after the last": (
        lambda: rx.pieces(np.arange(21), 2, 5).piece(2),
        IndexError,
        "rx.pieces: pieces are numbered from 0 to 1; got 2.",
    ),
    # --- the Flax layers ---
    "linen: a class": (
        lambda: rx.linen.RNN(rx.LSTM),
        TypeError,
        "rx.linen.RNN: cell must be a recurrax cell or a flax.linen.RNNCellBase; got type. Did you "
        "mean LSTM(features)?",
    ),
    "linen: the class of a Flax cell": (
        lambda: rx.linen.RNN(nn.GRUCell),
        TypeError,
        "rx.linen.RNN: cell must be …; got type. Did you mean GRUCell(features)?",
    ),
    "linen: a tuple of cells": (
        lambda: rx.linen.RNN((CELL, GRU)),
        TypeError,
        "rx.linen.RNN: cell must be a recurrax cell or a flax.linen.RNNCellBase; got tuple.",
    ),
    "linen: Cell of a class": (
        lambda: rx.linen.Cell(rx.LSTM),
        TypeError,
        "rx.linen.Cell: cell must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "linen: Cell in two directions": (
        lambda: rx.linen.Cell(BOTH).init(KEY, BOTH_CARRY, X),
        AttributeError,
        "rx.Bidirectional has no step: it runs in both directions, which needs the whole …",
    ),
    "linen: pad unknown": (
        lambda: rx.linen.RNN(CELL, pad="edge").init(KEY, XS),
        ValueError,
        "rx.linen.RNN: pad must be 'zero' or 'hold'; got 'edge'.",
    ),
    "linen: lengths by recurrax's name": (
        lambda: ours_linen(lengths=LENGTHS),
        TypeError,
        "…unexpected keyword argument 'lengths'…",
    ),
    "linen: dtype unknown": (
        lambda: rx.linen.RNN(CELL, dtype="bf16").init(KEY, XS),
        TypeError,
        "rx.linen.RNN: dtype must be a floating dtype such as 'bfloat16'; got 'bf16'.",
    ),
    "linen: param_dtype unknown": (
        lambda: rx.linen.RNN(CELL, param_dtype="floaty"),
        TypeError,
        "rx.linen.RNN: param_dtype must be a floating dtype such as 'bfloat16'; got 'floaty'.",
    ),
    "linen: carry_dtype of an unknown field": (
        lambda: rx.linen.RNN(CELL, carry_dtype={"z": "float32"}).init(KEY, XS),
        ValueError,
        "rx.linen.RNN: carry_dtype names 'z'; the carry of rx.LSTM has c, h.",
    ),
    "linen: dtype with a Flax cell": (
        lambda: rx.linen.RNN(nn.LSTMCell(4), dtype="bfloat16"),
        ValueError,
        "rx.linen.RNN: dtype is for recurrax cells; a Flax cell has its own, as in "
        "nn.LSTMCell(64, dtype=jnp.bfloat16).",
    ),
    "linen: param_dtype with a Flax cell": (
        lambda: rx.linen.RNN(nn.LSTMCell(4), param_dtype=jnp.float64),
        ValueError,
        "rx.linen.RNN: param_dtype is for recurrax cells; a Flax cell has its own, …",
    ),
    "linen: deterministic with a Flax cell": (
        lambda: flax_linen(deterministic=True),
        ValueError,
        "rx.linen.RNN: deterministic is for recurrax cells; a Flax cell has its own attributes.",
    ),
    "linen: deterministic left open": (
        lambda: dropping_linen(rngs={"dropout": KEY}),
        ValueError,
        "rx.linen.RNN: rx.Stack draws random numbers in training; say deterministic=True or False, "
        "in the call or as an attribute.",
    ),
    "linen: deterministic left open in init": (
        lambda: DROPPING_LINEN.init(KEY, XS),
        ValueError,
        "rx.linen.RNN: rx.Stack draws random numbers in training; say deterministic=True or …",
    ),
    "linen: deterministic a number": (
        lambda: dropping_linen(deterministic=0),
        TypeError,
        "rx.linen.RNN: deterministic must be True or False; got int.",
    ),
    "linen: training without a key": (
        lambda: dropping_linen(deterministic=False),
        ValueError,
        "rx.linen.RNN: deterministic=False needs a random key in the call, as in "
        "layer.apply(variables, xs, rngs={'dropout': key}).",
    ),
    "linen: an array for a group": (
        lambda: errors.linen(errors.tree(W=XS)),
        ValueError,
        "rx.linen.RNN: params.cell.W: expected a dict with i, f, g, o; got float64[2,5,3].",
    ),
    "linen: kernels transposed": (
        lambda: errors.linen(jax.tree.map(lambda a: a.T, errors.VARIABLES)),
        ValueError,
        "rx.linen.RNN: params.W.i must have shape (3, 4); got (4, 3). It looks transposed: …",
    ),
    "linen: text": (
        lambda: ours_linen(np.full((2, 5, 3), "a")),
        TypeError,
        "rx.linen.RNN: inputs must be floating; got <U1. …",
    ),
    "linen: text for a Flax cell": (
        lambda: flax_linen(np.full((2, 5, 3), "a")),
        TypeError,
        "rx.linen.RNN: inputs must be floating; got <U1. …",
    ),
    "linen: another size for a Flax cell": (
        lambda: flax_linen(jnp.ones((2, 5, 7))),
        ValueError,
        "rx.linen.RNN: the Flax cell does not take a step of inputs, float64[2,7], with the carry "
        "('float64[2,4]', 'float64[2,4]'): …",
    ),
    "linen: a carry for a Flax cell that would broadcast": (
        lambda: flax_linen(initial_carry=(jnp.ones((1, 4)),) * 2),
        TypeError,
        "rx.linen.RNN: carry[0] is float64[1,4], but the Flax cell returns it as float64[2,4]; a "
        "step must keep the shape of its carry.",
    ),
    "linen: a reset_carry for a Flax cell with a part missing": (
        lambda: flax_linen(resets=FLAGS, reset_carry=(jnp.ones((2, 4)),)),
        TypeError,
        "rx.linen.RNN: reset_carry must be tuple(float64[2,4], float64[2,4]); got "
        "tuple(float64[2,4]). cell.initialize_carry makes one.",
    ),
    "linen: a reset_carry for a Flax cell that would broadcast": (
        lambda: flax_linen(resets=FLAGS, reset_carry=(jnp.ones((1, 4)),) * 2),
        ValueError,
        "rx.linen.RNN: reset_carry[0] must have shape (2, 4), …; got (1, 4).",
    ),
    "nnx: a class": (
        lambda: rx.nnx.RNN(rx.GRU, 3, rngs=nnx.Rngs(0)),
        TypeError,
        "rx.nnx.RNN: cell must be a recurrax cell or a flax.nnx.RNNCellBase; got type. Did you "
        "mean GRU(features)?",
    ),
    "nnx: a key in the place of rngs": (
        lambda: rx.nnx.RNN(CELL, 3, rngs=KEY),
        TypeError,
        "rx.nnx.RNN: a recurrax cell needs in_features and rngs, …, rngs=key<fry>[].",
    ),
    "nnx: a shape in the place of in_features": (
        lambda: rx.nnx.RNN(CELL, XS.shape, rngs=nnx.Rngs(0)),
        TypeError,
        "rx.LSTM.init: in_features must be the size of one array; got (2, 5, 3), with which it …",
    ),
    "nnx: Cell of a class": (
        lambda: rx.nnx.Cell(rx.LSTM, 3, rngs=nnx.Rngs(0)),
        TypeError,
        "rx.nnx.Cell: cell must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "nnx: Cell with a key": (
        lambda: rx.nnx.Cell(CELL, 3, rngs=KEY),
        TypeError,
        "rx.nnx.Cell: rngs must be nnx.Rngs, as in nnx.Rngs(0); got key<fry>[].",
    ),
    "nnx: pad unknown": (
        lambda: rx.nnx.RNN(CELL, 3, rngs=nnx.Rngs(0), pad="edge")(XS),
        ValueError,
        "rx.nnx.RNN: pad must be 'zero' or 'hold'; got 'edge'.",
    ),
    "nnx: param_dtype integer": (
        lambda: rx.nnx.RNN(CELL, 3, rngs=nnx.Rngs(0), param_dtype=int),
        TypeError,
        "rx.nnx.RNN: param_dtype must be a floating dtype; got int64.",
    ),
    "nnx: carry_dtype with a Flax cell": (
        lambda: rx.nnx.RNN(nnx.GRUCell(3, 4, rngs=nnx.Rngs(0)), carry_dtype="float32"),
        ValueError,
        "rx.nnx.RNN: carry_dtype is for recurrax cells; a Flax cell has its own, …",
    ),
    "linen: partitioning a list": (
        lambda: rx.linen.RNN(CELL, partitioning=[None, "model"]).init(KEY, XS),
        TypeError,
        "rx.linen.RNN: partitioning must be a dict such as {'U': (None, 'model')}; got …",
    ),
    "linen: partitioning of an unknown group": (
        lambda: rx.linen.RNN(CELL, partitioning={"Q": (None, "model")}).init(KEY, XS),
        ValueError,
        "rx.linen.RNN: partitioning names 'Q'; the parameters have U, W, b, f, g, i, o.",
    ),
    "linen: partitioning of too few axes": (
        lambda: rx.linen.RNN(CELL, partitioning={"U": ("model",)}).init(KEY, XS),
        ValueError,
        "rx.linen.RNN: partitioning names 1 axes, ('model',), for an array of shape (4, 4).",
    ),
    "linen: partitioning of a Flax cell": (
        lambda: rx.linen.RNN(nn.LSTMCell(4), partitioning={"kernel": (None, "model")}),
        ValueError,
        "rx.linen.RNN: partitioning is for recurrax cells; a Flax cell has its own, …",
    ),
    "nnx: partitioning by a name": (
        lambda: rx.nnx.RNN(CELL, 3, rngs=nnx.Rngs(0), partitioning={"b": "model"}),
        TypeError,
        "rx.nnx.RNN: partitioning['b'] must be a tuple of names of mesh axes; got 'model'.",
    ),
    "nnx: deterministic with a Flax cell": (
        lambda: flax_nnx(deterministic=False),
        ValueError,
        "rx.nnx.RNN: deterministic is for recurrax cells; a Flax cell has its own attributes.",
    ),
    "nnx: deterministic left open": (
        lambda: ours_nnx(cell=DROPPING, rngs=nnx.Rngs(0)),
        ValueError,
        "rx.nnx.RNN: rx.Stack draws random numbers in training; say deterministic=True or False, …",
    ),
    "nnx: deterministic text": (
        lambda: ours_nnx(cell=DROPPING, deterministic="no"),
        TypeError,
        "rx.nnx.RNN: deterministic must be True or False; got str.",
    ),
    "nnx: training without rngs": (
        lambda: ours_nnx(cell=DROPPING, deterministic=False),
        ValueError,
        "rx.nnx.RNN: deterministic=False needs rngs in the call, as in "
        "layer(xs, rngs=nnx.Rngs(dropout=0)); got NoneType.",
    ),
    "nnx: training with a key": (
        lambda: ours_nnx(cell=DROPPING, deterministic=False, rngs=KEY),
        ValueError,
        "rx.nnx.RNN: deterministic=False needs rngs in the call, …; got key<fry>[].",
    ),
    "nnx: training without the stream": (
        lambda: ours_nnx(cell=DROPPING, deterministic=False, rngs=nnx.Rngs(params=0)),
        ValueError,
        "rx.nnx.RNN: deterministic=False needs rngs in the call, …; got no stream 'dropout'.",
    ),
    "nnx: an initial carry of Flax": (
        lambda: ours_nnx(initial_carry=(CARRY.c, CARRY.h)),
        TypeError,
        "rx.nnx.RNN: initial_carry must be LSTMCarry(h, c); got tuple. …",
    ),
    "nnx: an initial carry that would broadcast": (
        lambda: ours_nnx(initial_carry=CELL.initial_carry((1,))),
        ValueError,
        "rx.nnx.RNN: initial_carry.h must have shape (2, 4), …; got (1, 4).",
    ),
    "nnx: another size for a Flax cell": (
        lambda: flax_nnx(jnp.ones((2, 5, 7))),
        TypeError,
        "rx.nnx.RNN: the Flax cell does not take a step of inputs, float64[2,7], with the carry …",
    ),
    "nnx: a carry for a Flax cell of another batch": (
        lambda: flax_nnx(initial_carry=(jnp.ones((3, 4)),) * 2),
        TypeError,
        "rx.nnx.RNN: the Flax cell does not take a step of inputs, float64[2,3], with the carry "
        "('float64[3,4]', 'float64[3,4]'): …",
    ),
}

# A mask and resets are asked the same of.
for NAME in ("mask", "resets"):
    WRONG = {
        "integer": (FLAGS.astype(int), TypeError, "must be boolean; got int64. Convert it with …"),
        "float": (FLAGS.astype(float), TypeError, "must be boolean; got float64. Convert it …"),
        "objects": (np.full((2, 5), True, object), TypeError, "must be boolean; got object. …"),
        "lengths": (LENGTHS, TypeError, "must be boolean; got int64. …"),
        "of another length": (
            FLAGS[:, :4],
            ValueError,
            "must have shape (2, 5), the batch and time axes of xs; got (2, 4).",
        ),
        "of another batch": (
            jnp.ones((3, 5), bool),
            ValueError,
            "must have shape (2, 5), the batch and time axes of xs; got (3, 5).",
        ),
        "transposed": (
            FLAGS.T,
            ValueError,
            "must have shape (2, 5), the batch and time axes of xs; got (5, 2). Time and batch are "
            "exchanged.",
        ),
        "of one row": (FLAGS[0], ValueError, "must have shape (2, 5), …; got (5,)."),
        "that would broadcast": (FLAGS[:1], ValueError, "must have shape (2, 5), …; got (1, 5)."),
        "with features": (
            FLAGS[..., None],
            ValueError,
            "must have shape (2, 5), …; got (2, 5, 1).",
        ),
        "a list": ([[True] * 5] * 2, TypeError, "must be an array; got list."),
        "true": (True, TypeError, "must be an array; got bool."),
        "masked": (masked(FLAGS), TypeError, "is a masked array, whose mask would be lost; pass …"),
    }
    for KIND, (VALUE, EXCEPTION, TEXT) in WRONG.items():
        TABLE[f"{NAME} {KIND}"] = (
            lambda name=NAME, value=VALUE: unroll(**{name: value}),
            EXCEPTION,
            f"rx.unroll: {NAME} {TEXT}",
        )

# Flax's seq_lengths, for recurrax cells and for Flax's own.
SEQ_LENGTHS = {
    "that would broadcast": (
        jnp.array([3]),
        ValueError,
        "must have shape (2,), the batch axes of inputs; got (1,).",
    ),
    "beyond the end": (
        jnp.array([3, 9]),
        ValueError,
        "must be from 0 to 5, the number of steps of inputs; got 9.",
    ),
    "negative": (
        jnp.array([3, -1]),
        ValueError,
        "must be from 0 to 5, the number of steps of inputs; got -1.",
    ),
    "float": (jnp.array([3.0, 5.0]), TypeError, "must be integer; got float64."),
    "masked": (masked([3, 5]), TypeError, "is a masked array, whose mask would be lost; pass …"),
    "a list": ([3, 5], TypeError, "must be an array; got list."),
}
for KIND, CALL in LAYERS.items():
    WHO = KIND.split()[0]
    for NAME, (VALUE, EXCEPTION, TEXT) in SEQ_LENGTHS.items():
        TABLE[f"{KIND}: seq_lengths {NAME}"] = (
            lambda call=CALL, value=VALUE: call(seq_lengths=value),
            EXCEPTION,
            f"{WHO}: seq_lengths {TEXT}",
        )
    TABLE[f"{KIND}: seq_lengths and mask"] = (
        lambda call=CALL: call(seq_lengths=LENGTHS, mask=FLAGS),
        ValueError,
        f"{WHO}: seq_lengths and mask both say which steps count; give one of them.",
    )
    TABLE[f"{KIND}: resets transposed"] = (
        lambda call=CALL: call(resets=FLAGS.T),
        ValueError,
        f"{WHO}: resets must have shape (2, 5), the batch and time axes of inputs; got (5, 2). …",
    )
    TABLE[f"{KIND}: reset_carry without resets"] = (
        lambda call=CALL: call(reset_carry=CARRY),
        ValueError,
        f"{WHO}: reset_carry has no meaning without resets, which say where it is put in place.",
    )


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name):
    check(*TABLE[name])


def test_the_tables_are_large():
    assert len(TABLE) >= 300
    assert not set(TABLE) & set(errors.TABLE), "one name for two cases"


def test_the_good_input_that_the_table_spoils_is_accepted():
    """Each bad case differs from one of these in the thing it names."""
    drop = rx.Dropout(0.5)
    dense = rx.Stack((rx.Dense(4), rx.Residual(drop), rx.Bidirectional(drop), rx.GRU(4)))
    flax_carry = (jnp.ones((2, 4)),) * 2
    s = stream()
    for result in (
        stack(lengths=LENGTHS, carry=STACK_CARRY, carry_dtype={"c": "float32"}),
        both(mask=FLAGS, resets=FLAGS, carry=BOTH_CARRY, reset_carry=BOTH_CARRY, reverse=True),
        unroll(resets=FLAGS, reset_carry=CELL.initial_carry(), carry_dtype={}),
        unroll(xs=XS[0], lengths=np.int32(3)),
        dropping(key=KEY),
        dropping(key=jax.random.PRNGKey(0)),
        rx.unroll(dense, dense.init(KEY, 3), XS, key=KEY),
        faulty(key=KEY),
        faulty(drawn=Noise(step=jnp.ones((5, 2, 4))), key=KEY),
        (s(X), s.unroll(XS, lengths=LENGTHS), s.reset(jnp.array([True, False])), s.carry),
        jax.jit(lambda params: stream(params=params)(X))(PARAMS),
        truncated(lengths=LENGTHS, resets=FLAGS),
        single(lambda params, xs: rx.unroll(CELL, params, xs, dtype=float)),
        *(call(seq_lengths=LENGTHS, resets=FLAGS) for call in LAYERS.values()),
        *(call(resets=FLAGS, reset_carry=flax_carry) for call in (flax_linen, flax_nnx)),
        flax_linen(resets=FLAGS, reset_carry=(jnp.ones(4),) * 2, initial_carry=flax_carry),
        dropping_linen(deterministic=False, rngs={"dropout": KEY}),
        ours_nnx(cell=DROPPING, deterministic=False, rngs=nnx.Rngs(0)),
        rx.linen.RNN(CELL, carry_dtype={"c": "float32"}, dtype="float32").init(KEY, XS),
        rx.pieces(np.arange(21), 2, 5).piece(1).xs,
    ):
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(result))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint32", "int32", "uint64"])
def test_lengths_may_be_of_any_integer_dtype(dtype, rng):
    """Also of one that does not hold the number of steps."""
    xs = jnp.asarray(rng.normal(size=(2, 300, 3)))
    lengths = np.array([3, 127], dtype)
    carry, ys = unroll(xs=xs, lengths=lengths.astype(np.int64))
    for run in (
        lambda **options: unroll(xs=xs, **options),
        lambda **options: rx.unroll_truncated(CELL, PARAMS, xs, k1=70, k2=140, **options),
        lambda **options: ours_nnx(xs, return_carry=True, seq_lengths=options["lengths"]),
    ):
        got = run(lengths=lengths)
        want = run(lengths=lengths.astype(np.int64))
        jax.tree.map(np.testing.assert_array_equal, got, want)
    backwards = unroll(xs=xs, lengths=lengths, reverse=True, order="processing")[1]
    assert np.all(backwards[0, :3] != 0)
    assert not np.any(backwards[0, 3:])
    assert np.all(ys[1, 126] == carry.h[1])


def test_rates_may_be_numbers_of_numpy():
    assert rx.Dropout(np.float32(0.5)) == rx.Dropout(0.5)
    assert type(rx.Dropout(np.float64(0.5)).rate) is float
    assert rx.Zoneout(CELL, np.float32(0.5)) == rx.Zoneout(CELL, 0.5)
    assert rx.Zoneout(CELL, {"c": np.float32(0.5)}) == rx.Zoneout(CELL, {"c": 0.5})
    assert replace(rx.Zoneout(CELL, 0.5)) == rx.Zoneout(CELL, 0.5)


def test_a_stream_goes_on_after_an_error():
    got, want = stream(), stream()
    got(X)
    with pytest.raises(ValueError, match="x has 7 features"):
        got(jnp.ones((2, 7)))
    with pytest.raises(ValueError, match="lengths must be from 0 to 5"):
        got.unroll(XS, lengths=jnp.array([3, 9]))
    want(X)
    np.testing.assert_array_equal(got(X), want(X))
