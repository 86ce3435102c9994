"""Bad parameters, of a step and of the functions that convert them."""

import jax
import jax.numpy as jnp
import pytest

import recurrax as rx
from tests.bad_input import CELL, GRU, Wrong, check

pytestmark = pytest.mark.once

TABLE = {
    # --- step: params ---
    "params none": (
        lambda good: good.step(params=None),
        TypeError,
        "rx.LSTM.step: params must be LSTMParams(W, U, b, P, V); got NoneType. …",
    ),
    "params nested dicts": (
        lambda good: good.step(params=rx.params_to_dict(good.params)),
        TypeError,
        "rx.LSTM.step: params must be LSTMParams(W, U, b, P, V); got dict(W, U, b). Use "
        "cell.init, or rx.params_from_dict for nested dicts.",
    ),
    "params of torch": (
        lambda good: good.step(params={"weight_ih_l0": jnp.ones((16, 3))}),
        TypeError,
        "rx.LSTM.step: params must be LSTMParams(W, U, b, P, V); got dict(weight_ih_l0). …",
    ),
    "params of another cell": (
        lambda good: good.step(params=good.gru_params),
        TypeError,
        "rx.LSTM.step: params must be LSTMParams(W, U, b, P, V); got GateParams. …",
    ),
    "params of a cell with other options": (
        lambda good: good.step(params=rx.LSTM(4, peephole="full").init(good.key, 3)),
        ValueError,
        "rx.LSTM.step: params.P must be None for this cell; got Gates.",
    ),
    "params without the peepholes": (
        lambda good: good.step(cell=rx.LSTM(4, peephole="diagonal")),
        TypeError,
        "rx.LSTM.step: params.P must be Gates(i, f, o); got NoneType.",
    ),
    "full peepholes for diagonal ones": (
        lambda good: good.step(
            params=rx.LSTM(4, peephole="full").init(good.key, 3),
            cell=rx.LSTM(4, peephole="diagonal"),
        ),
        ValueError,
        "rx.LSTM.step: params.P must have axes ('gate',); got ('c', 'gate'), which is another …",
    ),
    "a gate missing": (
        lambda good: good.step(
            params=good.params._replace(W=rx.Gates(("x", "gate"), i=good.params.W.i))
        ),
        ValueError,
        "rx.LSTM.step: params.W: expected i, f, g, o; missing f, g, o.",
    ),
    "a gate too many": (
        lambda good: GRU.step(
            good.gru_params._replace(
                b=rx.Gates(("gate",), **dict(good.gru_params.b.items()), q=good.x)
            ),
            GRU.initial_carry((2,)),
            good.x,
        ),
        ValueError,
        "rx.GRU.step: params.b: expected r, z, n, hn; unexpected q.",
    ),
    "gates in another order": (
        lambda good: good.step(
            params=good.params._replace(
                b=rx.Gates(("gate",), **dict(sorted(good.params.b.items())))
            )
        ),
        ValueError,
        "rx.LSTM.step: params.b must have its gates in the order i, f, g, o; got f, g, i, o.",
    ),
    "a kernel transposed": (
        lambda good: good.step(
            params=good.params._replace(W=good.params.W.replace(f=good.params.W.f.T))
        ),
        ValueError,
        "rx.LSTM.step: params.W.f must have shape (3, 4); got (4, 3). It looks transposed: "
        "kernels are stored (in, out).",
    ),
    "square kernels transposed": (
        lambda good: good.step(
            params=good.square_params._replace(W=good.square_params.W.T), x=jnp.ones((2, 4))
        ),
        ValueError,
        "rx.LSTM.step: params.W is stored with axes ('gate', 'x'), recurrax multiplies from the "
        "right and expects ('x', 'gate'); pass params.W.T.",
    ),
    "square recurrent kernels transposed": (
        lambda good: good.step(params=good.params._replace(U=good.params.U.T)),
        ValueError,
        "rx.LSTM.step: params.U is stored with axes ('gate', 'h'), …; pass params.U.T.",
    ),
    "square kernels exchanged": (
        lambda good: good.step(
            params=good.square_params._replace(W=good.square_params.U, U=good.square_params.W),
            x=jnp.ones((2, 4)),
        ),
        ValueError,
        "rx.LSTM.step: params.W must have axes ('x', 'gate'); got ('h', 'gate'), which is another "
        "kind of parameter. Are two of them exchanged?",
    ),
    "a bias of another size": (
        lambda good: good.step(params=good.params._replace(b=good.params.b.replace(o=jnp.ones(5)))),
        ValueError,
        "rx.LSTM.step: params.b.o must have shape (4,); got (5,).",
    ),
    "a bias that would broadcast": (
        lambda good: good.step(params=good.params._replace(b=good.params.b.replace(o=jnp.ones(1)))),
        ValueError,
        "rx.LSTM.step: params.b.o must have shape (4,); got (1,).",
    ),
    "a bias that is a number": (
        lambda good: good.step(params=good.params._replace(b=good.params.b.replace(o=0.0))),
        TypeError,
        "rx.LSTM.step: params.b.o must be an array; got float.",
    ),
    "integer parameters": (
        lambda good: good.step(params=jax.tree.map(lambda a: a.astype(jnp.int32), good.params)),
        TypeError,
        "rx.LSTM.step: params.W.i must be floating; got int32.",
    ),
    "a user's parameters of another size": (
        lambda good: rx.unroll(Wrong(4), {"K": jnp.ones((4, 3))}, good.xs),
        ValueError,
        "rx.unroll: params['K'] must have shape (3, 4); got (4, 3). It looks transposed: …",
    ),
    "an unknown gate read": (
        lambda good: good.params.W.z,
        AttributeError,
        "no gate 'z' here; there are i, f, g, o",
    ),
    "an unknown gate replaced": (
        lambda good: good.params.W.replace(z=good.x),
        KeyError,
        "…no gate 'z' here; there are i, f, g, o…",
    ),
    "a gate with a name of Gates": (
        lambda good: rx.Gates(("x", "gate"), T=good.x),
        ValueError,
        "Gates: 'T' cannot name a gate; it has a meaning here.",
    ),
    "a gate assigned": (
        lambda good: setattr(good.params.W, "i", good.x),
        AttributeError,
        "Gates cannot be changed; use .replace(i=...) for a copy.",
    ),
    # --- dicts and the concatenated form ---
    "a dict with a name missing": (
        lambda good: rx.params_from_dict(good.params, {"W": {}, "U": {}}),
        ValueError,
        "params: expected W, U, b; missing b.",
    ),
    "a dict with names of Flax": (
        lambda good: rx.params_from_dict(
            good.params, {"ii": {"kernel": good.x}, "hi": {"kernel": good.x}}
        ),
        ValueError,
        "params: expected W, U, b; missing W, U, b; unexpected ii, hi.",
    ),
    "an array in place of a dict": (
        lambda good: rx.params_from_dict(good.params, {"W": good.x, "U": good.x, "b": good.x}),
        ValueError,
        "params.W: expected a dict with i, f, g, o; got float64[2,3].",
    ),
    "the concatenated form of a reset-after GRU": (
        lambda good: rx.to_concatenated(GRU, good.gru_params),
        ValueError,
        "rx.to_concatenated: rx.GRU with reset='after' multiplies r with U_n h alone, …",
    ),
    "an unknown order": (
        lambda good: rx.to_concatenated(CELL, good.params, order="x,h"),
        ValueError,
        "rx.to_concatenated: order must be 'hx' or 'xh'; got 'x,h'.",
    ),
    "the other order": (
        lambda good: rx.from_concatenated(
            CELL, rx.to_concatenated(CELL, good.params), 3, order="xh"
        ),
        ValueError,
        "rx.from_concatenated: K has axes ('[h,x]', 'gate'), but order='xh' expects …",
    ),
    "rows that do not add up": (
        lambda good: rx.from_concatenated(CELL, rx.to_concatenated(CELL, good.params), 2),
        ValueError,
        "rx.from_concatenated: K.i has 7 rows; expected 4 for h and in_features=2 for x.",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    W, U = rx.from_concatenated(CELL, rx.to_concatenated(CELL, good.params), 3)
    assert jax.tree.structure((W, U)) == jax.tree.structure((good.params.W, good.params.U))
