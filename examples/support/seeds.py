"""One training from many seeds at once: their parameters are stacked, and one program moves all."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from jax import Array
from tqdm import tqdm

import recurrax as rx
from support.model import Stack, StackParams, number_of_parameters
from support.training import Score, Split, compile_ahead, train_on

STEPS_PER_EPOCH = 50


class Problem(NamedTuple):
    """What is asked of a model, and how its answers are scored."""

    sample: Callable[[Array], Split]
    """a minibatch from a key"""
    test: Split
    out_features: int
    loss: Score
    error: Score
    every_step: bool = False
    """whether an answer is asked at every step, or after the last one only"""


class Run(NamedTuple):
    """What came of training, with a last axis of seeds."""

    params: StackParams
    """a first axis of seeds"""
    losses: np.ndarray
    """(epochs, seeds): the mean over the minibatches of an epoch"""
    errors: np.ndarray
    """(epochs, seeds): on the test sequences, after the epoch"""
    parameters: int
    """of one seed"""
    seconds: float
    """of training all seeds, compilation excluded"""

    @property
    def final(self) -> np.ndarray:
        """(seeds,): the errors after the last update, which no choice has made better."""
        return self.errors[-1]


def train_seeds(
    cells: tuple[rx.Cell, ...],
    problem: Problem,
    optimizer: optax.GradientTransformation,
    seeds: int,
    steps: int,
    title: str,
    first_seed: int = 0,
) -> Run:
    """Trains ``seeds`` models for ``steps`` updates, rounded up to whole epochs.

    A seed decides a model's first parameters and its minibatches; the test is the same for all.
    """
    model = Stack(cells, problem.out_features, problem.every_step)
    keys = jax.vmap(jax.random.key)(first_seed + np.arange(seeds))
    init_keys, keys = jax.vmap(jax.random.split, out_axes=1)(keys)
    in_features = problem.test.xs.shape[-1]

    @jax.jit
    @jax.vmap
    def start(key: Array) -> tuple[StackParams, Any]:
        params = model.init(key, in_features)
        return params, optimizer.init(params)

    def epoch(params: StackParams, opt_state: Any, key: Array, number: Array) -> Any:
        sample_keys = jax.random.split(jax.random.fold_in(key, number), STEPS_PER_EPOCH)
        params, opt_state, loss = train_on(
            jax.vmap(problem.sample)(sample_keys),
            params,
            opt_state,
            model=model,
            loss=problem.loss,
            optimizer=optimizer,
        )
        error = problem.error(model.apply(params, problem.test.xs), problem.test.ys)
        return params, opt_state, loss, error

    of_all_seeds = jax.vmap(epoch, in_axes=(0, 0, 0, None))
    params, opt_state = start(init_keys)
    compiled = compile_ahead(of_all_seeds, params, opt_state, keys, np.int32(0))
    losses, errors = [], []
    began = perf_counter()
    epochs = -(-steps // STEPS_PER_EPOCH)
    with tqdm(desc=title, total=epochs * STEPS_PER_EPOCH, unit="step") as bar:
        for number in range(epochs):
            params, opt_state, loss, error = compiled(params, opt_state, keys, np.int32(number))
            losses.append(np.asarray(loss))
            errors.append(np.asarray(error))
            bar.set_postfix_str(f"error {np.median(errors[-1]):.4f}", refresh=False)
            bar.update(STEPS_PER_EPOCH)
    seconds = perf_counter() - began
    parameters = number_of_parameters(params) // seeds
    return Run(params, np.stack(losses), np.stack(errors), parameters, seconds)
