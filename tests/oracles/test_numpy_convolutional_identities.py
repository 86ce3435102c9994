"""Convolutions, held to NumPy's own, and the cells, to dense ones over all pixels."""

import numpy as np
import pytest

from .identities import assert_same, run
from .numpy_cells import ORACLES, gru, lstm
from .numpy_convolutional import convolve
from .numpy_problems import BATCH, PROBLEMS, TIME, draw

pytestmark = pytest.mark.once


def one_axis(x, kernel, before, after):
    """Cross-correlation along the last axis by NumPy itself."""
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(before, after)])
    return np.apply_along_axis(np.correlate, -1, padded, kernel, "valid")


def test_convolution_of_one_axis(rng):
    x, kernel = rng.normal(size=(BATCH, 7, 1)), rng.normal(size=(3, 1, 1))
    flat, weights = x[..., 0], kernel[..., 0, 0]
    dilated = np.array([weights[0], 0, weights[1], 0, weights[2]])
    for padding, dilation, stride, want in [
        ("VALID", 1, 1, one_axis(flat, weights, 0, 0)),
        ("SAME", 1, 1, one_axis(flat, weights, 1, 1)),
        ("VALID", 2, 1, one_axis(flat, dilated, 0, 0)),
        ("SAME", 2, 1, one_axis(flat, dilated, 2, 2)),
        ("VALID", 1, 2, one_axis(flat, weights, 0, 0)[:, ::2]),
        ("SAME", 1, 2, one_axis(flat, weights, 1, 1)[:, ::2]),  # 4 positions reach over 9
        ("SAME", 1, 3, one_axis(flat, weights, 1, 1)[:, ::3]),  # 3 positions reach over 9
    ]:
        assert_same(convolve(x, kernel, stride, padding, dilation)[..., 0], want)
    even, pair = x[:, :6], kernel[:2]  # an odd zero is at the end
    want = one_axis(even[..., 0], weights[:2], 0, 1)
    assert_same(convolve(even, pair)[..., 0], want)
    want = one_axis(even[..., 0], weights, 0, 1)[:, ::2]  # 3 positions reach over 7
    assert_same(convolve(even, kernel, 2)[..., 0], want)


def test_convolution_of_two_and_three_axes_is_one_after_the_other(rng):
    x = rng.normal(size=(BATCH, 4, 5, 6, 1))
    weights = [rng.normal(size=size) for size in (3, 2, 3)]
    pads = [(1, 1), (0, 1), (1, 1)]
    kernel = np.einsum("i,j,k->ijk", *weights)[..., None, None]
    want = x[..., 0]
    for axis, (line, pad) in enumerate(zip(weights, pads, strict=True), start=1):
        want = np.moveaxis(one_axis(np.moveaxis(want, axis, -1), line, *pad), -1, axis)
    assert_same(convolve(x, kernel)[..., 0], want)
    assert_same(convolve(x, kernel, (1, 2, 1))[..., 0][:, :, :1], want[:, :, :1])
    plane = np.einsum("i,j->ij", *weights[:2])[..., None, None]
    want = one_axis(np.moveaxis(x[:, :, :, 0, 0], 1, 2), weights[0], 1, 1)
    want = one_axis(np.moveaxis(want, 1, 2), weights[1], 0, 1)
    assert_same(convolve(x[:, :, :, 0], plane)[..., 0], want)


def test_convolution_of_channels_is_the_sum_of_shifted_products(rng):
    x, kernel = rng.normal(size=(BATCH, 5, 2)), rng.normal(size=(3, 2, 4))
    zero = np.zeros((BATCH, 1, 2))
    left, right = np.concatenate([zero, x[:, :-1]], 1), np.concatenate([x[:, 1:], zero], 1)
    want = np.einsum("kbsi,kio->bso", [left, x, right], kernel)
    assert_same(convolve(x, kernel), want)


def as_matrix(kernel, space, *options):
    """The convolution as a dense matrix, (pixels * I, pixels * H), by its response to impulses."""
    pixels = int(np.prod(space)) * kernel.shape[-2]
    impulses = np.eye(pixels).reshape(pixels, *space, kernel.shape[-2])
    return convolve(impulses, kernel, *options).reshape(pixels, -1)


@pytest.mark.parametrize("name", [name for name in PROBLEMS if name.startswith("conv")])
def test_convolutional_cell_is_a_dense_cell_over_all_pixels(rng, name):
    problem = PROBLEMS[name]
    params, carry, xs = draw(rng, problem)
    options = {"strides": 1, "padding": "SAME", "dilation": 1} | problem.options
    reset = {"reset": options.pop("reset")} if "reset" in options else {}
    space, after = problem.inputs[:-1], problem.carry["h"][:-1]
    full = {
        "W": {g: as_matrix(W, space, *options.values()) for g, W in params["W"].items()},
        "U": {g: as_matrix(U, after) for g, U in params["U"].items()},
        "b": {g: np.tile(b, int(np.prod(after))) for g, b in params["b"].items()},
    }
    start = {field: part.reshape(BATCH, -1) for field, part in carry.items()}
    cell = lstm if "lstm" in name else gru
    last, ys = cell(full, start, xs.reshape(TIME, BATCH, -1), **reset)
    want = {field: part.reshape(carry[field].shape) for field, part in last.items()}
    actual = run(name, params, carry, xs)
    assert_same(actual, (want, ys.reshape(TIME, *carry["h"].shape)))


@pytest.mark.parametrize("name", ["conv_lstm", "conv_gru", "conv_gru_before"])
def test_convolution_of_one_pixel_is_a_cell_at_every_pixel(rng, name):
    params, carry, xs = draw(rng, PROBLEMS[name])
    params = params | {k: {g: a[:1, :1] for g, a in params[k].items()} for k in "WU"}
    carry = {field: rng.normal(size=(BATCH, 4, 5, 3)) for field in carry}
    options = {"reset": "before"} if name == "conv_gru_before" else {}
    last, ys = ORACLES[PROBLEMS[name].cell](params, carry, xs, **options)
    kernels = params | {k: {g: a[0, 0] for g, a in params[k].items()} for k in "WU"}
    cell = lstm if name == "conv_lstm" else gru
    assert_same((last, ys), cell(kernels, carry, xs, **options))
