"""Limits on size that keep the code readable, and one place for each kind of knowledge."""

import ast
import statistics
from pathlib import Path

import jax
import pytest
from jax.extend.core import primitives

import recurrax

ROOT = Path(recurrax.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
MAX_LINES_OF_CODE = 50
MAX_POSITIONAL = 5
MAX_MEDIAN_FILE = 120


def functions(tree):
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def lines_of_code(function, source):
    """The lines of a function without its docstring, comments and blank lines."""
    first = function.body[0]
    is_docstring = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    docstring = range(first.lineno, first.end_lineno + 1) if is_docstring else ()
    lines = source.splitlines()
    return sum(
        bool(text := lines[n - 1].strip()) and not text.startswith("#") and n not in docstring
        for n in range(function.lineno, function.end_lineno + 1)
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_are_short(path):
    source = path.read_text()
    sizes = {f.name: lines_of_code(f, source) for f in functions(ast.parse(source))}
    assert {name: n for name, n in sizes.items() if n > MAX_LINES_OF_CODE} == {}


def internal_names():
    """The names of all functions and classes that the library defines, once each."""
    names = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.setdefault(node.name, path)
    return names


def test_calls_within_the_library_have_few_positional_arguments():
    names = internal_names()
    found = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", None))
            plain = [a for a in node.args if not isinstance(a, ast.Starred)]
            if name in names and len(plain) > MAX_POSITIONAL:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {name}")
    assert found == []


def test_files_are_small():
    sizes = [len(p.read_text().splitlines()) for p in FILES if p.name != "__init__.py"]
    assert statistics.median(sizes) < MAX_MEDIAN_FILE


def test_only_one_module_of_the_compiler_knows_primitives_by_name():
    known = {p.name for p in vars(primitives).values() if isinstance(p, jax.extend.core.Primitive)}
    common_words = {
        "split",
        "copy",
        "and",
        "or",
        "not",
        "log",
        "sign",
        "max",
        "min",
        "real",
        "scan",
    }
    common_words |= {"complex", "name"}
    found = []
    compiler = [*(ROOT / "program").rglob("*.py"), *(ROOT / "evaluators").rglob("*.py")]
    for path in compiler:
        if path.name != "primitives.py":
            nodes = ast.walk(ast.parse(path.read_text()))
            words = {n.value for n in nodes if isinstance(n, ast.Constant) and n.value in known}
            found += [f"{path.relative_to(ROOT)}: {word!r}" for word in words - common_words]
    assert found == []
