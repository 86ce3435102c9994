"""Imports run one way, and importing recurrax stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

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
    {"interop"},
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
    """The modules that a file imports anywhere: in functions, for types, by import_module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            name = node.args[0]
            assert isinstance(name, ast.Constant), "import_module takes a literal name"
            yield name.value


def violations(room, source):
    rank = {name: n for n, names in enumerate(ORDER) for name in names}
    for name in imports(source):
        parts = name.split(".")
        if parts[0] == "recurrax" and len(parts) > 1 and parts[1] in rank:
            other = parts[1]
            if other != room and (rank[other] >= rank[room] or other in FORBIDDEN.get(room, ())):
                yield f"{room} imports {other}"
        elif parts[0] in ("flax", "optax") and room not in ("interop", "linen", "nnx"):
            yield f"{room} imports {parts[0]}"


def module_name(path):
    """``recurrax.cell.params`` for its ``__init__.py``, ``recurrax.cell.cell`` for ``cell.py``."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph(sources):
    """For every module, the modules of the package that it imports."""
    graph = {}
    for module, source in sources.items():
        graph[module] = set()
        for name in imports(source):
            target = name if name in sources else name.rpartition(".")[0]
            if target in sources:
                graph[module].add(target)
    return graph


def modules_in_cycles(graph):
    """The modules that can be reached from themselves."""

    def reached(start):
        seen, ahead = set(), [start]
        while ahead:
            for module in graph[ahead.pop()] - seen:
                seen.add(module)
                ahead.append(module)
        return seen

    return {module for module in graph if module in reached(module)}


SOURCES = {module_name(path): path.read_text() for path in ROOT.rglob("*.py")}


def test_imports_run_one_way():
    rooms = {module.split(".")[1] for module in SOURCES if module != "recurrax"}
    known = set().union(*ORDER)
    assert rooms <= known, "a new room needs its place in ORDER"
    found = []
    for module, source in SOURCES.items():
        if module != "recurrax":
            found += violations(module.split(".")[1], source)
    assert found == []


def test_no_modules_import_one_another():
    assert modules_in_cycles(import_graph(SOURCES)) == set()


def test_a_violation_would_be_noticed():
    assert list(violations("cells", "from recurrax.scan import scan"))
    assert list(violations("scan", "import recurrax.sequence"))
    assert list(violations("sequence", "from flax import nnx"))
    assert list(violations("cells", "from recurrax import linen"))
    assert not list(violations("sequence", "from recurrax.cell.cell import Cell"))


@pytest.mark.parametrize(
    "hidden",
    [
        "def f():\n    import recurrax.gallery",
        "if TYPE_CHECKING:\n    from recurrax import gallery",
        "import importlib\ndef f():\n    return importlib.import_module('recurrax.gallery')",
        "from importlib import import_module\nimport_module('recurrax.gallery').x",
    ],
)
def test_a_hidden_import_would_be_noticed(hidden):
    assert list(violations("cells", hidden)) == ["cells imports gallery"]
    with pytest.raises(AssertionError, match="literal"):
        list(imports("import_module(f'recurrax.{name}')"))


def test_a_cycle_would_be_noticed():
    sources = {
        "recurrax": "from recurrax import a",
        "recurrax.a": "def f():\n    from recurrax.b import c",
        "recurrax.b": "import recurrax.c",
        "recurrax.c": "from recurrax import a",
    }
    assert modules_in_cycles(import_graph(sources)) == {"recurrax.a", "recurrax.b", "recurrax.c"}


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


def test_dir_lists_public_names_alone():
    names = set(dir(recurrax))
    assert {"LSTM", "Layer", "Stack", "init_gates", "scan", "unroll", "gallery"} <= names
    assert not names & {"Any", "importlib", "cell", "program", "compose", "sequence", "interop"}
    for name in names:
        assert hasattr(recurrax, name), name
