"""Real sequences that come with scikit-learn and statsmodels: nothing is downloaded."""

from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from sklearn.datasets import load_digits
from statsmodels.datasets import sunspots as sunspot_series

from support.training import Score, Split


class Task(NamedTuple):
    """A data set, how outputs (rows, out_features) are scored, and the score of a naive guess."""

    train: Split
    valid: Split
    test: Split
    out_features: int
    loss: Score
    metric: Score
    metric_name: str
    baseline: float
    baseline_name: str


def digits(steps: int) -> Task:
    """Handwritten digits of 8 x 8 pixels as sequences of ``steps`` equal pieces.

    The images are shuffled once, by a seed that never changes, because neighbours in the file were
    written by the same hand.
    """
    images, classes = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    xs = (images[order] / 16).reshape(len(images), steps, -1)  # a pixel is a number from 0 to 16
    train, valid, test = _split(xs, np.asarray(classes)[order])
    majority = np.bincount(train.ys).argmax()
    return Task(
        train,
        valid,
        test,
        out_features=10,
        loss=cross_entropy,
        metric=accuracy,
        metric_name="accuracy",
        baseline=float(jnp.mean(test.ys == majority)),
        baseline_name="majority class",
    )


def sunspots(window: int) -> Task:
    """The number of sunspots of a year from those of the ``window`` years before it.

    Training comes first in time and the test last. Mean and deviation are those of the years of
    training, since nobody knew the later ones then.
    """
    series = np.asarray(sunspot_series.load_pandas().endog)
    windows = np.lib.stride_tricks.sliding_window_view(series, window + 1)
    known = series[: window + _rows_of_training(len(windows))]
    windows = (windows - known.mean()) / known.std()
    train, valid, test = _split(windows[:, :-1, None], windows[:, -1])
    metric = partial(root_mean_squared_error, scale=float(known.std()))
    last_value = test.xs[:, -1]
    return Task(
        train,
        valid,
        test,
        out_features=1,
        loss=mean_squared_error,
        metric=metric,
        metric_name="RMSE",
        baseline=float(metric(last_value, test.ys)),
        baseline_name="persistence",
    )


def cross_entropy(logits: Array, classes: Array) -> Array:
    return optax.softmax_cross_entropy_with_integer_labels(logits, classes).mean()


def accuracy(logits: Array, classes: Array) -> Array:
    return jnp.mean(logits.argmax(axis=-1) == classes)


def error_rate(logits: Array, classes: Array) -> Array:
    return jnp.mean(logits.argmax(axis=-1) != classes)


def mean_squared_error(outputs: Array, targets: Array) -> Array:
    return jnp.mean((outputs[:, 0] - targets) ** 2)


def root_mean_squared_error(outputs: Array, targets: Array, scale: float) -> Array:
    """In the unit of the series, of which ``scale`` is the standard deviation."""
    return scale * jnp.sqrt(mean_squared_error(outputs, targets))


def _rows_of_training(rows: int) -> int:
    return rows - 2 * (rows // 5)


def _split(xs: np.ndarray, ys: np.ndarray) -> list[Split]:
    """In order: training, a fifth for validation, and a fifth for the test."""
    rows, fifth = len(xs), len(xs) // 5
    cuts = [_rows_of_training(rows), rows - fifth]
    parts = zip(np.split(xs, cuts), np.split(ys, cuts), strict=True)
    return [Split(jnp.asarray(x, float), jnp.asarray(y)) for x, y in parts]
