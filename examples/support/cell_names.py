"""Cells by name: the settings of "LSTM: A Search Space Odyssey", and every cell of recurrax."""

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import partial

import recurrax as rx

vanilla = partial(rx.LSTM, peephole="diagonal")

SETTINGS: dict[str, Callable[[int], rx.Cell]] = {
    "V": vanilla,
    "NIG": partial(vanilla, gates="fo"),
    "NFG": partial(vanilla, gates="io"),
    "NOG": partial(vanilla, gates="if"),
    "NIAF": partial(vanilla, candidate_fn="identity"),
    "NOAF": partial(vanilla, output_fn="identity"),
    "CIFG": partial(vanilla, couple=True),
    "NP": rx.LSTM,
    "FGR": rx.FGRLSTM,
}
"""of Greff et al. (2017), section 3: vanilla, and what is missing, coupled or added"""

SAME_SIZE = (rx.IntersectionRNN, rx.LRU, rx.MUT, rx.RGLRU, rx.SquashedGRU)
"""These add their input to what they compute, so it must have the size of the cell."""


def _of_recurrax() -> dict[str, Callable[[int], rx.Cell]]:
    """The public cells over vectors that need nothing but a size, by their names."""
    classes = [value for value in vars(rx.cells).values() if is_dataclass(value)]
    return {
        cell.__name__: cell
        for cell in classes
        if isinstance(cell, type)
        and issubclass(cell, rx.Cell)
        and [f.name for f in fields(cell) if f.default is MISSING] == ["features"]
        and cell(1).num_feature_axes == 1
    }


CELLS = SETTINGS | _of_recurrax()
_BY_KEY = {name.lower(): name for name in CELLS}


def find(text: str) -> str:
    """The name in ``CELLS`` that ``text`` means: capitals and underscores do not count.

    Raises:
      ValueError: with all names there are.
    """
    key = text.lower().replace("_", "")
    if key not in _BY_KEY:
        raise ValueError(f"there is no cell {text!r}; there are {', '.join(CELLS)}")
    return _BY_KEY[key]


def layers(name: str, features: int) -> tuple[rx.Cell, ...]:
    """The cell of that name, behind a projection of the input if it cannot do without."""
    cell = CELLS[name](features)
    return (rx.Dense(features), cell) if isinstance(cell, SAME_SIZE) else (cell,)
