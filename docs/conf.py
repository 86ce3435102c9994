"""Sphinx: the pages are Markdown, the reference is made from the docstrings."""

from importlib.metadata import version as installed

project = "recurrax"
author = "the recurrax authors"
version = release = installed("recurrax")
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_parser"]
html_theme = "furo"
exclude_patterns = ["_build"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # shapes and dtypes stand in the docstrings
myst_enable_extensions = ["dollarmath"]


def equations_as_printed(app, what, name, obj, options, lines):
    """Indented blocks in these modules are equations: keep their lines and columns."""
    if what == "module" and name.startswith(("recurrax.cells.", "recurrax.compose.")):
        for n in reversed(range(1, len(lines))):
            if lines[n].startswith("    ") and not lines[n - 1].strip():
                lines[n:n] = ["::", ""]


def setup(app):
    app.connect("autodoc-process-docstring", equations_as_printed)
