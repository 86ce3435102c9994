"""The cell of a run."""

from typing import Any

from recurrax.cell.cell import Layer
from recurrax.cell.options import instead, name_of
from recurrax.cell.params import describe


def check_layer(caller: str, cell: Any) -> None:
    """A cell must be a specification that can be compared and hashed."""
    if not isinstance(cell, Layer):
        hint = instead(cell, Layer)
        raise TypeError(f"{caller}: cell must be a recurrax cell; got {describe(cell)}.{hint}")
    try:
        hash(cell)
    except TypeError as error:
        raise TypeError(
            f"{caller}: {name_of(cell)} must be hashable: a @dataclass(frozen=True) of sizes "
            f"and options, with all arrays in params ({error})."
        ) from None


def check_forward(caller: str, cell: Any, user: str) -> None:
    """A cell must have a step, so that it can run forward from any point of a sequence."""
    check_layer(caller, cell)
    if not cell.has_step:
        raise ValueError(
            f"{caller}: {name_of(cell)} runs in both directions and needs the whole sequence; "
            f"{user} a cell that runs forward."
        )
