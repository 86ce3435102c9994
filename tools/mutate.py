"""Mutation run over the library: change one thing in a file, and see a test turn red.

    python tools/mutate.py cells/options.py program/fuse.py
    python tools/mutate.py compose/stack.py --sample 20 --seed 1   # some of its mutants, at random
    python tools/mutate.py cells/lstm.py --only "line 120:"         # after a test was added
    python tools/mutate.py                  # all files; many hours

Every mutant is a copy of the project with one change: a sign turned, a product made a sum, a term
dropped, one gate's weights read for another's, an activation or a constant exchanged, a comparison
or a choice turned round. The tests that know the file run on it; a mutant that they let pass is
printed as a survivor. Exit status 1 if one survives. For the equations of cells
``python -m tools.mutate_cells`` is quicker.
"""

import argparse
import ast
import copy
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOO_LONG = 1800  # seconds
ROOMS = ("cells", "program", "evaluators", "sequence", "compose")
FILES = [
    f"{room}/{path.name}"
    for room in ROOMS
    for path in sorted((ROOT / "recurrax" / room).glob("*.py"))
    if path.name != "__init__.py"
]

# What each file's mutants are run against, the quickest killer first.
ORACLES = ["tests/test_oracles.py", "-k", "test_cell_equals and {}"]
INIT = ["tests/test_params.py", "tests/test_initializers.py", "tests/test_errors.py"]
LAWS = ["tests/test_laws.py", "-k", "{} and (kept or specifications or pickles or empty)"]
ENTRANCE = ["tests/test_errors.py", "tests/test_params.py", "tests/test_cell_errors.py"]
AROUND = ["tests/test_sequence_errors.py"]
DOCSTRINGS = ["tests/test_docs.py", "-k", "docstring_examples"]
SEQUENCES = [
    ["tests/test_sequences.py", "-k", "not padded_row"],
    ["tests/test_precision.py", "tests/test_flax_sequences.py"],
    ["tests/test_sequence_errors.py"],
    ["tests/test_sequence_transforms.py"],
]
USUAL = {
    "cells": [ORACLES, INIT, LAWS],
    "program": [
        ["tests/test_explain.py"],
        ["tests/test_known.py"],
        ["tests/test_compiler_fuzz.py"],
        ["tests/test_fallback.py"],
        ["tests/test_compiler_transforms.py"],
    ],
    "sequence": SEQUENCES,
    "compose": [["tests/test_compose.py", "tests/test_dropout.py"], *SEQUENCES[1:]],
}
USUAL["evaluators"] = USUAL["program"]
PIECES = [["tests/test_long_sequences.py"], ["tests/test_sequence_errors.py"]]
SELECTIONS = {
    "cells/concatenated.py": [["tests/test_params.py", "tests/test_errors.py"]],
    "cells/params.py": [ENTRANCE, DOCSTRINGS, ["tests/test_initializers.py"]],
    "cells/checks.py": [ENTRANCE, AROUND, DOCSTRINGS, ["tests/test_laws.py", "-k", "mgu"]],
    "cells/options.py": [ENTRANCE, AROUND],
    "cells/cell.py": [ENTRANCE, DOCSTRINGS, ["tests/test_laws.py", "-k", "mgu"]],
    "cells/operators.py": [
        ["tests/test_cell_identities.py", "tests/test_cell_errors.py"],
        ["tests/test_paper_initialisation.py"],
        ["tests/test_laws.py", "-k", "(masked or blocks or low_rank) and (dicts or any_batch)"],
    ],
    "cells/normalisation.py": [ORACLES, ["tests/test_laws.py", "-k", "{} and any_batch"]],
    "cells/convolutional.py": [
        ["tests/test_convolutional.py"],
        ["tests/test_paper_initialisation.py"],
    ],
    "cells/activations.py": [ORACLES, ["tests/test_params.py"]],
    "evaluators/associative.py": [["tests/test_associative.py"]],
    "program/linear.py": [["tests/test_associative.py", "tests/test_explain.py"]],
    "program/convolutions.py": [
        ["tests/test_convolutional.py", "-k", "few"],
        ["tests/test_compiler_fuzz.py", "-k", "convolution"],
    ],
    "program/foreign.py": [["tests/test_fallback.py"]],
    "sequence/checks.py": [AROUND, ["tests/test_errors.py"], *SEQUENCES[:2]],
    "sequence/pieces.py": PIECES,
    "sequence/stream.py": PIECES,
    "sequence/truncated.py": PIECES,
}
FAMILY = {
    "krause": "krause",
    "squashed_gru": "squashed",
    "activations": "(elman or min_gru)",
    "normalisation": "layer_norm",
}
EXCHANGE = {
    "sigmoid": "tanh", "tanh": "sigmoid", "sigma": "phi", "phi": "psi", "psi": "sigma",
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Pairs of a description and the source with that one change."""
    tree = ast.parse(source)
    gates = sorted(
        {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and is_weight(node.value)
        }
    )
    # zip(strict=): what ends with an error in the one program is equally long in the other.
    # dataclass(frozen=): nobody assigns to a field.
    same = {
        keyword.value for keyword in ast.walk(tree)
        if isinstance(keyword, ast.keyword) and keyword.arg in ("strict", "frozen")
    }  # fmt: skip
    for number, node in enumerate(ast.walk(tree)):
        if node in same:
            continue
        for what, changed in changes(node, gates):
            mutant = copy.deepcopy(tree)
            place(mutant, number, changed)
            line = getattr(node, "lineno", 0)
            yield f"line {line}: {what}", ast.unparse(ast.fix_missing_locations(mutant))


def is_weight(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("W", "U", "b", "V")


def changes(node: ast.AST, gates: list[str]) -> Iterator[tuple[str, ast.AST]]:
    """The ways to spoil one node."""
    if isinstance(node, ast.BinOp):
        swaps = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}
        for old, new in swaps.items():
            if isinstance(node.op, old):
                changed = copy.deepcopy(node)
                changed.op = new()
                yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
        if isinstance(node.op, ast.Add | ast.Sub):
            yield f"{ast.unparse(node)} -> {ast.unparse(node.left)}", copy.deepcopy(node.left)
    elif isinstance(node, ast.Attribute) and is_weight(node.value) and len(gates) > 1:
        other = gates[(gates.index(node.attr) + 1) % len(gates)]
        changed = copy.deepcopy(node)
        changed.attr = other
        yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
    elif isinstance(node, ast.Name) and node.id in EXCHANGE and isinstance(node.ctx, ast.Load):
        yield f"{node.id} -> {EXCHANGE[node.id]}", ast.Name(EXCHANGE[node.id], node.ctx)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield f"{node.value} -> {node.value + 1}", ast.Constant(node.value + 1)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        turned = {
            ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
            ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.In: ast.NotIn, ast.NotIn: ast.In,
        }  # fmt: skip
        for old, new in turned.items():
            if isinstance(node.ops[0], old):
                changed = copy.deepcopy(node)
                changed.ops = [new()]
                yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
    elif isinstance(node, ast.IfExp):
        changed = ast.IfExp(node.test, node.orelse, node.body)
        yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield f"{ast.unparse(node)} -> {ast.unparse(node.operand)}", copy.deepcopy(node.operand)
    elif isinstance(node, ast.BoolOp):
        changed = copy.deepcopy(node)
        changed.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
    elif isinstance(node, ast.Call) and is_gate(node):  # gate("f", c)
        changed = copy.deepcopy(node)
        letter = ast.literal_eval(node.args[0])
        changed.args[0] = ast.Constant("ifo"["ifo".index(letter) - 1])
        yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
    elif isinstance(node, ast.Call) and len(node.args) == 2 and "Carry" in ast.unparse(node.func):
        changed = copy.deepcopy(node)
        changed.args.reverse()
        yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed


def is_gate(call: ast.Call) -> bool:
    name = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    return ast.unparse(call.func) == "gate" and name in ("i", "f", "o")


def place(tree: ast.AST, number: int, changed: ast.AST) -> None:
    """Puts ``changed`` where node ``number`` of the walk stands."""
    target = list(ast.walk(tree))[number]
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, field, changed)
                return
            if isinstance(value, list) and any(item is target for item in value):
                value[[item is target for item in value].index(True)] = changed
                return
    raise AssertionError("the node is in the tree")


def source_of(file: str) -> str:
    return (ROOT / "recurrax" / file).read_text()


def selections_of(file: str) -> list[list[str]]:
    """The tests that know a file, as arguments of pytest."""
    room, name = file.removesuffix(".py").split("/")
    family = FAMILY.get(name, name)
    return [[part.format(family) for part in s] for s in SELECTIONS.get(file, USUAL[room])]


PYTEST = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
CACHE = Path(tempfile.gettempdir()) / "recurrax-mutants"  # mutants share most compiled programs
ENVIRONMENT = {  # of every test process; JAX reads some of it as it is imported
    "JAX_PLATFORMS": "cpu",
    "JAX_COMPILATION_CACHE_DIR": str(CACHE),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    "RECURRAX_TEST_SEED": "0",
}
# What the tests import besides the project: imported once, in a process that the others are
# copies of. JAX starts no threads before it is used.
FORKS = multiprocessing.get_context("forkserver")
LIBRARIES = "jax.numpy jax.experimental.checkify flax.linen flax.nnx optax scipy.linalg chex"
FORKS.set_forkserver_preload([*LIBRARIES.split(), "sklearn.datasets"])


def killed_by(file: str, source: str) -> str | None:
    """The selection whose tests fail on the mutant; ``None`` if it survives all."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for name in ("recurrax", "tests", "docs"):
            shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("_build"))
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, project / name)
        (project / "examples").mkdir()
        (project / "recurrax" / file).write_text(source)
        for arguments in selections_of(file):
            tests = FORKS.Process(target=run_tests, args=(folder, arguments))
            tests.start()
            tests.join(TOO_LONG)
            if tests.exitcode is None:  # as a loop that has no end
                tests.kill()
                return f"{arguments[0]} (too long)"
            if tests.exitcode in (1, 2):  # a failing test, or a module that no longer imports
                return arguments[0]
            if tests.exitcode not in (0, 5):  # 5: no test of the selection knows the file
                log = (project / "log").read_text()
                raise RuntimeError(f"pytest ended with {tests.exitcode}:\n{log}")
    return None


def run_tests(folder: str, arguments: list[str]) -> None:
    """Runs pytest in a copy of the project; this process ends with its exit status."""
    os.chdir(folder)
    sys.path.insert(0, folder)
    log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    status = 3  # pytest's own for an internal error
    try:
        import pytest

        status = int(pytest.main([*PYTEST, *arguments]))
    finally:
        os._exit(status)


def main() -> None:
    parser = argparse.ArgumentParser(description="Mutation run over the library.")
    parser.add_argument("files", nargs="*", help="such as cells/options.py (default: all)")
    parser.add_argument("--only", help="mutants whose description has this, such as 'line 84:'")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sample", type=int, help="so many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    options = parser.parse_args()
    files = options.files or FILES
    os.environ.update(ENVIRONMENT)  # before the first test process

    def run(job: tuple[str, str, str]) -> tuple[str, str, str | None]:
        file, what, source = job
        return file, what, killed_by(file, source)

    jobs = [
        (file, what, code)
        for file in files
        for what, code in mutants(source_of(file))
        if options.only is None or options.only in what
    ]
    if options.sample is not None and options.sample < len(jobs):
        jobs = random.Random(options.seed).sample(jobs, options.sample)
    distinct = {str(selections_of(file)): file for file in files}
    for file in distinct.values():  # the tests must pass before they are trusted to fail
        if killed_by(file, source_of(file)) is not None:
            sys.exit(f"{file}: the tests fail without any mutation")
    survivors: list[str] = []
    killed = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for done, (file, what, killer) in enumerate(pool.map(run, jobs), 1):
            killed += killer is not None
            if killer is None:
                survivors.append(f"{file} {what}")
            verdict = "killed" if killer else "SURVIVED"
            print(f"{done}/{len(jobs)} {verdict} {file} {what}", flush=True)
    print(f"\n{killed} of {len(jobs)} mutants killed")
    for survivor in survivors:
        print(f"  survived: {survivor}")
    sys.exit(bool(survivors))


if __name__ == "__main__":
    main()
