"""What the programs print and ask: tables, and the arguments they have in common."""

import argparse
from collections.abc import Callable, Iterable, Sequence


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


def at_least(minimum: int) -> Callable[[str], int]:
    """For ``type=`` of an argument."""

    def number(text: str) -> int:
        if not text.strip().isdecimal() or int(text) < minimum:
            raise argparse.ArgumentTypeError(
                f"expected a whole number of at least {minimum}; got {text!r}"
            )
        return int(text)

    return number


def seed(text: str) -> int:
    """For ``type=`` of an argument."""
    if not text.strip().isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"expected a whole number from 0 to 4294967295; got {text!r}"
        )
    return int(text)


def add_choices(parser: argparse.ArgumentParser, name: str, choices: Iterable[str]) -> None:
    """An argument that takes one or more of ``choices``, by default all of them."""
    choices = list(choices)
    parser.add_argument(
        name,
        nargs="+",
        choices=choices,
        default=choices,
        metavar="NAME",
        help=f"any of {', '.join(choices)} (default: all)",
    )
