"""The user's variables: ``f`` for the result of the statement ``f = sigmoid(x @ W.f + b.f)``."""

import ast
import linecache
from functools import lru_cache

from recurrax.program.jax_internals import Origin


def variable_of(origin: Origin | None) -> str:
    """The variable to which the user's statement assigns the result of this very call, if any."""
    frame = origin.frame if origin is not None else None
    if frame is None:
        return ""
    return assignments(frame.file_name).get(
        (frame.start_line, frame.start_column, frame.end_line, frame.end_column), ""
    )


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
