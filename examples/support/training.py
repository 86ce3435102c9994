"""Many updates as one compiled function, scores, and the history that decides when to stop."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import jax
import optax
from jax import Array

from support.model import Stack, StackParams

Score = Callable[[Array, Array], Array]
"""(outputs, ys) to a number, the mean over the rows."""


class Split(NamedTuple):
    """Sequences, and what is to be predicted: after their last step, or at every step."""

    xs: Array
    """(rows, time, features)"""
    ys: Array
    """(rows,) or (rows, time): a class, or a number"""


def adam(learning_rate: optax.ScalarOrSchedule, clip_norm: float) -> optax.GradientTransformation:
    """Adam on gradients whose global norm is cut at ``clip_norm``."""
    return optax.chain(optax.clip_by_global_norm(clip_norm), optax.adam(learning_rate))


def train_on(
    minibatches: Split,
    params: StackParams,
    opt_state: Any,
    *,
    model: Stack,
    loss: Score,
    optimizer: optax.GradientTransformation,
) -> tuple[StackParams, Any, Array]:
    """One update per minibatch, in order, without a return to Python.

    Args:
      minibatches: arrays with a leading axis of minibatches.
      params, opt_state: before the first update.
      model, loss, optimizer: what is trained, and how.

    Returns:
      ``(params, opt_state, loss)``: after the last update, and the mean of the losses before each.
    """

    def loss_of(params: StackParams, minibatch: Split) -> Array:
        return loss(model.apply(params, minibatch.xs), minibatch.ys)

    def update(state: tuple[StackParams, Any], minibatch: Split) -> Any:
        params, opt_state = state
        value, gradients = jax.value_and_grad(loss_of)(params, minibatch)
        updates, opt_state = optimizer.update(gradients, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), value

    (params, opt_state), losses = jax.lax.scan(update, (params, opt_state), minibatches)
    return params, opt_state, losses.mean()


def compile_ahead(function: Callable[..., Any], *like: Any) -> Callable[..., Any]:
    """``function`` compiled for such arguments: no call is timed together with its compilation."""
    return jax.jit(function).lower(*like).compile()


def shuffled(key: Array, rows: Split, batch_size: int) -> Split:
    """Minibatches of rows in an order drawn from ``key``, without an incomplete last one."""
    number = len(rows.ys) // batch_size
    order = jax.random.permutation(key, len(rows.ys))[: number * batch_size]
    order = order.reshape(number, batch_size)
    return Split(rows.xs[order], rows.ys[order])


@partial(jax.jit, static_argnames=("model", "scores"))
def evaluate(
    model: Stack, params: StackParams, rows: Split, scores: tuple[Score, ...]
) -> tuple[Array, ...]:
    outputs = model.apply(params, rows.xs)
    return tuple(score(outputs, rows.ys) for score in scores)


@dataclass
class History:
    """One number per epoch. Early stopping is decided from these alone."""

    train_loss: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    valid_metric: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list, compare=False)
    """of training; the only numbers that differ when a run is repeated"""

    @property
    def epochs(self) -> int:
        return len(self.valid_loss)

    @property
    def best_epoch(self) -> int:
        """The first epoch, counted from 0, with the lowest validation loss."""
        return self.valid_loss.index(min(self.valid_loss))

    def append(self, train_loss: Any, valid_loss: Any, valid_metric: Any, seconds: float) -> None:
        self.train_loss.append(float(train_loss))
        self.valid_loss.append(float(valid_loss))
        self.valid_metric.append(float(valid_metric))
        self.seconds.append(seconds)

    def stopped(self, patience: int) -> bool:
        """Whether the last ``patience`` epochs brought no new best."""
        return self.epochs > 0 and self.epochs - 1 - self.best_epoch >= patience

    def last(self, metric_name: str) -> str:
        """For a progress bar."""
        loss, metric = self.train_loss[-1], self.valid_metric[-1]
        return f"loss {loss:.4f}, validation {metric_name} {metric:.3f}"

    def step_ms(self, steps_per_epoch: int) -> float:
        """Median time of a training step, in milliseconds."""
        return 1000 * median(self.seconds) / steps_per_epoch
