"""Two problems that need a memory of many steps: gated cells solve them, a tanh network does not.

    python examples/long_memory.py
    python examples/long_memory.py --task adding --length 200 --cells elman gru-chrono

Tasks: ``adding`` and ``temporal-order``, see support/memory_tasks.py. Every model is one recurrent
layer and a dense output. The sequences are made as they are needed, so no model sees one twice.

``lstm`` and ``gru`` start as recurrax draws them. The ``-chrono`` cells differ in the initial
values of some biases only: their gates start with memories of 1 to T steps, so at every distance
some units let the gradient through. ``gradient_flow.png`` shows it before training has begun.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array
from support import plots
from support.data import cross_entropy, mean_squared_error
from support.gradient_flow import gradient_flow
from support.memory_tasks import adding, temporal_order
from support.model import Stack, StackParams, number_of_parameters
from support.report import add_choices, at_least, seed, table
from support.training import History, Score, Split, adam, compile_ahead, evaluate, train_on
from tqdm import tqdm

import recurrax as rx


def lstm_chrono(features: int, length: int) -> rx.LSTM:
    biases = rx.initializers.chrono(length)
    return rx.LSTM(features, preset=rx.initializers.preset("default", b=biases))


def gru_chrono(features: int, length: int) -> rx.GRU:
    biases = rx.initializers.chrono(length, forget="z", input=None)  # z keeps the state
    return rx.GRU(features, preset=rx.initializers.preset("default", b=biases))


class Contender(NamedTuple):
    cell: Callable[[int, int], rx.Cell]
    """(features, length of the sequences)"""
    learning_rate: float


def error_rate(logits: Array, classes: Array) -> Array:
    return jnp.mean(logits.argmax(axis=-1) != classes)


class Problem(NamedTuple):
    make: Callable[[Array, int, int], Split]
    """(key, batch, length)"""
    in_features: int
    out_features: int
    loss: Score
    error: Score
    error_name: str
    baseline: float
    baseline_name: str


# 1e-3 was the best for the tanh network of 3e-4, 1e-3, 3e-3 and 1e-2; with 1e-2 it learns nothing.
CELLS = {
    "elman": Contender(lambda features, _: rx.Elman(features), 1e-3),
    "lstm": Contender(lambda features, _: rx.LSTM(features), 1e-2),
    "gru": Contender(lambda features, _: rx.GRU(features), 1e-2),
    "lstm-chrono": Contender(lstm_chrono, 1e-2),
    "gru-chrono": Contender(gru_chrono, 1e-2),
}
TASKS = {
    "adding": Problem(
        adding, 2, 1, mean_squared_error, mean_squared_error, "MSE", 1 / 6, "always 1"
    ),
    "temporal-order": Problem(
        temporal_order, 8, 4, cross_entropy, error_rate, "error rate", 3 / 4, "one class"
    ),
}
FEATURES = 32
BATCH_SIZE = 32
CLIP_NORM = 1.0
STEPS_PER_EPOCH = 100
ROWS_OF_EVALUATION = 1000

# At T = 100, with seeds 0 to 4 and at most 3,000 steps, the errors on the test sequences were
#
#                     elman          lstm                 gru                  -chrono
#   adding            0.068 - 0.172  0.0016 - 0.0023      0.0012 - 0.0021      0.0013 - 0.0026
#   temporal-order    0.741 - 0.770  0.743 - 0.771        0 (2), 0.76 (3)      0 - 0.002
#
# and the -chrono cells took 100 to 400 steps. At T = 50 the claim does not hold: there elman solved
# temporal-order with 2 seeds of 5, and came to 0.018 - 0.059 in adding.
SOLVED_BELOW = 0.01
FAILED_ABOVE = {"adding": 0.04, "temporal-order": 0.5}


class Result(NamedTuple):
    task: str
    length: int
    cell: str
    parameters: int
    test_error: float
    steps: int
    """of training, until the problem was solved or the time was up"""
    step_ms: float
    history: History
    gradient_flow: tuple[Array, Array]
    """before and after training; see :func:`support.gradient_flow.gradient_flow`"""

    @property
    def verdict(self) -> str:
        if self.test_error < SOLVED_BELOW:
            return "solved"
        return "not solved" if self.test_error > FAILED_ABOVE[self.task] else "in part"


def run(task_name: str, length: int, cell_name: str, args: argparse.Namespace) -> Result:
    """Trains one cell on one problem until it is solved, or ``args.steps`` are done."""
    problem, contender = TASKS[task_name], CELLS[cell_name]
    model = Stack((contender.cell(FEATURES, length),), problem.out_features)
    optimizer = adam(contender.learning_rate, CLIP_NORM)
    init_key, train_key, valid_key, test_key = jax.random.split(jax.random.key(args.seed), 4)
    valid = problem.make(valid_key, ROWS_OF_EVALUATION, length)
    test = problem.make(test_key, ROWS_OF_EVALUATION, length)
    first_params = params = model.init(init_key, problem.in_features)
    opt_state, history = optimizer.init(params), History()

    epoch = partial(train_epoch, model=model, problem=problem, length=length, optimizer=optimizer)
    compiled = compile_ahead(epoch, params, opt_state, train_key)
    epochs = -(-args.steps // STEPS_PER_EPOCH)
    with tqdm(
        desc=f"{task_name} T={length} {cell_name}", total=epochs * STEPS_PER_EPOCH, unit="step"
    ) as bar:
        while history.epochs < epochs:
            epoch_key = jax.random.fold_in(train_key, history.epochs)
            start = perf_counter()
            params, opt_state, loss = jax.block_until_ready(compiled(params, opt_state, epoch_key))
            seconds = perf_counter() - start
            valid_loss, valid_error = evaluate(model, params, valid, (problem.loss, problem.error))
            history.append(loss, valid_loss, valid_error, seconds)
            bar.set_postfix_str(history.last(problem.error_name), refresh=False)
            bar.update(STEPS_PER_EPOCH)
            # Well below the line, so that the test sequences are below it too.
            if history.valid_metric[-1] < SOLVED_BELOW / 4:
                break

    (test_error,) = evaluate(model, params, test, (problem.error,))
    batch = Split(test.xs[:BATCH_SIZE], test.ys[:BATCH_SIZE])
    return Result(
        task_name,
        length,
        cell_name,
        number_of_parameters(params),
        float(test_error),
        history.epochs * STEPS_PER_EPOCH,
        history.step_ms(STEPS_PER_EPOCH),
        history,
        (
            gradient_flow(model, first_params, problem.loss, batch),
            gradient_flow(model, params, problem.loss, batch),
        ),
    )


def train_epoch(
    params: StackParams,
    opt_state: Any,
    key: Array,
    *,
    model: Stack,
    problem: Problem,
    length: int,
    optimizer: optax.GradientTransformation,
) -> tuple[StackParams, Any, Array]:
    def make(key: Array) -> Split:
        return problem.make(key, BATCH_SIZE, length)

    minibatches = jax.vmap(make)(jax.random.split(key, STEPS_PER_EPOCH))
    return train_on(
        minibatches, params, opt_state, model=model, loss=problem.loss, optimizer=optimizer
    )


def table_of(results: Sequence[Result]) -> str:
    """``results`` are those of one task and one length."""
    task_name, length = results[0].task, results[0].length
    problem = TASKS[task_name]
    rows = [
        (
            result.cell,
            f"{result.parameters:,}",
            f"{result.test_error:.4f}",
            f"{result.steps:,}",
            f"{result.step_ms:.2f}",
            result.verdict,
        )
        for result in results
    ]
    rows.append((problem.baseline_name, "", f"{problem.baseline:.4f}", "", "", ""))
    header = ("cell", "parameters", f"test {problem.error_name}", "steps", "ms per step", "")
    return table(f"{task_name}, T = {length}", header, rows)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_choices(parser, "--task", TASKS)
    add_choices(parser, "--cells", CELLS)
    parser.add_argument(
        "--length", nargs="+", type=at_least(10), default=[50, 100], help="time steps"
    )
    parser.add_argument("--seed", type=seed, default=0, help="of parameters and sequences")
    parser.add_argument(
        "--steps", type=at_least(1), default=3000, help="the most updates, in whole hundreds"
    )
    parser.add_argument("--out", type=Path, default=Path("out/long_memory"), help="a folder")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> list[Result]:
    args = parse(argv)
    results = {
        f"{task}, T = {length}": [
            run(task, length, cell, args) for cell in dict.fromkeys(args.cells)
        ]
        for task in args.task
        for length in args.length
    }
    for rs in results.values():
        print(f"\n{table_of(rs)}")
    histories = {title: {r.cell: r.history for r in rs} for title, rs in results.items()}
    flows = {title: {r.cell: r.gradient_flow for r in rs} for title, rs in results.items()}
    plots.learning_curves(
        args.out / "learning_curves.png", histories, f"epoch of {STEPS_PER_EPOCH} steps"
    )
    plots.gradient_flows(args.out / "gradient_flow.png", flows)
    print(f"\nPlots are in {args.out}.")
    return [result for rs in results.values() for result in rs]


if __name__ == "__main__":
    main()
