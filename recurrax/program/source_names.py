"""The user's variables: ``f`` for the result of the statement ``f = sigmoid(x @ W.f + b.f)``.

JAX does not know them. They are found in the source, by the place of the call that an operation
comes from, and only when a program is printed: no run reads the source.
"""

import ast
import linecache
from functools import lru_cache
from typing import Any

from recurrax.program.ir import Body, Op

Place = tuple[str, int, int, int, int]


def name_results(body: Body) -> dict[Place, str]:
    """Names the values of a traced step that its statements assign.

    Returns:
      For the place of every such statement, the primitive that produces its value.
    """
    last: dict[Place, Op] = {}
    for op in body.ops:
        place = place_of(op)
        if place is not None and len(op.outputs) == 1:
            last[place] = op
    produced = {}
    for place, op in last.items():
        name = assignments(place[0]).get(place[1:])
        if name:
            op.out.name = op.out.name or name
            produced[place] = op.name
    return produced


def name_recomputed(body: Body, produced: dict[Place, str]) -> None:
    """Names the values of a derivative that are the same as in the step; see name_results."""
    last: dict[Place, Op] = {}
    for op in body.ops:
        place = place_of(op)
        if place in produced and produced[place] == op.name and "transpose(" not in scope_of(op):
            last[place] = op
    for place, op in last.items():
        op.out.name = op.out.name or assignments(place[0])[place[1:]]


def place_of(op: Op) -> Place | None:
    """The file, and the first and last line and column, of the call that an operation is."""
    frame: Any = op.origin and op.origin.frame
    if not frame:
        return None
    lines = (frame.start_line, frame.start_column, frame.end_line, frame.end_column)
    return (frame.file_name, *lines)


def scope_of(op: Op) -> str:
    return op.origin.scope if op.origin is not None else ""


@lru_cache(maxsize=256)
def assignments(file: str) -> dict[tuple[int, int, int, int], str]:
    """For every ``name = expression`` of a file: the place of the expression, and the name."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return {}
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Name):
                place = (value.lineno, value.col_offset, value.end_lineno, value.end_col_offset)
                found[place] = target.id
    return found
