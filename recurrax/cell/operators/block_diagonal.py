"""Block-diagonal recurrent kernels: groups of units that do not see each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
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
class BlockDiagonalKernel(Kernel):
    """A matrix that is zero outside square blocks along its diagonal."""

    blocks: Array
    """(blocks, features / blocks, features / blocks)"""

    @property
    def shape(self) -> tuple[int, int]:
        n, rows, columns = self.blocks.shape
        return n * rows, n * columns

    def __rmatmul__(self, h: Array) -> Array:
        n, rows, _ = self.blocks.shape
        parts = h.reshape(*h.shape[:-1], n, rows)
        return jnp.einsum("...nh,nhk->...nk", parts, self.blocks).reshape(h.shape)


@dataclass(frozen=True)
class BlockDiagonal(Operator):
    """Square blocks along the diagonal, ``(blocks, features / blocks, features / blocks)``.

    Attributes:
      blocks: their number, a divisor of ``features``.
    """

    blocks: int

    def __post_init__(self) -> None:
        options.positive_int(self, "blocks")

    def check(self, cell: Any, seen: int) -> None:
        if seen != cell.features or seen % self.blocks:
            raise ValueError(
                f"{name_of(cell)}: recurrent={self!r} needs features and the size of h to "
                f"be one multiple of {self.blocks}; got features={cell.features} and {seen}."
            )

    def kernels(
        self, draw: GateInitializer, key: Array, seen: int, features: int, gates: Sequence[str]
    ) -> dict[str, Any]:
        size = features // self.blocks
        blocks = [draw(k, (size, size), gates, float) for k in jax.random.split(key, self.blocks)]
        return {g: BlockDiagonalKernel(jnp.stack([block[g] for block in blocks])) for g in gates}
