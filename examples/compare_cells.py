"""Trains Elman, LSTM, GRU and UGRNN on real sequences, and compares them.

    python examples/compare_cells.py
    python examples/compare_cells.py --task sunspots --cells gru ugrnn --epochs 300 --resume

Tasks: ``digits-pixels`` and ``digits-rows``, handwritten digits read pixel by pixel or row by row;
``sunspots``, next year's number from the eleven years before.

Every model is two recurrent layers and a dense output. The best parameters on the validation part
are kept and scored on the test part. Written to ``--out``: ``learning_curves.png``;
``gradient_flow.png``, the vanishing gradient seen; and checkpoints. ``--resume`` goes on from them
as if the run had never stopped: on the same machine, to the last bit.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
from jax import Array
from support import plots
from support.checkpoints import Checkpoints, ConfigurationError
from support.data import Task, digits, sunspots
from support.fit import Settings, State, fit
from support.gradient_flow import gradient_flow
from support.model import Stack, number_of_parameters
from support.report import add_choices, at_least, seed, table
from support.training import History, Split, evaluate

import recurrax as rx


class Plan(NamedTuple):
    """A task, and how it is trained."""

    load: Callable[[], Task]
    epochs: int
    settings: Settings


# A cell of your own goes here; the README has one.
CELLS: dict[str, Callable[[int], rx.Cell]] = {
    "elman": rx.Elman,
    "lstm": rx.LSTM,
    "gru": rx.GRU,
    "ugrnn": rx.UGRNN,
}
TASKS = {
    "digits-pixels": Plan(partial(digits, steps=64), 60, Settings(3e-3, patience=15)),
    "digits-rows": Plan(partial(digits, steps=8), 60, Settings(3e-3, patience=15)),
    "sunspots": Plan(partial(sunspots, window=11), 150, Settings(5e-3, patience=40)),
}
FEATURES = (64, 32)


class Result(NamedTuple):
    task: str
    cell: str
    parameters: int
    test_score: float
    """the task's metric, of the best parameters"""
    baseline: float
    """the metric of a naive guess"""
    step_ms: float
    """median time of a training step, compilation excluded"""
    state: State
    history: History
    gradient_flow: tuple[Array, Array]
    """before and after training; see :func:`support.gradient_flow.gradient_flow`"""


def run(task_name: str, task: Task, cell_name: str, args: argparse.Namespace) -> Result:
    """Trains one cell on one task, from the start or from its last checkpoint."""
    plan, title = TASKS[task_name], f"{task_name} {cell_name}"
    cells = tuple(CELLS[cell_name](features) for features in FEATURES)
    model = Stack(cells, task.out_features)
    init_key, order_key = jax.random.split(jax.random.key(args.seed))
    xs = task.train.xs
    params = model.init(init_key, in_features=xs.shape[-1])

    settings = plan.settings
    configuration = {
        "task": task_name,
        "training_data": f"{xs.dtype}{list(xs.shape)}",
        "model": repr(model),
        "seed": args.seed,
        **settings._asdict(),
    }
    directory = args.out / "checkpoints" / title.replace(" ", "-")
    with Checkpoints(directory, configuration, args.resume) as checkpoints:
        epochs = args.epochs or plan.epochs
        state, history = fit(model, params, task, settings, order_key, epochs, checkpoints, title)

    batch = Split(task.test.xs[: settings.batch_size], task.test.ys[: settings.batch_size])
    (test_score,) = evaluate(model, state.best_params, task.test, (task.metric,))
    return Result(
        task_name,
        cell_name,
        number_of_parameters(params),
        float(test_score),
        task.baseline,
        history.step_ms(len(task.train.ys) // settings.batch_size),
        state,
        history,
        (
            gradient_flow(model, params, task.loss, batch),
            gradient_flow(model, state.best_params, task.loss, batch),
        ),
    )


def table_of(task_name: str, task: Task, results: Sequence[Result]) -> str:
    rows = [
        (
            result.cell,
            f"{result.parameters:,}",
            f"{result.test_score:.3f}",
            f"{result.history.best_epoch + 1} of {result.history.epochs}",
            f"{result.step_ms:.2f}",
        )
        for result in results
    ]
    rows.append((task.baseline_name, "", f"{task.baseline:.3f}", "", ""))
    header = ("cell", "parameters", f"test {task.metric_name}", "best epoch", "ms per step")
    return table(task_name, header, rows)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_choices(parser, "--task", TASKS)
    add_choices(parser, "--cells", CELLS)
    parser.add_argument("--seed", type=seed, default=0, help="of parameters and row order")
    parser.add_argument(
        "--epochs", type=at_least(1), help="the most epochs (default: depends on the task)"
    )
    parser.add_argument("--out", type=Path, default=Path("out/compare_cells"), help="a folder")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints in --out")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> list[Result]:
    args = parse(argv)
    tasks = {name: TASKS[name].load() for name in args.task}
    try:
        results = {
            name: [run(name, task, cell, args) for cell in dict.fromkeys(args.cells)]
            for name, task in tasks.items()
        }
    except ConfigurationError as error:
        raise SystemExit(f"compare_cells.py: {error}") from None

    for name, task in tasks.items():
        print(f"\n{table_of(name, task, results[name])}")
    histories = {name: {r.cell: r.history for r in rs} for name, rs in results.items()}
    flows = {name: {r.cell: r.gradient_flow for r in rs} for name, rs in results.items()}
    plots.learning_curves(args.out / "learning_curves.png", histories, "epoch")
    plots.gradient_flows(args.out / "gradient_flow.png", flows)
    print(f"\nPlots and checkpoints are in {args.out}.")
    return [result for rs in results.values() for result in rs]


if __name__ == "__main__":
    main()
