"""The project's tests run in a copy of it: which lines each of them runs, and which fails first."""

import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import coverage

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

Lines = dict[str, dict[int, set[str]]]  # file of recurrax: number of a line: tests that run it


@contextmanager
def copy_of(root: Path) -> Iterator[Path]:
    """A copy of what the tests need: one fails in all copies, mutated or not, or in none."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder).resolve()
        for name in ("recurrax", "tests", "docs", "tools"):
            shutil.copytree(root / name, project / name, ignore=shutil.ignore_patterns("_build"))
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(root / name, project / name)
        (project / "examples").mkdir()
        yield project


def lines_of_tests(root: Path, files: list[str], jobs: int) -> tuple[Lines, dict[str, float]]:
    """Which tests run which lines of the library, and the seconds that each test takes."""
    os.environ.update(ENVIRONMENT)
    with copy_of(root) as project:
        seconds, data = project / "seconds.json", project / "coverage"
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-n", str(jobs), "-p", "tools.each_test"),
            *("--cov=recurrax", "--cov-context=test", "--cov-report=", "-p", "no:cacheprovider"),
            *(f"tests/{file}" for file in files),
        ]
        environment = {"COVERAGE_FILE": str(data), "SECONDS_FILE": str(seconds)}
        ran = subprocess.run(command, cwd=project, env=os.environ | environment, check=False)
        if ran.returncode:
            sys.exit("the tests fail without any mutation")
        measured = coverage.CoverageData(str(data))
        measured.read()
        lines: Lines = {
            path.relative_to(project / "recurrax").as_posix(): {
                line: {context.rsplit("|", 1)[0] for context in contexts if context}
                for line, contexts in measured.contexts_by_lineno(str(path)).items()
            }
            for path in map(Path, measured.measured_files())
        }
        return lines, json.loads(seconds.read_text())


def first_failure(root: Path, changed: dict[str, str], tests: list[str], limit: float) -> str:
    """The first of ``tests`` that fails where files have these texts; empty if none does."""
    if not tests:
        return ""
    with copy_of(root) as project:
        for file, text in changed.items():
            (project / file).write_text(text)
        process = FORKS.Process(target=run_tests, args=(str(project), tests))
        process.start()
        process.join(limit)
        if process.exitcode is None:  # as a loop that has no end
            process.kill()
            return "(too long)"
        if process.exitcode == 0:
            return ""
        log = (project / "log").read_text()
        if process.exitcode not in (1, 2):  # a failing test, or a module that no longer imports
            raise RuntimeError(f"pytest ended with {process.exitcode}:\n{log}")
        failed = re.search(r"^(?:FAILED|ERROR) (tests/.+?)(?: - |$)", log, re.MULTILINE)
        return failed[1] if failed else "(not collected)"


def run_tests(folder: str, tests: list[str]) -> None:
    """Runs pytest in a copy of the project; this process ends with its exit status."""
    os.chdir(folder)
    sys.path.insert(0, folder)
    log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    status = 3  # pytest's own for an internal error
    try:
        import pytest

        status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]))
    finally:
        os._exit(status)
