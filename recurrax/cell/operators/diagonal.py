"""Diagonal recurrent kernels: every unit sees only itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
from jax import Array

from recurrax.cell import options
from recurrax.cell.exportable import exportable_node
from recurrax.cell.naming import name_of
from recurrax.cell.operators.kernel import Kernel
from recurrax.cell.operators.operator import Operator
from recurrax.initializers import GateInitializer


@exportable_node
@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class DiagonalKernel(Kernel):
    """A matrix that is zero off its diagonal."""

    diagonal: Array
    """(features,)"""

    @property
    def shape(self) -> tuple[int, int]:
        return (self.diagonal.shape[0], self.diagonal.shape[0])

    def __rmatmul__(self, h: Array) -> Array:
        return h * self.diagonal


@dataclass(frozen=True)
class Diagonal(Operator):
    """A diagonal, ``(features,)``: every unit sees only itself.

    Attributes:
      low, high: the bounds of the uniform distribution that it is drawn from.
    """

    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        options.number(self, "low", "high")
        if self.low >= self.high:
            raise ValueError(
                f"rx.Diagonal: low must be below high; got low={self.low}, high={self.high}."
            )

    def check(self, cell: Any, seen: int) -> None:
        if seen != cell.features:
            raise ValueError(
                f"{name_of(cell)}: recurrent={self!r} needs an h of features="
                f"{cell.features} entries; with the projection it has {seen}."
            )

    def kernels(
        self, draw: GateInitializer, key: Array, seen: int, features: int, gates: Sequence[str]
    ) -> dict[str, Any]:
        keys = jax.random.split(key, len(gates))
        return {
            gate: DiagonalKernel(jax.random.uniform(k, (features,), float, self.low, self.high))
            for gate, k in zip(gates, keys, strict=True)
        }
