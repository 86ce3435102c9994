"""Every example in the docstrings, in the README and in docs/ runs, with JAX as users have it."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import pytest

import recurrax

ROOT = Path(__file__).parent.parent
MODULES = [module.name for module in pkgutil.walk_packages(recurrax.__path__, prefix="recurrax.")]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def run(test):
    """The number of examples run; their failures as text."""
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    result = runner.run(test, out=report.append)
    assert result.failed == 0, "".join(report)
    return result.attempted


@pytest.mark.parametrize("name", ["recurrax", *MODULES])
def test_docstring_examples(name, as_users_have_it):
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name)):
        run(test)


def test_there_are_docstring_examples():
    finder = doctest.DocTestFinder()
    modules = [importlib.import_module(name) for name in MODULES]
    found = {t.name for module in modules for t in finder.find(module) if t.examples}
    expected = {"sequence.unroll.unroll", "scan.scan", "cell.cell.Cell"}
    assert {f"recurrax.{name}" for name in expected} <= found


def test_a_wrong_example_would_be_noticed():
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    with pytest.raises(AssertionError, match="Expected"):
        run(wrong)


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, as_users_have_it):
    namespace = {"__name__": "page"}
    for block in blocks(page.read_text(), "python"):
        exec(compile(block, str(page), "exec"), namespace)


def test_the_variant_of_the_readme_is_the_cell_of_the_library(as_users_have_it):
    readme = (ROOT / "README.md").read_text()
    (block,) = [block for block in blocks(readme, "python") if "class MGU" in block]
    namespace = {"__name__": "page", "jax": jax, "rx": recurrax, "xs": jnp.ones((2, 3, 8))}
    exec(compile(block, "README.md", "exec"), namespace)
    theirs, ours = namespace["MGU"](4), recurrax.MGU(4)
    params = theirs.init(jax.random.key(0), 3)
    chex.assert_trees_all_equal(params, ours.init(jax.random.key(0), 3))
    x, h = jnp.ones((2, 3)), jnp.full((2, 4), 0.5)
    _, y = theirs.step(params, namespace["MGUCarry"](h), x)
    _, expected = ours.step(params, recurrax.MGU.Carry(h), x)
    chex.assert_trees_all_equal(y, expected)


def test_the_first_two_blocks_of_the_readme_are_command_lines():
    readme = (ROOT / "README.md").read_text()
    first, second = re.findall(r"^```(\w+)\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)[:2]
    for (language, command), expected in zip(
        (first, second), ("examples/compare_cells.py", "pytest"), strict=True
    ):
        assert language == "bash"
        assert len(command.strip().splitlines()) == 1
        assert "pip install" in command
        assert expected in command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def test_every_public_name_has_a_docstring():
    for name in set(dir(recurrax)) - {"__version__"}:
        assert getattr(recurrax, name).__doc__, name
