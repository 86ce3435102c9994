"""Training with early stopping that can be interrupted, and resumed as if it had not been."""

from dataclasses import asdict
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import jax
import optax
from jax import Array
from tqdm import tqdm

from support.checkpoints import Checkpoints
from support.data import Task
from support.model import Stack, StackParams
from support.training import (
    History,
    Score,
    Split,
    adam,
    compile_ahead,
    evaluate,
    shuffled,
    train_on,
)


class Settings(NamedTuple):
    learning_rate: float
    patience: int
    """epochs without a new best on the validation part before training stops"""
    batch_size: int = 32
    clip_norm: float = 1.0


class State(NamedTuple):
    """The arrays of a run. With these, its history and its key, all that follows is decided."""

    params: StackParams
    opt_state: Any
    best_params: StackParams


def fit(
    model: Stack,
    params: StackParams,
    task: Task,
    settings: Settings,
    key: Array,
    epochs: int,
    checkpoints: Checkpoints,
    title: str,
) -> tuple[State, History]:
    """Trains on ``task.train`` until the loss on ``task.valid`` no longer falls.

    Args:
      model: what is trained.
      params: its first parameters.
      task: the data and the loss.
      settings: of the optimizer and of early stopping.
      key: decides the order of the rows, together with the number of the epoch.
      epochs: the most there may be, those before an interruption included.
      checkpoints: where the run goes on from, if there is one, and is saved to.
      title: what the progress bar says.
    """
    optimizer = adam(settings.learning_rate, settings.clip_norm)
    state, history = State(params, optimizer.init(params), params), History()
    restored = checkpoints.restore(like=state)
    if restored is not None:
        state, record = restored
        history = History(**record)

    train = partial(
        train_epoch,
        model=model,
        loss=task.loss,
        optimizer=optimizer,
        batch_size=settings.batch_size,
    )
    compiled = compile_ahead(train, params, state.opt_state, task.train, key)
    total = max(epochs, history.epochs)
    with tqdm(desc=title, total=total, initial=history.epochs, unit="epoch") as bar:
        while history.epochs < epochs and not history.stopped(settings.patience):
            # The order of the rows follows from the epoch's number: there is no stream to save.
            order_key = jax.random.fold_in(key, history.epochs)
            start = perf_counter()
            params, opt_state, loss = jax.block_until_ready(
                compiled(state.params, state.opt_state, task.train, order_key)
            )
            seconds = perf_counter() - start
            valid_loss, valid_metric = evaluate(model, params, task.valid, (task.loss, task.metric))
            history.append(loss, valid_loss, valid_metric, seconds)
            is_best = history.best_epoch == history.epochs - 1
            state = State(params, opt_state, params if is_best else state.best_params)
            bar.set_postfix_str(history.last(task.metric_name), refresh=False)
            bar.update()
            if checkpoints.is_due():
                checkpoints.save(history.epochs, state, asdict(history))
    checkpoints.save(history.epochs, state, asdict(history))
    return state, history


def train_epoch(
    params: StackParams,
    opt_state: Any,
    rows: Split,
    key: Array,
    *,
    model: Stack,
    loss: Score,
    optimizer: optax.GradientTransformation,
    batch_size: int,
) -> tuple[StackParams, Any, Array]:
    minibatches = shuffled(key, rows, batch_size)
    return train_on(minibatches, params, opt_state, model=model, loss=loss, optimizer=optimizer)
