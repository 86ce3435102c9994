"""Contenders side by side: each in a process of its own, rounds alternating, medians in a table."""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Any

import jax


def compare(
    module: str,
    measure: Callable[..., list[float]],
    cells: Sequence[str],
    shapes: Sequence[str],
    contenders: Sequence[str],
    heading: str,
    default: Sequence[str],
) -> None:
    """The command line of a benchmark, and its table; ``heading`` says what a shape is.

    ``measure(cell, shape, contender)`` runs in a process of its own. Without ``--cells`` it is
    ``default`` that is compared.
    """
    parser = argparse.ArgumentParser(description=f"python -m {module}")
    parser.add_argument("--cells", nargs="+", default=list(default), choices=cells)
    parser.add_argument("--shapes", nargs="+", default=list(shapes), help=heading)
    parser.add_argument("--contenders", nargs="+", default=list(contenders), choices=contenders)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(*given.measure)))
        return
    print("| " + " | ".join(["cell", heading, *given.contenders]) + " |")
    print("|---" * (2 + len(given.contenders)) + "|")
    for cell in given.cells:
        for shape in given.shapes:
            times: dict[str, list[Any]] = {contender: [] for contender in given.contenders}
            for _ in range(given.rounds):
                for contender in given.contenders:
                    times[contender].append(in_own_process(module, cell, shape, contender))
            columns = [
                " and ".join(f"{median(column):.2f}" for column in zip(*found, strict=True))
                for found in times.values()
            ]
            print("| " + " | ".join([cell, shape, *columns]) + " |", flush=True)


def in_own_process(module: str, *what: str) -> Any:
    command = [sys.executable, "-m", module, "--measure", *what]
    return json.loads(subprocess.check_output(command, text=True).splitlines()[-1])


def milliseconds(forward: Callable[..., Any], params: Any, xs: Any) -> list[float]:
    """Of a forward pass and of a training step (gradients of both): the best of seven."""

    def loss(params: Any, xs: Any) -> Any:
        return jax.numpy.sum(forward(params, xs) ** 2)

    def best(f: Any) -> float:
        jax.block_until_ready(f(params, xs))
        found = []
        for _ in range(7):
            start = perf_counter()
            jax.block_until_ready(f(params, xs))
            found.append(perf_counter() - start)
        return 1e3 * min(found)

    return [best(jax.jit(forward)), best(jax.jit(jax.grad(loss, (0, 1))))]
