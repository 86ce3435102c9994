"""Bad input to the cells of the collection: who, what was expected, what came."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurrax as rx
from recurrax.cell.activations import Activation
from recurrax.gallery import SIZES
from recurrax.initializers import Preset

pytestmark = pytest.mark.once

KEY = jax.random.key(0)
CELLS = sorted(
    (c for c in vars(rx.cells).values() if isinstance(c, type) and issubclass(c, rx.Cell)),
    key=lambda c: c.__name__,
)


def make(cls, **options):
    return cls(**{"features": 4, **SIZES.get(cls.__name__, {}), **options})


def wrong_values(cls):
    """A value of another kind for every option, by the type of the option."""
    for field in dataclasses.fields(cls):
        if field.name == "features":
            wrong = [0, -1, 2.5, None, True, "4"]
        elif field.type == Activation:
            wrong = ["tahn", 3]
        elif field.type == str | Preset:
            wrong = ["pytorch", None]
        elif field.type is bool:
            wrong = [1, None]
        elif field.type is str:
            wrong = ["nonsense", None]
        elif field.type in (float, float | None):
            wrong = ["0.5", float("nan"), float("inf"), True]
        elif field.type in (int, int | None):
            wrong = [0, 2.5, "2"]
        else:
            wrong = ["nonsense"]
        for value in wrong:
            yield pytest.param(cls, field.name, value, id=f"{cls.__name__}-{field.name}-{value!r}")


@pytest.mark.parametrize(("cls", "option", "value"), [p for c in CELLS for p in wrong_values(c)])
def test_every_option_of_every_cell_refuses_another_kind_of_value(cls, option, value):
    """The message names the cell, the option, and what came."""
    with pytest.raises((ValueError, TypeError)) as error:
        make(cls, **{option: value})
    message = str(error.value)
    assert message.startswith(f"rx.{cls.__name__}: {'preset' if option == 'preset' else option}")
    assert "got" in message
    assert repr(value) in message


@pytest.mark.parametrize("cls", CELLS, ids=lambda c: c.__name__)
def test_numpy_s_numbers_are_numbers(cls):
    """An option given as NumPy's scalar is that number, and the cell is equal and hashes."""
    plain = make(cls)
    given = {
        f.name: np.float64(getattr(plain, f.name))
        if f.type in (float, float | None)
        else np.int64(4)
        for f in dataclasses.fields(cls)
        if f.name == "features" or (f.type is float and f.name != "dt")
    }
    twin = make(cls, **given)
    assert twin == plain
    assert hash(twin) == hash(plain)
    assert all(type(getattr(twin, name)) in (int, float) for name in given)


TABLE = {
    "a leak above 1": (
        lambda: rx.Elman(4, leak=1.5),
        "rx.Elman: leak must be at most 1; got 1.5.",
    ),
    "a leak of 0": (
        lambda: rx.Elman(4, leak=0.0),
        "rx.Elman: leak must be a finite number above 0 or None; got 0.0.",
    ),
    "gates in another order": (
        lambda: rx.LSTM(4, gates="of"),
        "rx.LSTM: gates must be 'ifo' or 'fo' or 'io' or 'if' or 'i' or 'f' or 'o' or ''",
    ),
    "coupled gates of which one is absent": (
        lambda: rx.LSTM(4, gates="fo", couple=True),
        "rx.LSTM: couple=True makes the input gate of the forget gate, and needs both; "
        "got gates='fo'.",
    ),
    "an operator by its name": (
        lambda: rx.LSTM(4, recurrent="diagonal"),
        "rx.LSTM: recurrent must be an operator such as rx.Diagonal() or rx.BlockDiagonal(4); "
        "got 'diagonal'.",
    ),
    "an operator's class": (
        lambda: rx.GRU(4, recurrent=rx.Diagonal),
        "rx.GRU: recurrent must be an operator such as rx.Diagonal()",
    ),
    "blocks that do not divide": (
        lambda: rx.LSTM(5, recurrent=rx.BlockDiagonal(2)),
        "rx.LSTM: recurrent=BlockDiagonal(blocks=2) needs features and the size of h to be one "
        "multiple of 2; got features=5 and 5.",
    ),
    "a diagonal and a projection": (
        lambda: rx.LSTM(4, recurrent=rx.Diagonal(), projection=2),
        "rx.LSTM: recurrent=Diagonal(low=-1.0, high=1.0) needs an h of features=4 entries; with "
        "the projection it has 2.",
    ),
    "no blocks": (
        lambda: rx.BlockDiagonal(0),
        "rx.BlockDiagonal: blocks must be a positive whole number; got 0.",
    ),
    "no rank": (
        lambda: rx.LowRank(0),
        "rx.LowRank: rank must be a positive whole number; got 0.",
    ),
    "bounds exchanged": (
        lambda: rx.Diagonal(1.0, 0.0),
        "rx.Diagonal: low must be below high; got low=1.0, high=0.0.",
    ),
    "a mask that is not square": (
        lambda: rx.Masked(((1, 0),)),
        "rx.Masked: mask must be a square of 0 and 1 such as ((1, 1), (0, 1)); got ((1, 0),).",
    ),
    "a mask of other numbers": (
        lambda: rx.Masked(((1, 0.5), (0, 1))),
        "rx.Masked: mask must be a square of 0 and 1",
    ),
    "a mask that does not divide": (
        lambda: rx.GRU(5, recurrent=rx.Masked(((1, 1), (0, 1)))),
        "rx.GRU: a mask of 2 rows needs features and the size of h to be multiples of 2; "
        "got features=5 and 5.",
    ),
    "a mask that does not divide the projection": (
        lambda: rx.LSTM(4, projection=3, recurrent=rx.Masked(((1, 1), (0, 1)))),
        "rx.LSTM: a mask of 2 rows needs features and the size of h to be multiples of 2; got "
        "features=4 and 3.",
    ),
    "a mask that divides the projection alone": (
        lambda: rx.LSTM(5, projection=4, recurrent=rx.Masked(((1, 1), (0, 1)))),
        "rx.LSTM: a mask of 2 rows needs features and the size of h to be multiples of 2; got "
        "features=5 and 4.",
    ),
    "heads that do not divide": (
        lambda: rx.SLSTM(4, heads=3),
        "rx.SLSTM: heads must divide features=4; got 3.",
    ),
    "blocks of an RG-LRU": (
        lambda: rx.RGLRU(4, blocks=3),
        "rx.RGLRU: blocks must divide features=4; got 3.",
    ),
    "a ring inside out": (
        lambda: rx.LRU(4, r_min=0.9, r_max=0.5),
        "rx.LRU: r_min and r_max must be 0 <= r_min < r_max <= 1; got 0.9 and 0.5.",
    ),
    "a negative time step": (
        lambda: rx.CoRNN(4, dt=-0.1),
        "rx.CoRNN: dt must be a finite number above 0; got -0.1.",
    ),
    "a slow state without memory": (
        lambda: rx.SCRN(4, slow=2, alpha=1.0),
        "rx.SCRN: alpha must be from 0 to below 1; got 1.0.",
    ),
    "a fourth variant": (
        lambda: rx.MUT(4, variant=4),
        "rx.MUT: variant must be 1 or 2 or 3; got 4.",
    ),
    "clocks out of order": (
        lambda: rx.ClockworkRNN(4, periods=(2, 1)),
        "rx.ClockworkRNN: periods must be increasing positive whole numbers such as (1, 2, 4); "
        "got (2, 1).",
    ),
    "no clocks": (
        lambda: rx.ClockworkRNN(4, periods=()),
        "rx.ClockworkRNN: periods must be increasing positive whole numbers",
    ),
    "half a period": (
        lambda: rx.ClockworkRNN(4, periods=(1, 2.5)),
        "rx.ClockworkRNN: periods must be increasing positive whole numbers",
    ),
    "modules that do not divide": (
        lambda: rx.ClockworkRNN(5, periods=(1, 2)),
        "rx.ClockworkRNN: features must be a multiple of the number of periods, 2; got 5.",
    ),
    "a clock that bfloat16 cannot count": (
        lambda: clock_of_bfloat16(257),
        "rx.ClockworkRNN: bfloat16 cannot count to 257; use carry_dtype={",
    ),
    "an event without features": (
        lambda: rx.PhasedLSTM(4).init(KEY, 1),
        "rx.PhasedLSTM.init: in_features must be 2 or more, the last for the time stamp; got 1.",
    ),
    "a window of no length": (
        lambda: rx.LMU(4, order=3, theta=0.0),
        "rx.LMU: theta must be a finite number above 0; got 0.0.",
    ),
    "a masked kernel of another mask": (
        lambda: other_mask(),
        "rx.Elman.step: params.U.h must have the structure",
    ),
    "a matrix where an operator stands": (
        lambda: plain_matrix(),
        "rx.Elman.step: params.U.h must be DiagonalKernel; got float64[4,4].",
    ),
    "weight norm of what has no columns": (
        lambda: rx.WeightNorm(rx.GRU(4, recurrent=rx.Diagonal())).init(KEY, 3),
        "rx.WeightNorm: it scales the columns of matrices, but U.r of rx.GRU is a DiagonalKernel.",
    ),
    "zoneout of what is no array": (
        lambda: rx.Zoneout(rx.QRNN(4), {"pending": 0.1}),
        "rx.Zoneout: rate names 'pending'; the carry of rx.QRNN has c.",
    ),
    "an operator where a matrix stands": (
        lambda: operator_in_place(),
        "rx.Elman.step: params.U.h",
    ),
}


def clock_of_bfloat16(period):
    cell = rx.ClockworkRNN(2, periods=(1, period))
    return rx.unroll(cell, cell.init(KEY, 3), jnp.ones((2, 4, 3)), dtype="bfloat16")


@pytest.mark.parametrize(
    "recurrent",
    [rx.Diagonal(), rx.BlockDiagonal(2), rx.LowRank(2), rx.Masked(((1, 0), (1, 1)))],
    ids=lambda operator: type(operator).__name__,
)
def test_kernels_cannot_be_changed(recurrent):
    U = rx.Elman(4, recurrent=recurrent).init(KEY, 3).U.h
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(U, dataclasses.fields(U)[0].name, None)


def test_bfloat16_counts_to_256():
    carry, _ = clock_of_bfloat16(256)
    assert carry.t.dtype == jnp.bfloat16
    np.testing.assert_array_equal(carry.t, [[0, 4], [0, 4]])


def other_mask():
    one, other = (rx.Elman(4, recurrent=rx.Masked(mask)) for mask in (((1, 1), (0, 1)), ((1,),)))
    return one.step(other.init(KEY, 3), one.initial_carry(), jnp.ones(3))


def plain_matrix():
    cell = rx.Elman(4, recurrent=rx.Diagonal())
    return cell.step(rx.Elman(4).init(KEY, 3), cell.initial_carry(), jnp.ones(3))


def operator_in_place():
    cell = rx.Elman(4)
    params = rx.Elman(4, recurrent=rx.LowRank(2)).init(KEY, 3)
    return cell.step(params, cell.initial_carry(), jnp.ones(3))


@pytest.mark.parametrize(("act", "message"), TABLE.values(), ids=TABLE)
def test_bad_input(act, message):
    with pytest.raises((ValueError, TypeError)) as error:
        act()
    assert str(error.value).startswith(message)


@dataclasses.dataclass(frozen=True)
class WithTwoPresets(rx.Cell):
    """A user's cell: its options are called as its author likes."""

    features: int
    first: str | Preset = "default"
    squash: Activation = "tanh"


def test_options_of_a_user_s_cell_are_checked_by_their_type():
    assert WithTwoPresets(4, first="torch", squash=jnp.tanh) == WithTwoPresets(4, first="torch")
    with pytest.raises(ValueError, match="WithTwoPresets: preset: expected one of"):
        WithTwoPresets(4, first="pytorch")
    with pytest.raises(ValueError, match="WithTwoPresets: squash must be a function"):
        WithTwoPresets(4, squash="tahn")


RAW = {
    "KrauseLSTM": {"candidate": "input"},
    "SquashedGRU": {},
    "MUT": {},
    "RGLRU": {},
    "LRU": {},
    "IntersectionRNN": {},
}


@pytest.mark.parametrize("name", RAW)
def test_a_cell_that_takes_x_itself_says_so(name):
    cell = getattr(rx, name)(4, **RAW[name])
    with pytest.raises(ValueError, match=f"rx.{name}: in_features must equal features=4, because"):
        cell.init(KEY, 3)
    params = cell.init(KEY, 4)
    with pytest.raises(ValueError, match=rf"rx.{name}.*(features|in_features)"):
        rx.unroll(cell, params, jnp.ones((2, 5, 3)))


@pytest.mark.parametrize("cls", CELLS, ids=lambda c: c.__name__)
def test_inputs_of_another_size_are_refused(cls):
    cell = make(cls)
    space = (4,) * (cell.num_feature_axes - 1)
    params = cell.init(KEY, 4)
    with pytest.raises(ValueError, match=r"rx\."):
        cell.step(params, cell.initial_carry((2, *space)), jnp.ones((2, *space, 5)))
    with pytest.raises((ValueError, TypeError), match=r"rx\."):
        cell.step(params, cell.initial_carry((3, *space)), jnp.ones((2, *space, 4)))
