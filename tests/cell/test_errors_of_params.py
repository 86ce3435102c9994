"""Bad parameters, of a step and of the functions that convert them."""

import jax
import jax.numpy as jnp
import pytest

import recurrax as rx
from tests.bad_input import CELL, GRU, GRU_PARAMS, KEY, PARAMS, SQUARE, XS, Wrong, X, check, step

pytestmark = pytest.mark.once

TABLE = {
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
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name):
    check(*TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted():
    W, U = rx.from_concatenated(CELL, rx.to_concatenated(CELL, PARAMS), 3)
    assert jax.tree.structure((W, U)) == jax.tree.structure((PARAMS.W, PARAMS.U))
