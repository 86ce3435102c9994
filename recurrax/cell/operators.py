"""The recurrent operator: which entries of h each entry of a gate sees.

    h @ U.k     a full matrix, unless a cell is told otherwise by ``recurrent=``

An operator says how the kernels ``U.k`` are made; a kernel multiplies from the right as a matrix
does, so equations stay as they are. With ``Diagonal`` an LSTM is the IndyLSTM and a GRU the IndyGRU
of Gonnet & Deselaers (2019, arXiv:1903.08023); with ``BlockDiagonal`` the units form groups that do
not see each other (G-LSTM: Kuchaiev & Ginsburg 2017, arXiv:1703.10722); with ``LowRank`` the
product has two thin factors (FastGRNN: Kusupati et al. 2018, arXiv:1901.02358); with ``Masked``
some blocks of the matrix are absent, as in a Clockwork RNN (Koutnik et al. 2014, arXiv:1402.3511).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from recurrax.cell import options
from recurrax.initializers import GateInitializer

# --- kernels: what stands in the place of a matrix in h @ U.k ---


class Kernel:
    """What ``h @ kernel`` accepts beside a matrix; a JAX pytree."""

    __array_ufunc__ = None  # NumPy leaves the product to __rmatmul__

    @property
    def shape(self) -> tuple[int, int]:
        """That of the matrix it stands for: the size of h, and of a gate."""
        raise NotImplementedError


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


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LowRankKernel(Kernel):
    """A matrix that is the product of two thin ones."""

    left: Array
    """(features, rank)"""
    right: Array
    """(rank, features)"""

    @property
    def shape(self) -> tuple[int, int]:
        return (self.left.shape[0], self.right.shape[1])

    def __rmatmul__(self, h: Array) -> Array:
        return (h @ self.left) @ self.right


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MaskedKernel(Kernel):
    """A matrix of which some blocks are zero, whatever the kernel holds there."""

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


def arrays_of(kernel: Kernel) -> list[str]:
    """The names of the arrays of a kernel."""
    return [f.name for f in fields(kernel) if not f.metadata.get("static")]  # type: ignore[arg-type]


# --- operators: the option of a cell, and how its kernels are drawn ---


class Operator:
    """How the recurrent kernels of a cell are made."""

    def check(self, cell: Any, seen: int) -> None:
        """Refuses sizes that the operator cannot have; ``seen`` is the size of h."""

    def kernels(
        self, draw: GateInitializer, key: Array, seen: int, features: int, gates: Sequence[str]
    ) -> dict[str, Any]:
        """One kernel for each gate, drawn by ``draw`` where the operator has matrices."""
        raise NotImplementedError


@dataclass(frozen=True)
class Full(Operator):
    """A matrix, ``(features, features)``."""

    def kernels(
        self, draw: GateInitializer, key: Array, seen: int, features: int, gates: Sequence[str]
    ) -> dict[str, Any]:
        return draw(key, (seen, features), gates, float)


@dataclass(frozen=True)
class Diagonal(Operator):
    """A vector, ``(features,)``: every unit sees itself alone.

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
                f"{options.name_of(cell)}: recurrent={self!r} needs an h of features="
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
                f"{options.name_of(cell)}: recurrent={self!r} needs features and the size of h to "
                f"be one multiple of {self.blocks}; got features={cell.features} and {seen}."
            )

    def kernels(
        self, draw: GateInitializer, key: Array, seen: int, features: int, gates: Sequence[str]
    ) -> dict[str, Any]:
        size = features // self.blocks
        blocks = [draw(k, (size, size), gates, float) for k in jax.random.split(key, self.blocks)]
        return {g: BlockDiagonalKernel(jnp.stack([block[g] for block in blocks])) for g in gates}


@dataclass(frozen=True)
class LowRank(Operator):
    """Two thin matrices, ``(features, rank)`` and ``(rank, features)``.

    Attributes:
      rank: the size between them.
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


@dataclass(frozen=True)
class Masked(Operator):
    """A matrix of which some blocks stay zero.

    Attributes:
      mask: rows of 0 and 1, ``mask[i][j]`` for the block through which part i of h reaches part j
        of a gate; as many rows as columns, a number that divides the size of h.
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
                f"{options.name_of(cell)}: a mask of {n} rows needs features and the size of h to "
                f"be multiples of {n}; got features={cell.features} and {seen}."
            )

    def kernels(
        self, draw: GateInitializer, key: Array, seen: int, features: int, gates: Sequence[str]
    ) -> dict[str, Any]:
        full = draw(key, (seen, features), gates, float)
        return {gate: MaskedKernel(kernel, self.mask) for gate, kernel in full.items()}


FULL = Full()


def check_operator(cell: Any, seen: int) -> None:
    """Checks the option ``recurrent`` of a cell."""
    if not isinstance(cell.recurrent, Operator):
        raise TypeError(
            f"{options.name_of(cell)}: recurrent must be an operator such as rx.Diagonal() or "
            f"rx.BlockDiagonal(4); got {cell.recurrent!r}."
        )
    cell.recurrent.check(cell, seen)
