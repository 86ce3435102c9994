"""Compares recurrax with every peer that is installed.

    python -m benchmarks --quick
    python -m benchmarks --cells lstm gru --peers linen torch --shapes 0 8,256,64,64
    python -m benchmarks --peers lengths mask resets mask+resets   # recurrax against itself

What is measured, and how to read the tables: benchmarks/README.md.
"""

import argparse
import json
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks import machine, report
from benchmarks.contenders import BASELINE, CONTENDERS, PEERS, VARIANTS, version
from benchmarks.grid import GATES, GRID, PASSES, Case, shape
from benchmarks.plot import draw
from benchmarks.process import Worker, WorkerError
from benchmarks.rounds import measure, summary

FULL = {"shapes": GRID, "rounds": 5, "seconds": 0.25}
QUICK = {"shapes": [GRID[0], GRID[2]], "rounds": 2, "seconds": 0.05}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks")
    parser.add_argument("--quick", action="store_true", help="two shapes, two short rounds")
    parser.add_argument("--cells", nargs="+", choices=GATES, default=list(GATES))
    parser.add_argument("--shapes", nargs="+", type=shape, help="indices, or B,T,D,H")
    parser.add_argument("--peers", nargs="+", choices=[*PEERS, *VARIANTS], default=PEERS)
    parser.add_argument("--directions", nargs="+", choices=PASSES, default=list(PASSES))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="time of one measurement in a round")
    parser.add_argument("--method", default="auto", help="of rx.unroll")
    parser.add_argument(
        "--precision",
        choices=["default", "highest"],
        default="default",
        help="float32 matmuls on a GPU: as JAX does unasked (TF32), or in full; torch is set alike",
    )
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks"))
    parser.add_argument("--list", action="store_true", help="what can be chosen")
    options = parser.parse_args()
    for name, value in (QUICK if options.quick else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.rounds < 1 or options.seconds < 0:
        parser.error("--rounds must be at least 1 and --seconds at least 0")
    return options


def listing() -> str:
    lines = [f"cell       {name}, {gates} gates" for name, gates in GATES.items()]
    lines += [f"direction  {name}" for name in PASSES]
    lines += [f"shape      {i}: B,T,D,H = {shape}" for i, shape in enumerate(GRID)]
    for name, contender in CONTENDERS.items():
        found = version(contender.distribution) or "not installed"
        lines.append(f"contender  {name}: {contender.distribution} {found}")
    return "\n".join(lines)


def start(worker: Worker, run: dict[str, Any]) -> bool:
    """Whether the contender runs here; if not, the reason stands in the record."""
    distribution = CONTENDERS[worker.name].distribution
    if version(distribution) is None:
        run["skipped"][worker.name] = f"{distribution} is not installed"
        return False
    try:
        run["facts"]["contenders"][worker.name] = worker.start()
    except WorkerError as error:
        worker.stop()
        run["skipped"][worker.name] = str(error)
        return False
    return True


def main() -> None:
    options = arguments()
    if options.list:
        print(listing())
        return
    options.out.mkdir(parents=True, exist_ok=True)
    run: dict[str, Any] = {
        "facts": machine.facts() | {"contenders": {}},
        "settings": {n: getattr(options, n) for n in ("method", "precision", "rounds", "seconds")},
        "skipped": {},
        "results": [],
        "summary": [],
    }
    shared = {"method": options.method, "precision": options.precision, "platform": ""}
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for name in tqdm([BASELINE, *options.peers], desc="starting", leave=False):
            log = options.out / f"{name}.log"
            log.unlink(missing_ok=True)
            worker = Worker(name, log, dict(shared))
            stack.callback(worker.stop)
            if start(worker, run):
                workers[name] = worker
            elif name == BASELINE:
                raise SystemExit(f"recurrax does not start: {run['skipped'][name]}; see {log}")
            if name == BASELINE:  # the peers must run where recurrax does
                shared["platform"] = run["facts"]["contenders"][name]["platform"]
        run["peak_flops"] = workers[BASELINE].ask("peak")["flops_per_second"]
        print(report.heading(run), flush=True)
        compare(options, workers, run)
    print("\n" + report.text(run))
    draw(run, options.out / "results.png")
    print(f"\nwritten: {options.out / 'results.json'}, {options.out / 'results.png'}")
    if any("error" in r["contenders"][BASELINE] for r in run["results"]):
        raise SystemExit(1)


def compare(options: argparse.Namespace, workers: dict[str, Worker], run: dict[str, Any]) -> None:
    """Fills ``run`` case by case. The file is written after each: no measurement is lost."""
    cases = [Case(*c) for c in product(options.cells, options.shapes, options.directions)]
    peers = [name for name in workers if name != BASELINE]
    with tqdm(total=len(cases) * len(workers) * (1 + options.rounds), unit="step") as bar:
        for case in cases:

            def advance(name: str, case: Case = case) -> None:
                bar.set_description(f"{case.cell} {case.shape} {case.direction} {name}", False)
                bar.update()

            result = measure(
                case, workers, options.rounds, options.seconds, run["peak_flops"], advance
            )
            run["results"].append(result)
            run["summary"] = summary(run["results"], peers)
            (options.out / "results.json").write_text(json.dumps(run, indent=1) + "\n")


if __name__ == "__main__":
    main()
