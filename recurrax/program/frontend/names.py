"""Names for the inputs of a step, from the paths of pytrees and the variables of the function."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax

from recurrax.program.ir import Inputs, Value

DEPTH = 5  # functions within functions
MAX_ENTRIES = 256  # of a container that is searched


def name_inputs(inputs: Inputs[Value], call: Any, consts: Sequence[Any]) -> None:
    """Gives names to the inputs of a step: ``params.W.f``, ``carry.h``, ``x``.

    Args:
      inputs: of the body; new values.
      call: the ``ScanCall``.
      consts: the arrays of the parameters.
    """
    closed_over = names_of_arrays(call.f, {id(c) for c in consts})
    carry, x = call.roots
    names = [
        *[closed_over.get(id(c), f"const{i}") for i, c in enumerate(consts)],
        *paths(carry, call.init),
        *paths(x, call.xs),
    ]
    for value, name in zip(inputs.flat, names, strict=True):
        value.name = name


def paths(name: str, tree: Any) -> list[str]:
    """A name for every leaf: ``carry.h``, ``x['tokens']``."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return [(name + jax.tree_util.keystr(path)).lstrip(".") for path, _ in leaves]


def names_of_arrays(f: Callable[..., Any], wanted: set[int]) -> dict[int, str]:
    """The name that a function uses for each of the wanted arrays, by ``id``, where it is found.

    Every trace asks for names, so the search ends with the last array, and leaves large containers
    out. What a step closes over besides arrays is the user's: it need not be a valid pytree.
    """
    found: dict[int, str] = {}
    for name, value in variables(f, DEPTH) if wanted else ():
        if isinstance(value, dict | list | tuple) and len(value) > MAX_ENTRIES:
            continue
        try:
            leaves = jax.tree_util.tree_leaves_with_path(value)
        except (TypeError, ValueError):  # such as a dict whose keys cannot be sorted
            continue
        for path, leaf in leaves:
            if id(leaf) in wanted:
                found.setdefault(id(leaf), name + jax.tree_util.keystr(path))
        if len(found) == len(wanted):
            break
    return found


def variables(f: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Arguments that are bound already, closure variables and global variables of a function."""
    if not depth:
        return
    if isinstance(f, partial):
        yield from bound_arguments(f)
        yield from variables(f.func, depth - 1)
        return
    f = inspect.unwrap(getattr(f, "__func__", f))
    code = getattr(f, "__code__", None)
    if code is None:
        return
    for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
        if callable(value):
            yield from variables(value, depth - 1)
        yield name, value
    for name in code.co_names:
        value = getattr(f, "__globals__", {}).get(name)
        if isinstance(value, jax.Array | dict | tuple | list):
            yield name, value


def bound_arguments(f: partial[Any]) -> Iterator[tuple[str, Any]]:
    yield from f.keywords.items()
    try:
        parameters = list(inspect.signature(f.func).parameters)
    except (TypeError, ValueError):  # a builtin
        parameters = []
    for i, value in enumerate(f.args):
        yield parameters[i] if i < len(parameters) else f"argument{i}", value
