"""The option ``recurrent`` of a cell: how its recurrent kernels are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jax import Array

from recurrax.cell.naming import name_of
from recurrax.initializers import GateInitializer


class Operator:
    """How the recurrent kernels of a cell are made."""

    def check(self, cell: Any, seen: int) -> None:
        """Rejects sizes that the operator does not support; ``seen`` is the size of h."""

    def kernels(
        self, draw: GateInitializer, key: Array, seen: int, features: int, gates: Sequence[str]
    ) -> dict[str, Any]:
        """Draws one kernel for each gate; ``draw`` draws the matrices that it consists of."""
        raise NotImplementedError


@dataclass(frozen=True)
class Full(Operator):
    """A dense matrix, ``(features, features)``."""

    def kernels(
        self, draw: GateInitializer, key: Array, seen: int, features: int, gates: Sequence[str]
    ) -> dict[str, Any]:
        return draw(key, (seen, features), gates, float)


FULL = Full()


def check_operator(cell: Any, seen: int) -> None:
    """Checks the option ``recurrent`` of a cell."""
    if not isinstance(cell.recurrent, Operator):
        raise TypeError(
            f"{name_of(cell)}: recurrent must be an operator such as rx.Diagonal() or "
            f"rx.BlockDiagonal(4); got {cell.recurrent!r}."
        )
    cell.recurrent.check(cell, seen)
