"""Options that are numbers. NumPy's numbers become Python's, so that equal cells are equal."""

from itertools import pairwise
from typing import Any

import numpy as np

from recurrax.cell.naming import name_of
from recurrax.cell.options.errors import wrong


def number(cell: Any, *options: str) -> None:
    """Checks that options are finite numbers; NumPy's become Python's."""
    for option in options:
        value = getattr(cell, option)
        if isinstance(value, np.integer | np.floating):
            value = value.item()
            object.__setattr__(cell, option, value)
        if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
            raise wrong(value, int | float)(
                f"{name_of(cell)}: {option} must be a finite number; got {value!r}."
            )


def positive_int(cell: Any, option: str, optional: bool = False) -> None:
    """Checks that an option is a positive whole number; NumPy's become Python's."""
    value = getattr(cell, option, None)
    if value is None and optional:
        return
    if isinstance(value, np.integer):
        value = int(value)
        object.__setattr__(cell, option, value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        kind = "a positive whole number or None" if optional else "a positive whole number"
        raise wrong(value, int)(f"{name_of(cell)}: {option} must be {kind}; got {value!r}.")


def positive_float(cell: Any, option: str, optional: bool = False) -> None:
    """Checks that an option is a finite number above zero; NumPy's become Python's."""
    value = getattr(cell, option)
    if value is None and optional:
        return
    if isinstance(value, np.integer | np.floating):
        value = value.item()
        object.__setattr__(cell, option, value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < float("inf"):  # type: ignore[operator]
        kind = "a finite number above 0 or None" if optional else "a finite number above 0"
        raise wrong(value, int | float)(f"{name_of(cell)}: {option} must be {kind}; got {value!r}.")


def increasing_ints(cell: Any, option: str) -> None:
    """Checks that an option is a strictly increasing tuple of positive whole numbers."""
    value = getattr(cell, option)
    numbers = tuple(value) if isinstance(value, tuple | list) else ()
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in numbers)
    if not numbers or not whole or any(b <= a for a, b in pairwise((0, *numbers))):
        raise wrong(value, tuple | list)(
            f"{name_of(cell)}: {option} must be increasing positive whole numbers such as "
            f"(1, 2, 4); got {value!r}."
        )
    object.__setattr__(cell, option, tuple(map(int, numbers)))


def rate(cell: Any, option: str) -> None:
    """Checks that an option is a probability below 1; NumPy's numbers become Python's."""
    value = getattr(cell, option)
    if isinstance(value, np.floating):
        value = float(value)
        object.__setattr__(cell, option, value)
    check_rate(f"{name_of(cell)}: {option}", value)


def check_rate(what: str, value: Any) -> None:
    """Rejects everything but a probability below 1."""
    number = isinstance(value, int | float | np.floating) and not isinstance(value, bool)
    if not number or not 0 <= value < 1:
        kinds = int | float | np.floating
        raise wrong(value, kinds)(f"{what} must be from 0 to below 1; got {value!r}.")
