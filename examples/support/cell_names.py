"""Cells by name: the settings of "LSTM: A Search Space Odyssey", and every cell of recurrax."""

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from typing import Any

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


def _needs_only_a_size(value: Any) -> bool:
    return (
        is_dataclass(value)
        and isinstance(value, type)
        and issubclass(value, rx.Cell)
        and value is not rx.PhasedLSTM  # it needs time stamps too
        and [field.name for field in fields(value) if field.default is MISSING] == ["features"]
    )


OF_RECURRAX: dict[str, Callable[[int], rx.Cell]] = {
    name: cell
    for name, cell in vars(rx.cells).items()
    if _needs_only_a_size(cell) and cell(1).num_feature_axes == 1
}
"""the cells over vectors that need nothing but a size"""

CELLS = SETTINGS | OF_RECURRAX
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
