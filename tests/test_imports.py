"""Imports run one way, and importing recurrax stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import recurrax

ROOT = Path(recurrax.__file__).parent

# Each room may import from itself and from the rooms before it (design, section 3).
ORDER = [
    {"initializers"},
    {"program"},
    {"evaluators"},
    {"scan"},
    {"explain"},
    {"cell"},
    {"cells"},
    {"gallery"},
    {"sequence"},
    {"compose"},
    {"flax_common"},
    {"linen", "nnx"},
]
# Walls beyond the order: what a room must not know although it comes later.
FORBIDDEN = {
    "cell": {"program", "evaluators", "scan", "explain"},
    "cells": {"program", "evaluators", "scan", "explain"},
    "scan": {"initializers"},
}


def imports(source):
    """The modules that a file imports, as dotted names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def violations(room, source):
    rank = {name: n for n, names in enumerate(ORDER) for name in names}
    for name in imports(source):
        parts = name.split(".")
        if parts[0] == "recurrax" and len(parts) > 1 and parts[1] in rank:
            other = parts[1]
            if other != room and (rank[other] >= rank[room] or other in FORBIDDEN.get(room, ())):
                yield f"{room} imports {other}"
        elif parts[0] in ("flax", "optax") and room not in ("linen", "nnx"):
            yield f"{room} imports {parts[0]}"


def test_imports_run_one_way():
    rooms = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in ROOT.rglob("*.py")}
    known = set().union(*ORDER)
    assert rooms - {"__init__"} <= known, "a new room needs its place in ORDER"
    found = []
    for path in ROOT.rglob("*.py"):
        room = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if room != "__init__":
            found += violations(room, path.read_text())
    assert found == []


def test_a_violation_would_be_noticed():
    assert list(violations("cells", "from recurrax.scan import scan"))
    assert list(violations("scan", "import recurrax.sequence"))
    assert list(violations("sequence", "from flax import nnx"))
    assert list(violations("cells", "from recurrax import linen"))
    assert not list(violations("sequence", "from recurrax.cell.cell import Cell"))


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


def test_importing_recurrax_imports_neither_flax_nor_optax():
    assert not {"flax", "optax"} & loaded_by("import recurrax")


def test_flax_is_imported_when_it_is_asked_for():
    assert "flax" in loaded_by("import recurrax as rx; rx.linen")
    assert "flax" in loaded_by("import recurrax as rx; rx.nnx")


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(recurrax, "transformer")
    assert {"linen", "nnx"} <= set(dir(recurrax))
