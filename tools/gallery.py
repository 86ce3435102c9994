"""Writes the lists of all cells (tools/exports.py), and docs/cells.md, the gallery of all cells.

python -m tools.gallery
"""

from pathlib import Path

from tools import exports

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cells.md"
INTRODUCTION = """# All cells

Every cell is one short file: its equations, its carry, its step. This page is generated from those
files by `tools/gallery.py`; in Python the table is `rx.gallery.table()`.

- *parameters*: the number of parameters of a cell with 64 features and inputs of 64;
- *stages*: the number of matmuls with the state, or with a function of it, that depend on one
  another within a step;
- *linear*: whether the recurrence is linear in the state; *parallel* if it can also run in parallel
  over time (`method="associative"`);
- *oracle*: what the tests compare the cell with, in float64, values and all gradients. Every cell
  is compared with NumPy code that was written independently from the paper; some cells are also
  compared with stored results of a published implementation.
"""
# Published code whose stored results the NumPy equations are held to, by cell.
TORCHRECURRENT = (
    "AntisymmetricRNN", "ATR", "BRC", "CFN", "CoRNN", "FastGRNN", "FastRNN", "IndRNN", "JANET",
    "LightRU", "LiGRU", "LSTM of 1997 (NFG)", "MGU", "MinimalRNN", "MUT3", "nBRC",
    "Peephole LSTM (V)", "RAN", "STAR", "UGRNN", "UnICORNN",
)  # fmt: skip
SCHMIDHUBER_PROBLEMS = (
    "CIFG", "ClockworkRNN", "LSTM of 1997 (NFG)", "NIAF", "NIG", "NOAF", "NOG", "Peephole LSTM (V)",
)  # fmt: skip
PUBLISHED = {
    "torch": ("Elman", "GRU", "LSTM", "LSTMP"),
    "Keras": ("ConvLSTM", "Elman", "GRU", "GRU, reset before", "LSTM"),
    "Flax": ("ConvLSTM",),
    "torchrecurrent": TORCHRECURRENT,
    "the authors": (
        "BRC", "CoRNN", "ExpRNN", "FastGRNN", "FastRNN", "LEM", "LMU", "nBRC", "QRNN", "RGLRU",
        "SLSTM", "SRU", "SRU, version 1", "UnICORNN",
    ),
    "minGRU-pytorch": ("MinGRU", "MinLSTM"),
    "minimal-LRU": ("LRU",),
    "haste": ("GRU", "IndRNN", "LayerNormLSTM"),
    "schmidhuber-problems": SCHMIDHUBER_PROBLEMS,
}  # fmt: skip


def oracles(name: str) -> str:
    """What a cell is held to."""
    return ", ".join(["NumPy", *(library for library, of in PUBLISHED.items() if name in of)])


def page() -> str:
    """The page, as the table of all cells has it."""
    import recurrax as rx  # with the exports that were just written

    rows = rx.gallery.table()
    lines = [
        INTRODUCTION,
        "| cell | parameters | state | stages | linear | paper | oracle |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        kind = "parallel" if row.parallel else "yes" if row.linear else ""
        cells = row.name, f"{row.parameters:,}", ", ".join(row.state), row.stages, kind
        lines.append("| " + " | ".join(map(str, (*cells, row.paper, oracles(row.name)))) + " |")
    told: dict[str, list[str]] = {}
    for row in rows:
        told.setdefault(row.equations, []).append(f"`rx.{type(row.cell).__name__}`")
    for equations, names in told.items():
        title, _, rest = equations.partition("\n\n")
        classes = ", ".join(dict.fromkeys(names))
        lines += ["", f"## {classes}", "", title.replace("\n", " "), "", as_markdown(rest)]
    return "\n".join(lines) + "\n"


def as_markdown(text: str) -> str:
    """A docstring in Markdown: what is indented is an equation, roles are plain names."""
    text = text.replace("``", "`")
    for role in (":class:", ":mod:", ":func:"):
        text = text.replace(role + "`recurrax.", "`rx.")
    out, inside = [], False
    for line in text.split("\n"):
        equation = line.startswith("    ") or (inside and not line)
        if equation != inside:
            out.append("```text" if equation else "```")
            if inside and out[-2] == "":  # the empty line before what follows
                out[-2:] = ["```", ""]
            inside = equation
        out.append(line[4:] if equation and line else line)
    if inside:
        out.append("```")
    return "\n".join(out).replace("\n\n\n", "\n\n")


if __name__ == "__main__":
    exports.write()
    PAGE.write_text(page())
