"""Convolutional cells: their oracles, and the laws of sequences where x has axes of space."""

import math
import re
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import recurrax as rx
from tests.all_cells import CONVOLUTIONAL
from tests.helpers import as_numpy, assert_close, combinations, random_like
from tests.oracles.numpy_cells import ORACLES
from tests.oracles.numpy_gradients import numerical_gradients
from tests.oracles.vectors import load

B, T = 2, 4
every_case = pytest.mark.parametrize("case", CONVOLUTIONAL.values(), ids=CONVOLUTIONAL)


def problem(rng, case, batch=(B,), steps=T):
    """Parameters, a carry, and inputs ``(*batch, steps, *space, in_features)``."""
    params = random_like(rng, case.cell.params_like(case.in_features))
    carry = random_like(rng, case.cell.initial_carry((*batch, *case.space)))
    xs = jnp.asarray(rng.normal(size=(*batch, steps, *case.space, case.in_features)))
    return params, carry, xs


@pytest.mark.once
@every_case
def test_cell_equals_its_oracle(case, rng):
    params, carry, xs = problem(rng, case)
    last, ys = rx.unroll(case.cell, params, xs, carry, time_axis=1)
    cot_ys, cot_carry = random_like(rng, ys, 1.0), random_like(rng, last, 1.0)

    def loss(params, carry, xs):
        last, ys = rx.unroll(case.cell, params, xs, carry, time_axis=1)
        return jnp.sum(ys * cot_ys) + sum(map(jnp.vdot, last, cot_carry))

    grads = jax.grad(loss, (0, 1, 2))(params, carry, xs)
    oracle, leading = ORACLES[case.oracle], lambda a: np.moveaxis(np.asarray(a), 1, 0)
    inputs = as_numpy(params), as_numpy(carry), leading(xs)
    assert_close((as_numpy(last), leading(ys)), oracle(*inputs, **case.options), 1e-12)
    want = numerical_gradients(
        oracle, *inputs, leading(cot_ys), as_numpy(cot_carry), **case.options
    )
    got = {"params": as_numpy(grads[0]), "carry": as_numpy(grads[1]), "xs": leading(grads[2])}
    assert_close(got, want, 1e-10)


VECTORS = load("keras_convolutional")


@pytest.mark.once
@pytest.mark.parametrize("name", VECTORS)
def test_cell_and_oracle_equal_keras(name):
    """Values and all gradients, against stored vectors."""
    vector = VECTORS[name]
    kernel = vector.params["W"]["i"].shape
    cell = rx.ConvLSTM(kernel[-1], kernel[:-2], **vector.options)
    params = rx.params_from_dict(
        cell.params_like(kernel[-2]), jax.tree.map(jnp.asarray, vector.params)
    )
    carry, cot_carry = (
        type(cell.initial_carry((9,) * (len(kernel) - 2)))(**jax.tree.map(jnp.asarray, given))
        for given in (vector.carry, vector.cot_carry)
    )

    def loss(params, carry, xs):
        last, ys = rx.unroll(cell, params, xs, carry, time_axis=0)
        return jnp.sum(ys * vector.cot_ys) + sum(map(jnp.vdot, last, cot_carry)), (last, ys)

    grads, (last, ys) = jax.grad(loss, (0, 1, 2), has_aux=True)(
        params, carry, jnp.asarray(vector.xs)
    )
    want = vector.final_carry, vector.ys
    assert_close((as_numpy(last), ys), want, 1e-12)
    inputs = vector.params, vector.carry, vector.xs
    assert_close(ORACLES["conv_lstm"](*inputs, **vector.options), want, 1e-12)
    got = {"params": as_numpy(grads[0]), "carry": as_numpy(grads[1]), "xs": grads[2]}
    assert_close(got, vector.grads, 1e-10)


@dataclass(frozen=True)
class Rows(rx.Cell):
    """The same cell over rows: space and features are one axis."""

    cell: Any
    space: tuple[int, ...]

    def init(self, key, in_features):
        return self.cell.init(key, in_features // math.prod(self.space))

    def initial_carry(self, batch_shape=()):
        return self.cell.initial_carry((*batch_shape, *self.space))

    def step(self, params, carry, x):
        x = x.reshape(*x.shape[:-1], *self.space, -1)
        carry, y = self.cell.step(params, carry, x)
        return carry, y.reshape(*y.shape[: y.ndim - len(self.space) - 1], -1)

    @property
    def out_features(self):
        return math.prod(self.cell.out_batch_shape(self.space)) * self.cell.features


OPTIONS = {
    "plain": {},
    "reversed": {"reverse": True},
    "lengths": {"lengths": np.array([2, 4])},
    "lengths reversed": {"lengths": np.array([0, 3]), "reverse": True, "pad": "hold"},
    "holes": {"mask": np.array([[1, 0, 1, 1], [0, 1, 1, 0]], bool)},
    "resets": {"resets": np.array([[1, 0, 1, 0], [0, 0, 0, 1]], bool)},
    "order": {"reverse": True, "lengths": np.array([3, 4]), "order": "processing"},
    "reference": {"method": "scan"},
    "boundaries": {"residuals": "boundaries"},
}


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "options"),
    combinations(
        ["conv_lstm_2d", "conv_gru_before"],
        OPTIONS,
        quick=lambda name, options: (name == "conv_gru_before") == ("s" in options),
    ),
)
def test_what_happens_around_a_cell_does_not_see_its_space(name, options, rng):
    """Values and gradients of a run in space are those of the run over rows."""
    case, options = CONVOLUTIONAL[name], OPTIONS[options]
    params, carry, xs = problem(rng, case)
    rows = xs.reshape(B, T, -1)

    def loss(cell, params, carry, xs):
        last, ys = rx.unroll(cell, params, xs, carry, time_axis=1, **options)
        weight = jnp.cos(jnp.arange(ys.size, dtype=ys.dtype)).reshape(ys.shape)
        total = jnp.sum(ys * weight) + sum(jnp.sum(jnp.sin(a)) for a in last)
        return total, (last, ys.reshape(B, T, -1))

    grads = jax.value_and_grad(loss, (1, 2, 3), has_aux=True)
    (_, got), (d_params, d_carry, d_xs) = grads(case.cell, params, carry, xs)
    (_, want), expected = grads(Rows(case.cell, case.space), params, carry, rows)
    assert_close(got, want)
    assert_close((d_params, d_carry, d_xs.reshape(rows.shape)), expected)


@every_case
def test_compiled_and_reference_agree(case, rng):
    params, carry, xs = problem(rng, case, steps=9)

    def loss(params, carry, xs, method):
        last, ys = rx.unroll(case.cell, params, xs, carry, time_axis=1, method=method)
        return jnp.sum(jnp.sin(ys)) + sum(jnp.sum(jnp.cos(a)) for a in last)

    grads = jax.value_and_grad(loss, (0, 1, 2))
    assert_close(grads(params, carry, xs, "chunked"), grads(params, carry, xs, "scan"))


@pytest.mark.parametrize("batch", [(), (2, 1, 3)])
def test_any_batch_axes(batch, rng):
    case = CONVOLUTIONAL["conv_lstm_2d"]
    params, carry, xs = problem(rng, case, batch)
    time = len(batch)
    last, ys = rx.unroll(case.cell, params, xs, carry, time_axis=time)
    flat = jax.tree.map(lambda a: a.reshape(-1, *a.shape[time:]), (carry, xs))
    want = rx.unroll(case.cell, params, flat[1], flat[0], time_axis=1)
    assert_close(jax.tree.map(lambda a: a.reshape(-1, *a.shape[time:]), (last, ys)), want)


def test_a_1x1_convolution_is_an_lstm_for_every_place(rng):
    cell, dense = rx.ConvLSTM(3, (1, 1)), rx.LSTM(3)
    params = random_like(rng, cell.params_like(2))
    W, U = (
        rx.Gates(axes, **{k: v[0, 0] for k, v in group.items()})
        for group, axes in ((params.W, ("x", "gate")), (params.U, ("h", "gate")))
    )
    xs = jnp.asarray(rng.normal(size=(B, T, 4, 5, 2)))
    _, ys = rx.unroll(cell, params, xs, time_axis=1)
    _, want = rx.unroll(dense, dense.params_like(2)._replace(W=W, U=U, b=params.b), xs, time_axis=1)
    assert_close(ys, want)


def test_a_stack_whose_strides_shrink_the_space(rng):
    layer = rx.Stack((rx.ConvLSTM(3, strides=2), rx.Residual(rx.ConvGRU(3))))
    params = random_like(rng, layer.params_like(2))
    xs = jnp.asarray(rng.normal(size=(B, T, 6, 4, 2)))
    _, ys = rx.unroll(layer, params, xs, time_axis=1, lengths=np.array([4, 2]))
    assert ys.shape == (B, T, 3, 2, 3)
    both = rx.Bidirectional(rx.ConvGRU(3))
    _, ys = rx.unroll(both, random_like(rng, both.params_like(2)), xs, time_axis=1)
    assert ys.shape == (B, T, 6, 4, 6)


def test_a_stream_in_space_is_the_whole_run(rng):
    case = CONVOLUTIONAL["conv_gru_2d"]
    params, _, xs = problem(rng, case)
    _, want = rx.unroll(case.cell, params, xs, time_axis=1)
    stream = rx.Stream(case.cell, params, batch_shape=(B, *case.space))
    first = stream(xs[:, 0])
    rest = stream.unroll(xs[:, 1:])
    assert_close(jnp.concatenate([first[:, None], rest], 1), want)
    stream.reset(np.array([True, False]))
    again = stream(xs[:, 0])
    assert_close(again[0], want[0, 0])
    assert np.any(np.asarray(again[1] != want[1, 0]))


def test_flax_layers_run_convolutional_cells(rng):
    case = CONVOLUTIONAL["conv_lstm_2d"]
    params, _, xs = problem(rng, case)
    lengths = np.array([2, 4])
    _, want = rx.unroll(case.cell, params, xs, time_axis=1, lengths=lengths)
    module = rx.linen.RNN(case.cell, param_dtype=jnp.float64)
    variables = module.init(jax.random.key(0), xs)
    filled = {"params": {"cell": rx.params_to_dict(params)}}
    assert jax.tree.structure(variables) == jax.tree.structure(filled)
    assert_close(module.apply(filled, xs, seq_lengths=lengths), want)
    layer = rx.nnx.RNN(case.cell, case.in_features, rngs=nnx.Rngs(0), param_dtype=jnp.float64)
    assert layer(xs, seq_lengths=lengths).shape == want.shape


def test_flax_has_the_same_equations(rng):
    """Flax's ConvLSTMCell, whose gates stand side by side and whose forget bias is in the step."""
    features = 3
    cell = rx.ConvLSTM(features)
    params = random_like(rng, cell.params_like(2))
    xs = jnp.asarray(rng.normal(size=(B, T, 4, 5, 2)))

    def side_by_side(group, extra=None):
        parts = {k: group[k] for k in "igfo"}
        if extra is not None:
            parts["f"] = parts["f"] - extra
        return jnp.concatenate(list(parts.values()), -1)

    flax_params = {
        "ih": {"kernel": side_by_side(params.W), "bias": side_by_side(params.b, 1.0)},
        "hh": {
            "kernel": side_by_side(params.U),
            "bias": jnp.zeros(4 * features),
        },
    }
    module = nn.RNN(nn.ConvLSTMCell(features, (3, 3), dtype=jnp.float64, param_dtype=jnp.float64))
    want = module.apply({"params": {"cell": flax_params}}, xs)
    _, ys = rx.unroll(cell, params, xs, time_axis=1)
    assert_close(ys, want)


BAD = {
    "time among space": (
        lambda c, p, xs: rx.unroll(c, p, xs),
        "rx.unroll: xs must be (*batch, time, *space, in_features) for this cell",
    ),
    "no space": (
        lambda c, p, xs: rx.unroll(c, p, xs[:, :, 0, 0]),
        "rx.unroll: xs must have a time and a feature axis, (*batch, time, *space, in_features)",
    ),
    "lengths for every place": (
        lambda c, p, xs: rx.unroll(c, p, xs, time_axis=1, lengths=np.ones((B, 4, 5), int)),
        "rx.unroll: lengths must have shape (2,), the batch axes of xs",
    ),
    "carry of another space": (
        lambda c, p, xs: rx.unroll(c, p, xs, c.initial_carry((B, 3, 5)), time_axis=1),
        "carry.h must have shape (2, 4, 5, 3)",
    ),
    "carry without space": (
        lambda c, p, xs: c.initial_carry((B,)),
        "rx.ConvLSTM: x must be (*batch, *space, in_features) with 2 axes of space",
    ),
    "kernel of no axes": (lambda c, p, xs: rx.ConvLSTM(3, ()), "kernel_size must be positive"),
    "kernel of four axes": (
        lambda c, p, xs: rx.ConvGRU(3, (3, 3, 3, 3)),
        "rx.ConvGRU: kernel_size must have one, two or three entries",
    ),
    "strides of another rank": (
        lambda c, p, xs: rx.ConvLSTM(3, (3, 3), strides=(2,)),
        "rx.ConvLSTM: strides must have 2 entries",
    ),
    "padding": (
        lambda c, p, xs: rx.ConvLSTM(3, padding="same"),
        "rx.ConvLSTM: padding must be 'SAME' or 'VALID'",
    ),
    "in_features": (
        lambda c, p, xs: rx.unroll(c, p, xs[..., :1], time_axis=1),
        "params.W.i was made for in_features=2",
    ),
}


@pytest.mark.once
@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_input(call, message, rng):
    cell = rx.ConvLSTM(3)
    params = random_like(rng, cell.params_like(2))
    with pytest.raises((ValueError, TypeError)) as error:
        call(cell, params, jnp.ones((B, T, 4, 5, 2)))
    assert message in str(error.value)


@pytest.mark.parametrize("name", ["conv_lstm_1d", "conv_lstm_2d", "conv_gru_2d"])
def test_a_training_step_has_few_convolutions_with_axes_in_order(name, rng):
    """One in each loop, one for all weight gradients of a kernel; none that XLA:CPU runs slowly."""
    case = CONVOLUTIONAL[name]
    gates = len(jax.tree.leaves(case.cell.params_like(case.in_features).U))
    params, carry, xs = problem(rng, case)
    plan = rx.explain(lambda c, x: case.cell.step(params, c, x), carry, jnp.moveaxis(xs, 1, 0))
    for report in (plan.forward, plan.backward):
        (loop,) = report.loops
        (product,) = loop.matmuls
        assert product.parts == gates
    assert [product.parts for product in plan.backward.reductions] == [gates] * 2  # W and U

    def loss(params, carry, xs):
        return jnp.sum(rx.unroll(case.cell, params, xs, carry, time_axis=1)[1])

    lowered = jax.jit(jax.grad(loss, (0, 1, 2))).lower(params, carry, xs).as_text()
    found = set(re.findall(r"stablehlo.convolution.* dim_numbers = (.*), window", lowered))
    space = ", ".join(map(str, range(len(case.space))))
    assert found == {f"[b, {space}, f]x[{space}, i, o]->[b, {space}, f]"}
