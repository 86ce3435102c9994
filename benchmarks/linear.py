"""Linear recurrences step by step and in parallel over time, side by side.

    python -m benchmarks.linear
    python -m benchmarks.linear --cells lru --shapes 32,1024,64 --rounds 5

Each contender runs in a process of its own, rounds alternate, and the table has medians in
milliseconds of a forward and of a training step (gradients of parameters and inputs), float32.
"""

import argparse
import json
import subprocess
import sys
from statistics import median
from time import perf_counter
from typing import Any

METHODS = ("chunked", "associative", "scan")
CELLS = ("MinGRU", "MinLSTM", "LRU", "QRNN")
SHAPES = ("1,256,32", "1,2048,32", "1,16384,32", "8,512,64", "1,2048,256", "32,1024,64")


def main() -> None:
    parser = argparse.ArgumentParser(description="Linear recurrences, by method.")
    parser.add_argument("--cells", nargs="+", default=list(CELLS[::2]), choices=CELLS)
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), help="batch,time,features")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contender", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contender:
        print(json.dumps(measure(*given.contender)))
        return
    print("| cell | batch, time, features | " + " | ".join(given.methods) + " |")
    print("|---|---|" + "---|" * len(given.methods))
    for cell in given.cells:
        for shape in given.shapes:
            times: dict[str, list[Any]] = {method: [] for method in given.methods}
            for _ in range(given.rounds):
                for method in given.methods:
                    times[method].append(in_own_process(cell, shape, method))
            columns = [
                " and ".join(f"{median(column):.2f}" for column in zip(*found, strict=True))
                for found in times.values()
            ]
            print(f"| {cell} | {shape} | " + " | ".join(columns) + " |", flush=True)


def in_own_process(*contender: str) -> Any:
    command = [sys.executable, "-m", "benchmarks.linear", "--contender", *contender]
    return json.loads(subprocess.check_output(command, text=True).splitlines()[-1])


def measure(cell: str, shape: str, method: str) -> list[float]:
    """Milliseconds of the forward pass and of a training step: the best of seven."""
    import jax
    import jax.numpy as jnp

    import recurrax as rx

    batch, time, features = map(int, shape.split(","))
    layer = getattr(rx, cell)(features)
    params = layer.init(jax.random.key(0), features)
    xs = jax.random.normal(jax.random.key(1), (batch, time, features))

    def forward(params: Any, xs: Any) -> Any:
        return rx.unroll(layer, params, xs, method=method)[1]

    def loss(params: Any, xs: Any) -> Any:
        return jnp.sum(forward(params, xs) ** 2)

    def best(f: Any) -> float:
        jax.block_until_ready(f(params, xs))
        found = []
        for _ in range(7):
            start = perf_counter()
            jax.block_until_ready(f(params, xs))
            found.append(perf_counter() - start)
        return 1e3 * min(found)

    return [best(jax.jit(forward)), best(jax.jit(jax.grad(loss, (0, 1))))]


if __name__ == "__main__":
    main()
