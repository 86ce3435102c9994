"""Mutation run over the library: change one thing in a file, and see a test turn red.

    python -m tools.mutate cell/options.py program/passes/fuse.py
    python -m tools.mutate compose/stack.py --sample 20 --seed 1  # some of its mutants, at random
    python -m tools.mutate cells/lstm.py --only "line 120:" --tests cells/test_laws.py
    python -m tools.mutate                  # all files; some hours

The tests of a file's room run once, and it is noted which lines each of them runs. A mutant, which
is a copy of the project with one change (``tools/mutants.py``), is held to the tests that run the
changed line: first those that killed its neighbours, then the quickest. One that they let pass is
printed as a survivor. Exit status 1 if one survives. For the equations of cells
``python -m tools.mutate_cells`` is quicker. Needs ``pip install -e ".[test,quality]"``.
"""

import argparse
import ast
import random
import re
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools import suite
from tools.mutants import mutants

ROOT = Path(__file__).resolve().parent.parent
SEQUENCES = "sequence flax_layers/test_flax_sequences.py cells/test_convolutional.py"
COMPILER = "program evaluators test_explain.py test_scan.py cells/test_convolutional.py"
TESTS = {  # of each package, below tests/
    "cell": "cell cells test_initializers.py test_docs.py",
    "cells": "cell cells test_initializers.py test_docs.py",
    "program": COMPILER,
    "evaluators": COMPILER,
    "sequence": SEQUENCES,
    "compose": f"{SEQUENCES} compose",
}
FILES = [
    f"{room}/{path.relative_to(ROOT / 'recurrax' / room)}"
    for room in TESTS
    for path in sorted((ROOT / "recurrax" / room).rglob("*.py"))
    if path.name != "__init__.py"
]


class Order:
    """The tests that run a line, those that are likely to fail and quick first."""

    def __init__(self, lines: suite.Lines, seconds: dict[str, float]) -> None:
        self.lines = lines
        self.seconds = seconds
        self.kills: dict[str, Counter[str]] = defaultdict(Counter)

    def of(self, file: str, line: int) -> list[str]:
        lines = self.lines[file]
        tests: set[str] = set()
        for first, last in statements(source_of(file), line):
            tests = set[str]().union(*(lines.get(n, ()) for n in range(first, last + 1)))
            if tests:
                break
        else:  # run as the file is imported
            tests = set[str]().union(*lines.values())
        return sorted(tests, key=lambda test: self.worth(file, test), reverse=True)

    def worth(self, file: str, test: str) -> float:
        return (0.1 + self.kills[file][test]) / (0.2 + self.seconds.get(test, 1))


def statements(source: str, line: int) -> list[tuple[int, int]]:
    """First and last lines of the statements around a line, the innermost first.

    Of one that holds others, but for a function or a class, only the lines before them.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.stmt):
            continue
        first, last = node.lineno, node.end_lineno or node.lineno
        if not first <= line <= last:
            continue
        head = last
        if isinstance(node, ast.If | ast.For | ast.While | ast.With | ast.Try):
            head = max(first, node.body[0].lineno - 1)
        found.append((last - first, (first, head)))
    return [lines for _, lines in sorted(found)]


def source_of(file: str) -> str:
    return (ROOT / "recurrax" / file).read_text()


def killed_by(order: Order, file: str, line: int, source: str) -> str:
    """The test that fails on the mutant; empty if it survives all."""
    tests = order.of(file, line)
    for some in (tests[:12], tests[12:]):  # most fall to the first; the modules of all load longer
        limit = 60 + 5 * sum(order.seconds.get(test, 1) for test in some)
        failing = suite.first_failure(ROOT, {f"recurrax/{file}": source}, some, limit)
        if failing:
            order.kills[file][failing] += 1
            return failing
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description="Mutation run over the library.")
    parser.add_argument("files", nargs="*", help="such as cell/options.py (default: all)")
    parser.add_argument("--only", help="mutants whose description has this, such as 'line 84:'")
    parser.add_argument(
        "--tests", nargs="+", help="such as test_scan.py (default: those of the room)"
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sample", type=int, help="so many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    options = parser.parse_args()
    jobs = [
        (file, what, code)
        for file in options.files or FILES
        for what, code in mutants(source_of(file))
        if options.only is None or options.only in what
    ]
    if options.sample is not None and options.sample < len(jobs):
        jobs = random.Random(options.seed).sample(jobs, options.sample)
    rooms = {file.split("/")[0] for file, _, _ in jobs}
    names = [name for room in sorted(rooms) for name in TESTS[room].split()]
    order = Order(*suite.lines_of_tests(ROOT, sorted(set(options.tests or names)), options.jobs))

    def run(job: tuple[str, str, str]) -> tuple[str, str, str]:
        file, what, source = job
        line = re.match(r"line (\d+)", what)
        assert line is not None
        return file, what, killed_by(order, file, int(line[1]), source)

    survivors: list[str] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for done, (file, what, killer) in enumerate(pool.map(run, jobs), 1):
            verdict = f"killed by {killer}" if killer else "SURVIVED"
            print(f"{done}/{len(jobs)} {file} {what}: {verdict}", flush=True)
            if not killer:
                survivors.append(f"{file} {what}")
    print(f"\n{len(jobs) - len(survivors)} of {len(jobs)} mutants killed")
    for survivor in survivors:
        print(f"  survived: {survivor}")
    sys.exit(bool(survivors))


if __name__ == "__main__":
    main()
