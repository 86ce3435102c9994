"""Training: an epoch as one compiled function, and the record that early stopping reads."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import optax
from jax import Array


def adam(learning_rate: optax.ScalarOrSchedule, clip_norm: float) -> optax.GradientTransformation:
    """Adam on gradients whose global norm is cut at ``clip_norm``."""
    return optax.chain(optax.clip_by_global_norm(clip_norm), optax.adam(learning_rate))


def train_on(
    loss: Callable[[Any, Array, Array], Array],
    optimizer: optax.GradientTransformation,
    params: Any,
    opt_state: Any,
    xs: Array,
    ys: Array,
) -> tuple[Any, Any, Array]:
    """One update per minibatch ``(xs[i], ys[i])``, in order, without a return to Python.

    Returns:
      ``(params, opt_state, mean loss)``; the loss of a minibatch is taken before its update.
    """

    def update(state, minibatch):
        params, opt_state = state
        value, gradients = jax.value_and_grad(loss)(params, *minibatch)
        updates, opt_state = optimizer.update(gradients, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), value

    (params, opt_state), losses = jax.lax.scan(update, (params, opt_state), (xs, ys))
    return params, opt_state, losses.mean()


def shuffled_minibatches(key: Array, xs: Array, ys: Array, batch_size: int) -> tuple[Array, Array]:
    """The rows in an order drawn from ``key``, in full minibatches; the few left over wait."""
    batches = len(xs) // batch_size
    order = jax.random.permutation(key, len(xs))[: batches * batch_size]
    order = order.reshape(batches, batch_size)
    return xs[order], ys[order]


@dataclass
class History:
    """One number per epoch. Early stopping is decided from these alone."""

    train_loss: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    valid_metric: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        return len(self.valid_loss)

    @property
    def best_epoch(self) -> int:
        """The first epoch, counted from 0, with the lowest validation loss."""
        return self.valid_loss.index(min(self.valid_loss))

    def append(self, train_loss: Any, valid_loss: Any, valid_metric: Any) -> None:
        self.train_loss.append(float(train_loss))
        self.valid_loss.append(float(valid_loss))
        self.valid_metric.append(float(valid_metric))

    def stopped(self, patience: int) -> bool:
        """Whether the last ``patience`` epochs brought no new best."""
        return self.epochs > 0 and self.epochs - 1 - self.best_epoch >= patience
