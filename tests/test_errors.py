"""Bad input: every case says who, what was expected and what came. The table is the contract.

Here are cells, parameters, one step, and what all runs share; ``test_sequence_errors`` goes on with
lengths and masks, keys, precision, and cells made of cells.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import recurrax as rx

pytestmark = pytest.mark.once

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


def lenient(act):
    """As users have it: dtypes promote."""
    with jax.numpy_dtype_promotion("standard"):
        return act()


class Tensor:
    """As another framework's: a dtype that is not NumPy's."""

    shape = (3,)
    dtype = object()


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


def tree(**changes):
    """The linen parameters with some groups replaced."""
    return {"params": {"cell": {**VARIABLES["params"]["cell"], **changes}}}


# name: (what is done, the exception, its text). "…" stands for any text.
TABLE = {
    # --- options of a cell ---
    "features zero": (
        lambda: rx.LSTM(0),
        ValueError,
        "rx.LSTM: features must be a positive whole number; got 0.",
    ),
    "features negative": (
        lambda: rx.GRU(-3),
        ValueError,
        "rx.GRU: features must be a positive whole number; got -3.",
    ),
    "features float": (
        lambda: rx.Elman(4.0),
        TypeError,
        "rx.Elman: features must be a positive whole number; got 4.0.",
    ),
    "features bool": (
        lambda: rx.MGU(True),
        TypeError,
        "rx.MGU: features must be a positive whole number; got True.",
    ),
    "features text": (
        lambda: rx.MGU("8"),
        TypeError,
        "rx.MGU: features must be a positive whole number; got '8'.",
    ),
    "features none": (
        lambda: rx.KrauseLSTM(None),
        TypeError,
        "rx.KrauseLSTM: features must be a positive whole number; got None.",
    ),
    "features array": (
        lambda: rx.SquashedGRU(jnp.ones(2)),
        TypeError,
        "rx.SquashedGRU: features must be a positive whole number; got …",
    ),
    "user cell's features": (
        lambda: Wrong(0),
        ValueError,
        "Wrong: features must be a positive whole number; got 0.",
    ),
    "unknown option": (
        lambda: rx.LSTM(4, peepholes=True),
        TypeError,
        "…unexpected keyword argument 'peepholes'…",
    ),
    "peephole unknown": (
        lambda: rx.LSTM(4, peephole="yes"),
        ValueError,
        "rx.LSTM: peephole must be None or 'diagonal' or 'full'; got 'yes'.",
    ),
    "peephole bool": (
        lambda: rx.LSTM(4, peephole=True),
        ValueError,
        "rx.LSTM: peephole must be None or 'diagonal' or 'full'; got True.",
    ),
    "o_sees unknown": (
        lambda: rx.LSTM(4, peephole="full", o_sees="old"),
        ValueError,
        "rx.LSTM: o_sees must be 'new' or 'prev'; got 'old'.",
    ),
    "o_sees without peephole": (
        lambda: rx.LSTM(4, o_sees="prev"),
        ValueError,
        "rx.LSTM: o_sees='prev' has no meaning without peephole; set peephole, or leave …",
    ),
    "couple not a flag": (
        lambda: rx.LSTM(4, couple=1),
        ValueError,
        "rx.LSTM: couple must be False or True; got 1.",
    ),
    "clip negative": (
        lambda: rx.LSTM(4, clip=-1.0),
        ValueError,
        "rx.LSTM: clip must be a finite number above 0 or None; got -1.0.",
    ),
    "clip zero": (
        lambda: rx.LSTM(4, clip=0),
        ValueError,
        "rx.LSTM: clip must be a finite number above 0 or None; got 0.",
    ),
    "clip nan": (
        lambda: rx.LSTM(4, clip=float("nan")),
        ValueError,
        "rx.LSTM: clip must be a finite number above 0 or None; got nan.",
    ),
    "clip flag": (
        lambda: rx.LSTM(4, clip=True),
        TypeError,
        "rx.LSTM: clip must be a finite number above 0 or None; got True.",
    ),
    "eps zero": (
        lambda: rx.LayerNormLSTM(4, eps=0),
        ValueError,
        "rx.LayerNormLSTM: eps must be a finite number above 0; got 0.",
    ),
    "eps infinite": (
        lambda: rx.LayerNormGRU(4, eps=float("inf")),
        ValueError,
        "rx.LayerNormGRU: eps must be a finite number above 0; got inf.",
    ),
    "eps none": (
        lambda: rx.LayerNormLSTM(4, eps=None),
        TypeError,
        "rx.LayerNormLSTM: eps must be a finite number above 0; got None.",
    ),
    "eps flag": (
        lambda: rx.LayerNormGRU(4, eps=True),
        TypeError,
        "rx.LayerNormGRU: eps must be a finite number above 0; got True.",
    ),
    "projection zero": (
        lambda: rx.LSTM(4, projection=0),
        ValueError,
        "rx.LSTM: projection must be a positive whole number or None; got 0.",
    ),
    "activation misspelt": (
        lambda: rx.LSTM(4, candidate_fn="tahn"),
        ValueError,
        "rx.LSTM: candidate_fn must be a function or one of 'tanh', 'sigmoid', 'relu', "
        "'identity', 'positive'; got 'tahn'. Did you mean 'tanh'?",
    ),
    "activation number": (
        lambda: rx.GRU(4, gate_fn=3),
        ValueError,
        "rx.GRU: gate_fn must be a function or one of …; got 3.",
    ),
    "reset by version": (
        lambda: rx.GRU(4, reset="v3"),
        ValueError,
        "rx.GRU: reset must be 'after' or 'before'; got 'v3'.",
    ),
    "recurrent bias with reset before": (
        lambda: rx.GRU(4, reset="before", recurrent_bias=True),
        ValueError,
        "rx.GRU: recurrent_bias=True has no meaning with reset='before'…",
    ),
    "output_fn without readout": (
        lambda: rx.Elman(4, output_fn="relu"),
        ValueError,
        "rx.Elman: output_fn='relu' has no meaning without readout; set readout, or …",
    ),
    "readout negative": (
        lambda: rx.Elman(4, readout=-1),
        ValueError,
        "rx.Elman: readout must be a positive whole number or None; got -1.",
    ),
    "candidate unknown": (
        lambda: rx.KrauseLSTM(4, candidate="raw"),
        ValueError,
        "rx.KrauseLSTM: candidate must be 'linear' or 'input'; got 'raw'.",
    ),
    "preset unknown": (
        lambda: rx.LSTM(4, preset="pytorch"),
        ValueError,
        "rx.LSTM: preset: expected one of default, torch, keras, linen, haiku, irnn, fan_in, "
        "glorot, edgeml or an rx.initializers.Preset; got 'pytorch'.",
    ),
    "preset function": (
        lambda: rx.GRU(4, preset=jax.nn.initializers.zeros),
        ValueError,
        "rx.GRU: preset: expected one of …; got …",
    ),
    "preset field unknown": (
        lambda: rx.initializers.preset("torch", forget=1.0),
        TypeError,
        "…unexpected keyword argument 'forget'…",
    ),
    # --- init, initial_carry ---
    "key is a seed": (
        lambda: CELL.init(0, 3),
        TypeError,
        "rx.LSTM.init: key must be a JAX random key such as jax.random.key(0); got 0.",
    ),
    "in_features zero": (
        lambda: CELL.init(KEY, 0),
        ValueError,
        "rx.LSTM.init: in_features must be a positive whole number; got 0.",
    ),
    "in_features is a shape": (
        lambda: CELL.init(KEY, (2.5,)),
        TypeError,
        "rx.LSTM.init: in_features must be a positive whole number; got 2.5.",
    ),
    "in_features none": (
        lambda: CELL.init(KEY, None),
        TypeError,
        "rx.LSTM.init: in_features must be a positive whole number; got None.",
    ),
    "raw input of another size": (
        lambda: rx.SquashedGRU(4).init(KEY, 3),
        ValueError,
        "rx.SquashedGRU: in_features must equal features=4, because the candidate is tanh(x * r); "
        "got 3.",
    ),
    "raw candidate of another size": (
        lambda: rx.KrauseLSTM(4, candidate="input").init(KEY, 3),
        ValueError,
        "rx.KrauseLSTM: in_features must equal features=4, because candidate='input' adds x …",
    ),
    "chrono too short": (
        lambda: rx.initializers.chrono(2),
        ValueError,
        "chrono: t_max must be at least 3 time steps; got 2.",
    ),
    "chrono on a cell without its gates": (
        lambda: rx.GRU(
            4, preset=rx.initializers.preset("default", b=rx.initializers.chrono(9))
        ).init(KEY, 3),
        ValueError,
        "chrono: forget='f' is not a gate of this cell, which has r, z, n, hn.",
    ),
    "identity of a kernel that is not square": (
        lambda: rx.LSTM(4, projection=2, preset="irnn").init(KEY, 3),
        ValueError,
        "identity: expected a square kernel, got shape (2, 4).",
    ),
    "batch_shape a number": (
        lambda: CELL.initial_carry(2),
        TypeError,
        "rx.LSTM.initial_carry: batch_shape must be a tuple of sizes such as () or (32,); got 2.",
    ),
    "batch_shape negative": (
        lambda: CELL.initial_carry((-1,)),
        ValueError,
        "rx.LSTM.initial_carry: batch_shape must not be negative; got (-1,).",
    ),
    # --- step: x ---
    "x of another feature size": (
        lambda: step(x=jnp.ones((2, 5))),
        ValueError,
        "rx.LSTM.step: x has 5 features, but params.W.i was made for in_features=3; expected "
        "(5, 4), got (3, 4). Give x with 3 features, or make params with init(key, 5).",
    ),
    "x a scalar": (
        lambda: step(x=jnp.ones(())),
        ValueError,
        "rx.LSTM.step: x must have a feature axis, (*batch, in_features); got a scalar.",
    ),
    "x a list": (
        lambda: step(x=[1.0, 2.0, 3.0]),
        TypeError,
        "rx.LSTM.step: x must be an array; got float.",
    ),
    "x none": (lambda: step(x=None), ValueError, "rx.LSTM.step: x has no arrays."),
    "x of another framework": (
        lambda: step(x=Tensor()),
        TypeError,
        "rx.LSTM.step: x must be an array; got Tensor.",
    ),
    "x integer": (
        lambda: step(x=jnp.ones((2, 3), jnp.int32)),
        TypeError,
        "rx.LSTM.step: x must be floating; got int32. Convert it, for instance with "
        "x.astype(jnp.float32).",
    ),
    "x boolean": (
        lambda: step(x=jnp.ones((2, 3), bool)),
        TypeError,
        "rx.LSTM.step: x must be floating; got bool…",
    ),
    "x complex": (
        lambda: step(x=jnp.ones((2, 3), complex)),
        TypeError,
        "rx.LSTM.step: x must be floating; got complex128…",
    ),
    "x text": (
        lambda: step(x=np.array([["a", "b", "c"]])),
        TypeError,
        "rx.LSTM.step: x must be floating; got <U1…",
    ),
    "x objects": (
        lambda: step(x=np.array([[1, 2, None]], dtype=object)),
        TypeError,
        "rx.LSTM.step: x must be floating; got object…",
    ),
    "x masked": (
        lambda: step(x=np.ma.masked_array(np.ones((2, 3)), mask=np.eye(2, 3))),
        TypeError,
        "rx.LSTM.step: x is a masked array, whose mask would be lost; pass .data.",
    ),
    # --- step: carry ---
    "carry none": (
        lambda: step(carry=None),
        TypeError,
        "rx.LSTM.step: carry must be given; cell.initial_carry makes one.",
    ),
    "carry a plain pair": (
        lambda: step(carry=(CARRY.h, CARRY.c)),
        TypeError,
        "rx.LSTM.step: carry must be LSTMCarry(h, c); got tuple. …",
    ),
    "carry a bare array": (
        lambda: step(carry=CARRY.h),
        TypeError,
        "rx.LSTM.step: carry must be LSTMCarry(h, c); got float64[2,4]. …",
    ),
    "carry of another cell": (
        lambda: step(carry=rx.GRU(4).initial_carry((2,))),
        TypeError,
        "rx.LSTM.step: carry must be LSTMCarry(h, c); got GRUCarry. …",
    ),
    "carry of another batch": (
        lambda: step(carry=CELL.initial_carry((3,))),
        ValueError,
        "rx.LSTM.step: carry.h must have shape (2, 4), the batch axes of x and the state; "
        "got (3, 4).",
    ),
    "carry that would broadcast": (
        lambda: step(carry=CELL.initial_carry((1,))),
        ValueError,
        "rx.LSTM.step: carry.h must have shape (2, 4), …; got (1, 4).",
    ),
    "carry without its batch axis": (
        lambda: step(carry=CELL.initial_carry()),
        ValueError,
        "rx.LSTM.step: carry.h must have shape (2, 4), …; got (4,).",
    ),
    "carry with h and c exchanged": (
        lambda: rx.LSTM(4, projection=2).step(
            rx.LSTM(4, projection=2).init(KEY, 3),
            rx.LSTM.Carry(h=jnp.zeros((2, 4)), c=jnp.zeros((2, 2))),
            X,
        ),
        ValueError,
        "rx.LSTM.step: carry.h must have shape (2, 2), …; got (2, 4).",
    ),
    "carry integer": (
        lambda: step(carry=jax.tree.map(lambda a: a.astype(int), CARRY)),
        TypeError,
        "rx.LSTM.step: carry.h must be floating; got int64…",
    ),
    "carry of numbers": (
        lambda: step(carry=rx.LSTM.Carry(0.0, 0.0)),
        TypeError,
        "rx.LSTM.step: carry.h must be an array; got float.",
    ),
    # --- step: params ---
    "params none": (
        lambda: step(params=None),
        TypeError,
        "rx.LSTM.step: params must be LSTMParams(W, U, b, P, V); got NoneType. …",
    ),
    "params nested dicts": (
        lambda: step(params=rx.params_to_dict(PARAMS)),
        TypeError,
        "rx.LSTM.step: params must be LSTMParams(W, U, b, P, V); got dict(W, U, b). Use "
        "cell.init, or rx.params_from_dict for nested dicts.",
    ),
    "params of torch": (
        lambda: step(params={"weight_ih_l0": jnp.ones((16, 3))}),
        TypeError,
        "rx.LSTM.step: params must be LSTMParams(W, U, b, P, V); got dict(weight_ih_l0). …",
    ),
    "params of another cell": (
        lambda: step(params=GRU_PARAMS),
        TypeError,
        "rx.LSTM.step: params must be LSTMParams(W, U, b, P, V); got GateParams. …",
    ),
    "params of a cell with other options": (
        lambda: step(params=rx.LSTM(4, peephole="full").init(KEY, 3)),
        ValueError,
        "rx.LSTM.step: params.P must be None for this cell; got Gates.",
    ),
    "params without the peepholes": (
        lambda: step(cell=rx.LSTM(4, peephole="diagonal")),
        TypeError,
        "rx.LSTM.step: params.P must be Gates(i, f, o); got NoneType.",
    ),
    "full peepholes for diagonal ones": (
        lambda: step(
            params=rx.LSTM(4, peephole="full").init(KEY, 3), cell=rx.LSTM(4, peephole="diagonal")
        ),
        ValueError,
        "rx.LSTM.step: params.P must have axes ('gate',); got ('c', 'gate'), which is another …",
    ),
    "a gate missing": (
        lambda: step(params=PARAMS._replace(W=rx.Gates(("x", "gate"), i=PARAMS.W.i))),
        ValueError,
        "rx.LSTM.step: params.W: expected i, f, g, o; missing f, g, o.",
    ),
    "a gate too many": (
        lambda: GRU.step(
            GRU_PARAMS._replace(b=rx.Gates(("gate",), **dict(GRU_PARAMS.b.items()), q=X)),
            GRU.initial_carry((2,)),
            X,
        ),
        ValueError,
        "rx.GRU.step: params.b: expected r, z, n, hn; unexpected q.",
    ),
    "gates in another order": (
        lambda: step(
            params=PARAMS._replace(b=rx.Gates(("gate",), **dict(sorted(PARAMS.b.items()))))
        ),
        ValueError,
        "rx.LSTM.step: params.b must have its gates in the order i, f, g, o; got f, g, i, o.",
    ),
    "a kernel transposed": (
        lambda: step(params=PARAMS._replace(W=PARAMS.W.replace(f=PARAMS.W.f.T))),
        ValueError,
        "rx.LSTM.step: params.W.f must have shape (3, 4); got (4, 3). It looks transposed: "
        "kernels are stored (in, out).",
    ),
    "square kernels transposed": (
        lambda: step(params=SQUARE._replace(W=SQUARE.W.T), x=jnp.ones((2, 4))),
        ValueError,
        "rx.LSTM.step: params.W is stored with axes ('gate', 'x'), recurrax multiplies from the "
        "right and expects ('x', 'gate'); pass params.W.T.",
    ),
    "square recurrent kernels transposed": (
        lambda: step(params=PARAMS._replace(U=PARAMS.U.T)),
        ValueError,
        "rx.LSTM.step: params.U is stored with axes ('gate', 'h'), …; pass params.U.T.",
    ),
    "square kernels exchanged": (
        lambda: step(params=SQUARE._replace(W=SQUARE.U, U=SQUARE.W), x=jnp.ones((2, 4))),
        ValueError,
        "rx.LSTM.step: params.W must have axes ('x', 'gate'); got ('h', 'gate'), which is another "
        "kind of parameter. Are two of them exchanged?",
    ),
    "a bias of another size": (
        lambda: step(params=PARAMS._replace(b=PARAMS.b.replace(o=jnp.ones(5)))),
        ValueError,
        "rx.LSTM.step: params.b.o must have shape (4,); got (5,).",
    ),
    "a bias that would broadcast": (
        lambda: step(params=PARAMS._replace(b=PARAMS.b.replace(o=jnp.ones(1)))),
        ValueError,
        "rx.LSTM.step: params.b.o must have shape (4,); got (1,).",
    ),
    "a bias that is a number": (
        lambda: step(params=PARAMS._replace(b=PARAMS.b.replace(o=0.0))),
        TypeError,
        "rx.LSTM.step: params.b.o must be an array; got float.",
    ),
    "integer parameters": (
        lambda: step(params=jax.tree.map(lambda a: a.astype(jnp.int32), PARAMS)),
        TypeError,
        "rx.LSTM.step: params.W.i must be floating; got int32.",
    ),
    "a user's parameters of another size": (
        lambda: rx.unroll(Wrong(4), {"K": jnp.ones((4, 3))}, XS),
        ValueError,
        "rx.unroll: params['K'] must have shape (3, 4); got (4, 3). It looks transposed: …",
    ),
    "an unknown gate read": (
        lambda: PARAMS.W.z,
        AttributeError,
        "no gate 'z' here; there are i, f, g, o",
    ),
    "an unknown gate replaced": (
        lambda: PARAMS.W.replace(z=X),
        KeyError,
        "…no gate 'z' here; there are i, f, g, o…",
    ),
    "a gate with a name of Gates": (
        lambda: rx.Gates(("x", "gate"), T=X),
        ValueError,
        "Gates: 'T' cannot name a gate; it has a meaning here.",
    ),
    "a gate assigned": (
        lambda: setattr(PARAMS.W, "i", X),
        AttributeError,
        "Gates cannot be changed; use .replace(i=...) for a copy.",
    ),
    # --- dicts and the concatenated form ---
    "a dict with a name missing": (
        lambda: rx.params_from_dict(PARAMS, {"W": {}, "U": {}}),
        ValueError,
        "params: expected W, U, b; missing b.",
    ),
    "a dict with names of Flax": (
        lambda: rx.params_from_dict(PARAMS, {"ii": {"kernel": X}, "hi": {"kernel": X}}),
        ValueError,
        "params: expected W, U, b; missing W, U, b; unexpected ii, hi.",
    ),
    "an array in place of a dict": (
        lambda: rx.params_from_dict(PARAMS, {"W": X, "U": X, "b": X}),
        ValueError,
        "params.W: expected a dict with i, f, g, o; got float64[2,3].",
    ),
    "the concatenated form of a reset-after GRU": (
        lambda: rx.to_concatenated(GRU, GRU_PARAMS),
        ValueError,
        "rx.to_concatenated: rx.GRU with reset='after' multiplies r with U_n h alone, …",
    ),
    "an unknown order": (
        lambda: rx.to_concatenated(CELL, PARAMS, order="x,h"),
        ValueError,
        "rx.to_concatenated: order must be 'hx' or 'xh'; got 'x,h'.",
    ),
    "the other order": (
        lambda: rx.from_concatenated(CELL, rx.to_concatenated(CELL, PARAMS), 3, order="xh"),
        ValueError,
        "rx.from_concatenated: K has axes ('[h,x]', 'gate'), but order='xh' expects …",
    ),
    "rows that do not add up": (
        lambda: rx.from_concatenated(CELL, rx.to_concatenated(CELL, PARAMS), 2),
        ValueError,
        "rx.from_concatenated: K.i has 7 rows; expected 4 for h and in_features=2 for x.",
    ),
    # --- scan and unroll ---
    "method unknown": (
        lambda: rx.scan(lambda c, x: (c, x), X, XS, method="fast"),
        ValueError,
        "rx.scan: method must be one of auto, scan, chunked, associative, newton, kernel; "
        "got 'fast'.",
    ),
    "method not available": (
        lambda: unroll(method="kernel"),
        ValueError,
        "rx.unroll: method='kernel' is not part of this version; use 'auto' …",
    ),
    "chunk zero": (
        lambda: unroll(chunk=0),
        ValueError,
        "rx.unroll: chunk must be a positive number of time steps; got 0.",
    ),
    "chunk with the reference": (
        lambda: unroll(chunk=8, method="scan"),
        ValueError,
        "rx.unroll: chunk=8 has no meaning with method='scan', …",
    ),
    "residuals unknown": (
        lambda: unroll(residuals="nothing"),
        ValueError,
        "rx.unroll: residuals must be one of auto, carries, boundaries; got 'nothing'.",
    ),
    "residuals borders with the reference": (
        lambda: unroll(residuals="boundaries", method="scan"),
        ValueError,
        "rx.unroll: residuals='boundaries' has no meaning with method='scan', …",
    ),
    "residuals unknown to explain": (
        lambda: rx.explain(lambda c, x: (c, x), jnp.zeros(()), XS, residuals="boundaries "),
        ValueError,
        "rx.explain: residuals must be one of auto, carries, boundaries; got 'boundaries '.",
    ),
    "method unknown to a layer": (
        lambda: rx.linen.RNN(rx.LSTM(4), method="fast").init(KEY, XS),
        ValueError,
        "rx.linen.RNN: method must be one of auto, scan, chunked, …; got 'fast'.",
    ),
    "residuals borders where lax.scan must run": (
        lambda: rx.scan(
            lambda c, x: (jax.lax.cond(True, jnp.sin, jnp.cos, c), x),
            jnp.zeros(()),
            jnp.zeros(3),
            residuals="boundaries",
        ),
        ValueError,
        "rx.scan: residuals='boundaries' cannot run this step: the step contains cond. Use …",
    ),
    "chunked where lax.scan must run": (
        lambda: rx.scan(
            lambda c, x: (jax.lax.cond(True, jnp.sin, jnp.cos, c), x),
            jnp.zeros(()),
            jnp.zeros(3),
            method="chunked",
        ),
        ValueError,
        "rx.scan: method='chunked' cannot run this step: the step contains cond. Use …",
    ),
    "unknown argument": (
        lambda: unroll(time_major=True),
        TypeError,
        "…unexpected keyword argument 'time_major'…",
    ),
    "the cell's class": (
        lambda: unroll(cell=rx.LSTM),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got type. Did you mean LSTM(features)?",
    ),
    "a cell of Flax": (
        lambda: unroll(cell=nn.LSTMCell(4)),
        TypeError,
        "rx.unroll: cell must be a recurrax cell; got LSTMCell.",
    ),
    "a cell that is not frozen": (
        lambda: unroll(cell=NotFrozen(4)),
        TypeError,
        "rx.unroll: NotFrozen must be hashable: a @dataclass(frozen=True) of sizes and options, …",
    ),
    "xs without time": (
        lambda: unroll(xs=jnp.ones(3)),
        ValueError,
        "rx.unroll: xs must have a time and a feature axis, (*batch, time, in_features); got "
        "shape (3,).",
    ),
    "xs a scalar": (
        lambda: unroll(xs=jnp.ones(())),
        ValueError,
        "rx.unroll: xs must have a time and a feature axis, …; got shape ().",
    ),
    "xs ragged": (
        lambda: unroll(xs=[[1.0], [1.0, 2.0]]),
        TypeError,
        "rx.unroll: xs must be an array; got float.",
    ),
    "xs integer": (
        lambda: unroll(xs=jnp.ones((2, 5, 3), jnp.int32)),
        TypeError,
        "rx.unroll: xs must be floating; got int32. Convert it, for instance with "
        "xs.astype(jnp.float32).",
    ),
    "xs of another feature size": (
        lambda: unroll(xs=jnp.ones((2, 5, 7))),
        ValueError,
        "rx.unroll: xs has 7 features, but params.W.i was made for in_features=3; …",
    ),
    "time_axis is the features": (
        lambda: unroll(time_axis=-1),
        ValueError,
        "rx.unroll: time_axis=-1 must name an axis of xs before the last, which holds the "
        "features; xs has shape (2, 5, 3).",
    ),
    "time_axis beyond": (
        lambda: unroll(time_axis=3),
        ValueError,
        "rx.unroll: time_axis=3 must name an axis of xs before the last, …",
    ),
    "time_axis a float": (
        lambda: unroll(time_axis=0.0),
        TypeError,
        "rx.unroll: time_axis must be a whole number; got 0.0.",
    ),
    "reverse an array": (
        lambda: unroll(reverse=jnp.array(True)),
        TypeError,
        "rx.unroll: reverse must be True or False; got bool[].",
    ),
    "carry of another batch in unroll": (
        lambda: unroll(carry=CELL.initial_carry((5,))),
        ValueError,
        "rx.unroll: carry.h must have shape (2, 4), …; got (5, 4).",
    ),
    "carry of another dtype in unroll": (
        lambda: lenient(lambda: unroll(carry=CELL.initial_carry((2,), jnp.bfloat16))),
        TypeError,
        "rx.unroll: carry.h is bfloat16[2,4], but rx.LSTM.step returns it as float64[2,4]. Give "
        "a carry of float64, cast params and xs to bfloat16, or say dtype= and carry_dtype=.",
    ),
    "a step that changes the structure of its carry": (
        lambda: rx.unroll(Wrong(4, "structure"), WRONG_PARAMS, XS),
        TypeError,
        "rx.unroll: Wrong.step must return the carry as it took it, …",
    ),
    "a step that changes the shape of its carry": (
        lambda: rx.unroll(Wrong(4, "shape"), WRONG_PARAMS, XS),
        TypeError,
        "rx.unroll: carry.h is float64[2,4], but Wrong.step returns it as float64[2,1]; a step …",
    ),
    "a step that changes the dtype of its carry": (
        lambda: rx.unroll(Wrong(4, "dtype"), WRONG_PARAMS, XS),
        TypeError,
        "rx.unroll: carry.h is float64[2,4], but Wrong.step returns it as float32[2,4]. …",
    ),
    "a cell without a carry type": (
        lambda: NoCarry(4).initial_carry(),
        TypeError,
        "NoCarry: no carry type found. Set the class attribute Carry to a NamedTuple, define a "
        "NamedTuple called NoCarryCarry next to the cell, or override initial_carry(batch_shape).",
    ),
    "inputs that differ in time": (
        lambda: unroll(xs=(XS, XS[:, :3])),
        ValueError,
        "rx.unroll: the arrays of xs differ in time steps: [3, 5].",
    ),
    # --- Flax ---
    "linen: not a cell": (
        lambda: rx.linen.RNN("lstm"),
        TypeError,
        "rx.linen.RNN: cell must be a recurrax cell or a flax.linen.RNNCellBase; got str.",
    ),
    "linen: a cell of nnx": (
        lambda: rx.linen.RNN(nnx.LSTMCell(3, 4, rngs=nnx.Rngs(0))),
        TypeError,
        "rx.linen.RNN: cell must be a recurrax cell or a flax.linen.RNNCellBase; got LSTMCell.",
    ),
    "linen: another feature size": (
        lambda: linen(xs=jnp.ones((2, 5, 7))),
        ValueError,
        "rx.linen.RNN: inputs has 7 features, but params.W.i was made for in_features=3; …",
    ),
    "linen: names missing": (
        lambda: linen({"params": {"cell": {"W": {}}}}),
        ValueError,
        "rx.linen.RNN: params.cell: expected W, U, b; missing U, b.",
    ),
    "linen: no parameters": (
        lambda: linen({}),
        ValueError,
        "rx.linen.RNN: params.cell: expected W, U, b; missing W, U, b.",
    ),
    "linen: a gate too many": (
        lambda: linen(tree(b={**VARIABLES["params"]["cell"]["b"], "hn": jnp.ones(4)})),
        ValueError,
        "rx.linen.RNN: params.cell.b: expected i, f, g, o; unexpected hn.",
    ),
    "linen: an initial carry of Flax": (
        lambda: linen(initial_carry=(CARRY.c, CARRY.h)),
        TypeError,
        "rx.linen.RNN: initial_carry must be LSTMCarry(h, c); got tuple. …",
    ),
    "linen: inputs without time": (
        lambda: linen(xs=jnp.ones(3)),
        ValueError,
        "rx.linen.RNN: inputs must have a time and a feature axis, …",
    ),
    "linen: integer inputs": (
        lambda: linen(xs=jnp.ones((2, 5, 3), int)),
        TypeError,
        "rx.linen.RNN: inputs must be floating; got int64. …",
    ),
    "linen: a flag of another type": (
        lambda: linen(reverse="yes"),
        TypeError,
        "rx.linen.RNN: reverse must be True or False; got str.",
    ),
    "nnx: no in_features": (
        lambda: rx.nnx.RNN(CELL, rngs=nnx.Rngs(0)),
        TypeError,
        "rx.nnx.RNN: a recurrax cell needs in_features and rngs, as in rx.nnx.RNN(cell, 3, "
        "rngs=nnx.Rngs(0)); got in_features=None, rngs=Rngs.",
    ),
    "nnx: no rngs": (
        lambda: rx.nnx.RNN(CELL, 3),
        TypeError,
        "rx.nnx.RNN: a recurrax cell needs in_features and rngs, …; got in_features=3, "
        "rngs=NoneType.",
    ),
    "nnx: in_features with a Flax cell": (
        lambda: rx.nnx.RNN(nnx.GRUCell(3, 4, rngs=nnx.Rngs(0)), 3),
        TypeError,
        "rx.nnx.RNN: in_features is fixed by the Flax cell already; leave it out.",
    ),
    "nnx: a cell of linen": (
        lambda: rx.nnx.RNN(nn.LSTMCell(4)),
        TypeError,
        "rx.nnx.RNN: cell must be a recurrax cell or a flax.nnx.RNNCellBase; got LSTMCell.",
    ),
    "nnx: another feature size": (
        lambda: rnn_nnx()(jnp.ones((2, 5, 7))),
        ValueError,
        "rx.nnx.RNN: inputs has 7 features, but params.W.i was made for in_features=3; …",
    ),
    "nnx: carry_init": (
        lambda: rnn_nnx().cell.initialize_carry((2, 3), carry_init=nn.initializers.ones),
        ValueError,
        "rx.nnx.Cell: carry_init must be None; a recurrax cell defines its initial carry. …",
    ),
}


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


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name):
    check(*TABLE[name])


def test_the_table_is_large():
    assert len(TABLE) >= 60


def test_the_pattern_can_fail():
    assert matches("a…c", "abc")
    assert matches("a…", "ab")
    assert not matches("a…c", "abd")
    assert not matches("b", "abc")


def test_the_good_input_that_the_table_spoils_is_accepted():
    """Each bad case differs from one of these in the thing it names."""
    for result in (
        step(),
        unroll(),
        linen(),
        rnn_nnx()(XS),
        unroll(carry=CARRY, chunk=8, time_axis=1),
        rx.unroll(Wrong(4), WRONG_PARAMS, XS),
    ):
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(result))
    W, U = rx.from_concatenated(CELL, rx.to_concatenated(CELL, PARAMS), 3)
    assert jax.tree.structure((W, U)) == jax.tree.structure((PARAMS.W, PARAMS.U))


def test_a_batch_of_no_rows_has_a_carry():
    assert CELL.initial_carry((0, 2)).h.shape == (0, 2, 4)


def test_parameters_without_names_become_one_entry_of_a_module():
    @dataclass(frozen=True)
    class Bare(rx.Cell):
        features: int

        def init(self, key, in_features):
            return jnp.ones((in_features, self.features))

        def step(self, params, carry, x):
            h = carry.h + x @ params
            return WrongCarry(h), h

        def initial_carry(self, batch_shape):
            return WrongCarry(jnp.zeros((*batch_shape, self.features)))

    cell = Bare(4)
    want = rx.unroll(cell, jnp.ones((3, 4)), XS)[1]
    layer = rx.linen.RNN(cell, param_dtype=jnp.float64)
    variables = layer.init(KEY, XS)
    assert variables["params"]["cell"]["value"].shape == (3, 4)
    assert np.array_equal(layer.apply(variables, XS), want)
    ours = rx.nnx.RNN(cell, 3, rngs=nnx.Rngs(0), param_dtype=jnp.float64)
    assert np.array_equal(ours(XS), want)


def test_a_cell_made_of_cells_needs_no_size():
    @dataclass(frozen=True)
    class Pair(rx.Cell):
        first: rx.Cell
        second: rx.Cell

        def init(self, key, in_features):
            return self.first.init(key, in_features), self.second.init(key, 4)

        def initial_carry(self, batch_shape):
            return self.first.initial_carry(batch_shape), self.second.initial_carry(batch_shape)

        def step(self, params, carry, x):
            first, y = self.first.step(params[0], carry[0], x)
            second, y = self.second.step(params[1], carry[1], y)
            return (first, second), y

    pair = Pair(CELL, GRU)
    carry, ys = rx.unroll(pair, pair.init(KEY, 3), XS)
    assert ys.shape == (2, 5, 4)
    assert carry[1].h.shape == (2, 4)
    layer = rx.linen.RNN(pair, param_dtype=jnp.float64)
    variables = layer.init(KEY, XS)
    assert set(variables["params"]["cell"]) == {"0", "1"}
    assert layer.apply(variables, XS).shape == (2, 5, 4)
    params = pair.init(KEY, 3)
    tree = rx.params_to_dict(params)
    back = rx.params_from_dict(pair.params_like(3), tree)
    assert jax.tree.structure(back) == jax.tree.structure(params)


def test_numpy_inputs_and_sizes_are_welcome():
    cell = rx.LSTM(np.int64(4))
    assert cell == CELL
    assert type(cell.features) is int
    params = jax.tree.map(np.asarray, PARAMS)
    _, ys = rx.unroll(cell, params, np.ones((2, 5, 3)))
    assert ys.shape == (2, 5, 4)
