"""Recurrent kernels with some blocks masked to zero."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from recurrax.cell.exportable import exportable_node
from recurrax.cell.naming import name_of
from recurrax.cell.operators.kernel import Kernel
from recurrax.cell.operators.operator import Operator
from recurrax.initializers import GateInitializer


@exportable_node
@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MaskedKernel(Kernel):
    """A matrix with some blocks masked to zero, whatever values the kernel holds there."""

    kernel: Array
    """(features, features)"""
    mask: tuple[tuple[int, ...], ...] = field(metadata={"static": True})

    @property
    def shape(self) -> tuple[int, int]:
        return (self.kernel.shape[0], self.kernel.shape[1])

    def __rmatmul__(self, h: Array) -> Array:
        rows, columns = self.kernel.shape
        n = len(self.mask)
        mask = jnp.asarray(self.mask, self.kernel.dtype)
        mask = jnp.repeat(jnp.repeat(mask, rows // n, axis=0), columns // n, axis=1)
        return h @ (self.kernel * mask)


@dataclass(frozen=True)
class Masked(Operator):
    """A matrix with some blocks masked to zero.

    Attributes:
      mask: a square of 0 and 1; ``mask[i][j]`` says whether part i of h reaches part j of a gate.
        Its number of rows must divide the size of h.
    """

    mask: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        rows = [tuple(row) for row in self.mask] if isinstance(self.mask, Sequence) else []
        square = bool(rows) and all(len(row) == len(rows) for row in rows)
        if not square or any(entry not in (0, 1) for row in rows for entry in row):
            raise ValueError(
                "rx.Masked: mask must be a square of 0 and 1 such as ((1, 1), (0, 1)); "
                f"got {self.mask!r}."
            )
        object.__setattr__(self, "mask", tuple(tuple(map(int, row)) for row in rows))

    def check(self, cell: Any, seen: int) -> None:
        n = len(self.mask)
        if seen % n or cell.features % n:
            raise ValueError(
                f"{name_of(cell)}: a mask of {n} rows needs features and the size of h to "
                f"be multiples of {n}; got features={cell.features} and {seen}."
            )

    def kernels(
        self, draw: GateInitializer, key: Array, seen: int, features: int, gates: Sequence[str]
    ) -> dict[str, Any]:
        full = draw(key, (seen, features), gates, float)
        return {gate: MaskedKernel(kernel, self.mask) for gate, kernel in full.items()}
