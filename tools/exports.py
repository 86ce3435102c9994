"""Writes the lists of all cells from the files in recurrax/cells.

    python -m tools.exports

A cell is a public class with a ``step``. The lists are the exports of ``recurrax.cells`` and of
``recurrax``, which type checkers read, the reference in ``docs/api.md`` and the list in the README.
``tests/test_gallery.py`` fails if one of them is out of date.
"""

import ast
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CELLS = ROOT / "recurrax" / "cells"


def cells() -> dict[str, list[str]]:
    """The names of the cells in every module of recurrax/cells, in the order of the file."""
    found = {}
    for path in sorted(CELLS.glob("*.py")):
        classes = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.ClassDef)]
        names = [c.name for c in classes if c.name[0] != "_" and has_step(c)]
        if names:
            found[path.stem] = names
    return found


def has_step(node: ast.ClassDef) -> bool:
    return any(isinstance(part, ast.FunctionDef) and part.name == "step" for part in node.body)


def names() -> list[str]:
    """The names of all cells, in alphabetical order."""
    return sorted((name for group in cells().values() for name in group), key=str.lower)


def in_isort_order(names: list[str]) -> list[str]:
    """Names in capitals first, as ruff sorts imports."""
    return sorted(
        names, key=lambda name: (not name.isupper(), name if name.isupper() else name.lower())
    )


def exports_of_cells() -> str:
    lines = [
        '"""The cells. Each is one short file: its equations, its carry, its step.',
        "",
        "``python -m tools.gallery`` writes this list from the files.",
        '"""',
        "",
    ]
    for module, group in cells().items():
        imported = [f"{name} as {name}" for name in in_isort_order(group)]
        line = f"from recurrax.cells.{module} import {', '.join(imported)}"
        if len(line) > 100:  # as ruff formats it
            line = "\n    ".join(
                [f"from recurrax.cells.{module} import (", *(f"{i}," for i in imported)]
            )
            line += "\n)"
        lines.append(line)
    return "\n".join(lines) + "\n"


def exports_of_recurrax(text: str) -> str:
    imported = "".join(f"    {name} as {name},\n" for name in in_isort_order(names()))
    block = f"from recurrax.cells import (\n{imported})\n"
    return re.sub(r"from recurrax\.cells import \(\n.*?\n\)\n", block, text, flags=re.DOTALL)


def reference(text: str) -> str:
    return between_marks(text, "\n".join(f".. autoclass:: recurrax.{name}" for name in names()))


def list_in_readme(text: str) -> str:
    line, lines = "", []
    for name in names():
        word = f"`{name}`, "
        if len(line) + len(word) > 105:
            lines.append(line.rstrip())
            line = ""
        line += word
    return between_marks(text, "\n".join([*lines, line.rstrip(", ") + "."]))


def between_marks(text: str, block: str) -> str:
    """The text with the block in place of what is between the two marks."""
    begin, end = re.findall(r"^.*(?:begin|end) of the cells.*$", text, flags=re.MULTILINE)
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{block}\n{end}{rest.partition(end)[2]}"


FILES: dict[Path, Callable[[str], str]] = {
    CELLS / "__init__.py": lambda text: exports_of_cells(),
    ROOT / "recurrax" / "__init__.py": exports_of_recurrax,
    ROOT / "docs" / "api.md": reference,
    ROOT / "README.md": list_in_readme,
}


def out_of_date() -> list[Path]:
    """The files that would change."""
    return [path for path, write in FILES.items() if write(path.read_text()) != path.read_text()]


def write() -> None:
    for path in out_of_date():
        path.write_text(FILES[path](path.read_text()))
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    write()
