"""Layers on top of each other, as one layer."""

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import Array

from recurrax.cell import options
from recurrax.cell.cell import Cell, Layer, Noise
from recurrax.cell.checks import carry_like
from recurrax.cell.naming import describe, name_of
from recurrax.compose.wrapper import apart, check_part, choose_class, keys, together
from recurrax.sequence.engine import with_zero_padding
from recurrax.sequence.options import Run, RunResult
from recurrax.sequence.run import run_layer

# Type checkers see the usual case, a stack of cells.
Base = Cell if TYPE_CHECKING else Layer


@dataclass(frozen=True)
class Stack(Base):
    """Layers on top of each other; its carry and its parameters are tuples of theirs.

    A stack of cells is a :class:`recurrax.Cell` itself. With a layer among the parts that has no
    ``step``, such as a :class:`recurrax.Bidirectional`, it is a :class:`recurrax.Layer` without
    one. Over a sequence every part has a loop of its own, and the projection of its inputs is one
    matmul.

    Attributes:
      cells: the parts from the bottom up: cells, and :class:`recurrax.Dropout`,
        :class:`recurrax.Dense`, :class:`recurrax.Residual`, :class:`recurrax.Bidirectional`.
      skip: ``None``; or ``"dense"``: every cell but the first also sees x, and the outputs of all
        are concatenated (Graves 2013, arXiv:1308.0850; Haiku's ``deep_rnn_with_skip_connections``).

    Example:
      >>> import jax
      >>> import recurrax as rx
      >>> cell = rx.Stack((rx.LSTM(16), rx.Dropout(0.1), rx.Residual(rx.LSTM(16))))
      >>> params = cell.init(jax.random.key(0), in_features=3)
      >>> carry, y = cell.step(params, cell.initial_carry((2,)), jax.numpy.ones((2, 3)))
      >>> y.shape, len(carry)
      ((2, 16), 3)
    """

    cells: tuple[Any, ...]
    _: KW_ONLY
    skip: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.cells, tuple | list) or not self.cells:
            raise TypeError(
                f"rx.Stack: cells must be a tuple of cells, at least one; got {self.cells!r}."
            )
        object.__setattr__(self, "cells", tuple(self.cells))
        for i, cell in enumerate(self.cells):
            check_part(self, f"cells[{i}]", cell, Layer)
        options.one_of(self, "skip", (None, "dense"))
        for i, cell in enumerate(self.cells):
            if self.skip and not jax.tree.leaves(carry_like(cell, ())):
                raise ValueError(
                    f"rx.Stack: skip={self.skip!r} is for cells, each of which sees x; cells[{i}], "
                    f"{name_of(cell)}, has no carry. Put it into a rx.Stack of its own with a cell."
                )
        choose_class(self, self.cells, (StackCell, Stack))

    def __repr__(self) -> str:
        return f"Stack(cells={self.cells!r}, skip={self.skip!r})"

    def in_sizes(self, in_features: Any) -> list[Any]:
        """The ``in_features`` of each part."""
        sizes, size = [], in_features
        for i, cell in enumerate(self.cells):
            if self.skip and i:
                size += in_features
            sizes.append(size)
            size = cell.out_size(size)
            if self.skip and isinstance(size, tuple):
                raise ValueError(
                    f"rx.Stack: skip={self.skip!r} concatenates the outputs of all cells, but "
                    f"cells[{i}], {name_of(cell)}, puts out several, of sizes {size}."
                )
        return sizes

    def out_size(self, in_features: Any) -> Any:
        sizes = [
            cell.out_size(n) for cell, n in zip(self.cells, self.in_sizes(in_features), strict=True)
        ]
        return sum(sizes) if self.skip else sizes[-1]

    @property
    def out_features(self) -> Any:
        size = self.out_size(0)
        if not size:
            raise ValueError(
                "rx.Stack: it puts out as many features as come in; use out_size(in_features)."
            )
        return size

    def init(self, key: Array, in_features: Any) -> tuple[Any, ...]:
        sizes = self.in_sizes(in_features)
        draws = keys(key, len(self.cells))
        return tuple(
            cell.init(k, size) for cell, k, size in zip(self.cells, draws, sizes, strict=True)
        )

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> tuple[Any, ...]:
        shapes = self.batch_shapes(batch_shape)
        return tuple(
            cell.initial_carry(shape) for cell, shape in zip(self.cells, shapes, strict=True)
        )

    def batch_shapes(self, batch_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The leading axes of the input of each part; a convolution with strides changes them."""
        shapes = [batch_shape]
        for cell in self.cells:
            shapes.append(cell.out_batch_shape(shapes[-1]))
        return shapes[:-1]

    def out_batch_shape(self, batch_shape: tuple[int, ...]) -> tuple[int, ...]:
        return self.cells[-1].out_batch_shape(self.batch_shapes(batch_shape)[-1])

    def initial_carry_from(self, params: Any, batch_shape: tuple[int, ...]) -> tuple[Any, ...]:
        if not isinstance(params, tuple) or len(params) != len(self.cells):
            raise TypeError(
                f"rx.Stack: params must be a tuple of {len(self.cells)}, one for each cell; "
                f"got {describe(params)}."
            )
        shapes = self.batch_shapes(batch_shape)
        return tuple(
            cell.initial_carry_from(p, shape)
            for cell, p, shape in zip(self.cells, params, shapes, strict=True)
        )

    def over_time(self, run: Run, params: Any, xs: Any, carry: Any) -> RunResult:
        count = len(self.cells)
        none = [None] * count
        starts = run.inputs.reset_carry or none
        draws = none if run.inputs.key is None else keys(run.inputs.key, count)

        def part(cell: Layer, start: Any, key: Any) -> Any:
            own = run.with_inputs(reset_carry=start, key=key)

            def run_part(params: Any, carry: Any, xs: Any) -> tuple[RunResult, Any]:
                result = run_layer(cell, own, params, xs, carry)
                return result, result.ys

            return run_part

        runs = [part(*each) for each in zip(self.cells, starts, draws, strict=True)]
        results, ys = self.upwards(runs, params, carry or none, with_zero_padding(run, xs))
        carries = tuple(result.carries for result in results) if run.options.every_carry else None
        return RunResult(tuple(result.carry for result in results), ys, carries)

    def upwards(self, runs: Any, params: Any, carries: Any, x: Any) -> tuple[Any, Any]:
        """Applies ``runs``, steps or whole runs over time, from the bottom part to the top."""
        new, ys, y = [], [], x
        for i, (run, p, carry) in enumerate(zip(runs, params, carries, strict=True)):
            if self.skip and i:
                y = jnp.concatenate([x, y], -1)
            carry, y = run(p, carry, y)
            new.append(carry)
            ys.append(y)
        return tuple(new), jnp.concatenate(ys, -1) if self.skip else y

    @property
    def input_kinds(self) -> tuple[Any, ...]:
        return self.cells[0].input_kinds

    @property
    def num_feature_axes(self) -> int:
        axes = [cell.num_feature_axes for cell in self.cells]
        return max(axes) if axes[0] else 0  # a first cell that reads tokens makes features of them

    @property
    def is_stochastic(self) -> bool:
        return any(cell.is_stochastic for cell in self.cells)

    @property
    def learns_carry(self) -> bool:
        return any(cell.learns_carry for cell in self.cells)


class StackCell(Stack, Cell):
    """A stack of cells; ``Stack(cells)`` makes one."""

    public_name = "Stack"

    def step(self, params: Any, carry: Any, x: Any) -> tuple[Any, Any]:
        return self.upwards([cell.step for cell in self.cells], params, carry, x)

    def noise(self, key: Array, x: Any, steps: int) -> Noise:
        draws = keys(key, len(self.cells))
        sizes = self.in_sizes(x.shape[-1])
        inputs = [
            jax.ShapeDtypeStruct((*shape, size), x.dtype)
            for shape, size in zip(self.batch_shapes(x.shape[:-1]), sizes, strict=True)
        ]
        return together(
            cell.noise(k, x, steps) for cell, k, x in zip(self.cells, draws, inputs, strict=True)
        )

    def training_step(self, params: Any, carry: Any, x: Any, noise: Noise) -> tuple[Any, Any]:
        steps = [
            lambda p, c, x, cell=cell, own=own: cell.training_step(p, c, x, own)
            for cell, own in zip(self.cells, apart(noise), strict=True)
        ]
        return self.upwards(steps, params, carry, x)
