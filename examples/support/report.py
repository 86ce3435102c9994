"""What the programs print and ask: tables, and the arguments they have in common."""

import argparse
from collections.abc import Sequence


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns: the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (header, ["-" * width for width in widths], *rows)
    ]
    return "\n".join([title, *lines])


def positive_int(text: str) -> int:
    """For ``type=`` of an argument."""
    number = int(text) if text.strip().isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a positive whole number; got {text!r}")
    return number


def add_choices(parser: argparse.ArgumentParser, name: str, choices: Sequence[str]) -> None:
    """An argument that takes one or more of ``choices``, by default all of them."""
    parser.add_argument(
        name,
        nargs="+",
        choices=choices,
        default=list(choices),
        metavar="NAME",
        help=f"any of {', '.join(choices)} (default: all)",
    )
