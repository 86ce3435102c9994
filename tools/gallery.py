"""Writes docs/cells.md, the gallery of all cells, from the cells.

python tools/gallery.py
"""

from pathlib import Path

import recurrax as rx

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cells.md"
INTRODUCTION = """# All cells

Every cell is one short file: its equations, its carry, its step. This page is made from those files
by `tools/gallery.py`; in Python the table is `rx.gallery.table()`.

- *parameters*: numbers in a cell with 64 features and inputs of 64;
- *stages*: products with the state, or with what is made of it, that must follow one another in a
  step; what remains between them is elementwise;
- *linear*: in the state; *parallel* if the recurrence can also run in parallel over time
  (`method="associative"`);
- *oracle*: what the cell is held to, in float64, values and all gradients. Every cell has an
  equation in NumPy, written from the paper by another hand; some also have stored results of a
  published implementation.
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
    PAGE.write_text(page())
