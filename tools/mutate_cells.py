"""Mutation run over the equations of all cells, in one process: some 1,700 mutants in ten minutes.

    python -m tools.mutate_cells              # all files of cells
    python -m tools.mutate_cells gru.py lem.py

The mutants are those of ``tools/mutants.py``. Each is a module in the place of the cell's own, and
is held to what the tests hold the cell to: steps against its oracle in float64, the shapes of its
parameters and carry, initial values and numbers of parameters, and the errors of its options. What
survives here has still to be tried with ``python -m tools.mutate``, which runs the tests
themselves. Exit status 1 if one survives.
"""

import argparse
import dataclasses
import importlib
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import recurrax as rx
from recurrax import cells
from tests import helpers
from tests.all_cells import CASES, CONVOLUTIONAL
from tests.cell import test_options as errors
from tests.cells import test_paper_initialisation as initial
from tests.oracles.memory_and_clocks_by_name import MEMORY_AND_CLOCKS
from tests.oracles.numpy_cells import ORACLES
from tools.mutants import mutants

ALL = CASES | CONVOLUTIONAL
FOLDER = Path(cells.__file__).parent
STEPS, ROWS = 3, 2


def main() -> None:
    parser = argparse.ArgumentParser(description="Mutation run over the equations of cells.")
    parser.add_argument("files", nargs="*", help="names of files (default: all with equations)")
    given = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    files = given.files or sorted(
        path.name for path in FOLDER.glob("*.py") if path.stem != "__init__"
    )
    survived = 0
    for file in files:
        module = importlib.import_module(f"recurrax.cells.{Path(file).stem}")
        names = public_cells(module)
        if (failing := killer(module, names)) is not None:
            sys.exit(f"{file}: {failing} fails without a mutation")
        found = list(mutants((FOLDER / file).read_text()))
        alive = [what for what, source in found if survives(module, names, source)]
        survived += len(alive)
        print(f"{file}: {len(found) - len(alive)} of {len(found)} killed", flush=True)
        for what in alive:
            print(f"    survives: {what}", flush=True)
    sys.exit(bool(survived))


def public_cells(module: types.ModuleType) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__
        and isinstance(vars(cells).get(name), type)
        and issubclass(value, rx.Cell)
    ]


def survives(original: types.ModuleType, names: list[str], source: str) -> bool:
    mutant = types.ModuleType(original.__name__)
    mutant.__file__ = original.__file__
    with in_place_of(original, mutant, names):
        try:
            exec(compile(source, str(original.__file__), "exec"), mutant.__dict__)
            for name in names:
                setattr(rx, name, getattr(mutant, name))
                setattr(cells, name, getattr(mutant, name))
        except Exception:
            return False
        return killer(mutant, names) is None


@contextmanager
def in_place_of(
    original: types.ModuleType, mutant: types.ModuleType, names: list[str]
) -> Iterator[None]:
    sys.modules[original.__name__] = mutant
    try:
        yield
    finally:
        sys.modules[original.__name__] = original
        for name in names:
            setattr(rx, name, getattr(original, name))
            setattr(cells, name, getattr(original, name))


def killer(module: types.ModuleType, names: list[str]) -> str | None:
    """The check that the cells of a module fail, if there is one."""
    checks: list[Callable[..., None]] = [
        steps_are_those_of_the_oracle,
        initial_values_are_those_of_the_paper,
        options_are_checked,
    ]
    for check in checks:
        try:
            check(module, names)
        except BaseException as error:  # pytest's own failures are no Exceptions
            if isinstance(error, KeyboardInterrupt):
                raise
            return check.__name__
    return None


def remade(module: types.ModuleType, cell: Any) -> Any:
    """A cell with the options of another, of the class in ``module``."""
    options = {f.name: getattr(cell, f.name) for f in dataclasses.fields(cell)}
    return getattr(module, type(cell).__name__)(**options)


PROBLEMS: dict[str, Any] = {}


def problem(name: str) -> Any:
    """Parameters, carries, inputs, and what the oracle makes of them; the same for every mutant."""
    if name not in PROBLEMS:
        case = ALL[name]
        rng = np.random.default_rng(sum(map(ord, name)))
        space = getattr(case, "space", ())
        params = helpers.random_like(rng, case.cell.params_like(case.in_features))
        carry = helpers.random_like(rng, case.cell.initial_carry((ROWS, *space)))
        valid = getattr(case, "valid", None)
        if valid is not None:
            params, carry = valid(params, carry)
        xs = jnp.asarray(rng.normal(size=(STEPS, ROWS, *space, case.in_features)))
        carries = carry, jax.tree.map(jnp.zeros_like, carry)
        oracle = (ORACLES | MEMORY_AND_CLOCKS)[case.oracle]
        fixed = (helpers.as_numpy(params), np.asarray(xs))
        want = [
            oracle(fixed[0], helpers.as_numpy(start), fixed[1], **case.options) for start in carries
        ]
        PROBLEMS[name] = params, carries, xs, want
    return PROBLEMS[name]


def shapes(tree: Any) -> Any:
    return [a.shape for a in jax.tree.leaves(tree)]


def steps_are_those_of_the_oracle(module: types.ModuleType, names: list[str]) -> None:
    for name, case in ALL.items():
        if type(case.cell).__name__ not in names:
            continue
        cell = remade(module, case.cell)
        params, carries, xs, wanted = problem(name)
        like = cell.params_like(case.in_features)
        assert jax.tree.structure(like) == jax.tree.structure(params)
        assert shapes(like) == shapes(params)
        zero = cell.initial_carry((ROWS, *getattr(case, "space", ())))
        assert shapes(zero) == shapes(carries[0])
        assert all(np.all(np.asarray(a) == 0) for a in jax.tree.leaves(zero))
        for start, want in zip(carries, wanted, strict=True):
            now, ys = type(zero)(*start), []
            with jax.numpy_rank_promotion("allow"):
                for x in xs:
                    now, y = cell.step(params, now, x)
                    ys.append(y)
            assert ys[0].shape[-1] == cell.out_features
            helpers.assert_close((helpers.as_numpy(now), jnp.stack(ys)), want, 1e-12)


def initial_values_are_those_of_the_paper(module: types.ModuleType, names: list[str]) -> None:
    rng = np.random.default_rng(0)

    def draw(cell: Any, in_features: int = initial.I) -> Any:
        key = jax.random.key(int(rng.integers(2**31)))
        return jax.tree.map(np.asarray, cell.init(key, in_features))

    for name, test in vars(initial).items():
        takes = inspect.signature(test).parameters if name.startswith("test_") else ()
        if "draw" in takes and mentions(test, names):
            test(draw)
    for cell, in_features, count in initial.COUNTS.values():
        if type(cell).__name__ in names:
            initial.test_parameter_counts(remade(module, cell), in_features, count)
    for kind, case in initial.WITH_PRESETS:
        if kind.__name__ in names:
            changed = case._replace(cell=remade(module, case.cell))
            initial.test_what_is_drawn_for_a_gate_goes_to_that_gate(changed)
    for kind, wanted in initial.DEFAULTS.items():
        if kind.__name__ in names:
            made = getattr(module, kind.__name__)(4)
            assert {option: getattr(made, option) for option in wanted} == wanted


def options_are_checked(module: types.ModuleType, names: list[str]) -> None:
    for name in names:
        cls = getattr(module, name)
        for case in errors.wrong_values(cls):
            errors.test_every_option_of_every_cell_refuses_another_kind_of_value(*case.values)
        errors.test_numpy_s_numbers_are_numbers(cls)
        errors.test_inputs_of_another_size_are_refused(cls)
        if name in errors.RAW:
            errors.test_a_cell_that_takes_x_itself_says_so(name)
    for act, message in errors.TABLE.values():
        if mentions(act, names):
            errors.test_bad_input(act, message)


def mentions(function: Callable[..., Any], names: list[str]) -> bool:
    source = inspect.getsource(function)
    return any(f"rx.{name}(" in source for name in names)


if __name__ == "__main__":
    main()
