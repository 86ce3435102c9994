"""Recurrent kernels of low rank, kept as two factors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
from jax import Array

from recurrax.cell import options
from recurrax.cell.exportable import exportable_node
from recurrax.cell.operators.kernel import Kernel
from recurrax.cell.operators.operator import Operator
from recurrax.initializers import GateInitializer


@exportable_node
@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LowRankKernel(Kernel):
    """A matrix that is the product of two factors."""

    left: Array
    """(features, rank)"""
    right: Array
    """(rank, features)"""

    @property
    def shape(self) -> tuple[int, int]:
        return (self.left.shape[0], self.right.shape[1])

    def __rmatmul__(self, h: Array) -> Array:
        return (h @ self.left) @ self.right


@dataclass(frozen=True)
class LowRank(Operator):
    """A product of two factors, ``(features, rank)`` and ``(rank, features)``.

    Attributes:
      rank: the inner size of the product.
    """

    rank: int

    def __post_init__(self) -> None:
        options.positive_int(self, "rank")

    def kernels(
        self, draw: GateInitializer, key: Array, seen: int, features: int, gates: Sequence[str]
    ) -> dict[str, Any]:
        key_left, key_right = jax.random.split(key)
        left = draw(key_left, (seen, self.rank), gates, float)
        right = draw(key_right, (self.rank, features), gates, float)
        return {gate: LowRankKernel(left[gate], right[gate]) for gate in gates}
