"""Reductions: the sum of a value over time, taken through the operations that produce it.

Where a step adds up ``x_t^T d_t``, the sum over many steps is one matmul that also contracts time:
each weight gradient becomes one matmul, by the operation's own rule.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from recurrax.program.contractions import is_ungrouped
from recurrax.program.ir import Op, Value
from recurrax.program.levels import Levels
from recurrax.program.primitives import (
    ADD,
    ADD_ANY,
    CONCATENATE,
    CONTRACTIONS,
    CONV,
    DOT,
    MUL,
    NEG,
    REDUCE_SUM,
    SLICE,
    SUB,
    facts,
)

Read = Callable[[Value], Any]


class Way(NamedTuple):
    """How the sum of a value over time is computed from other values."""

    op: Op
    needs: tuple[Value, ...] = ()  # sequences that are read as such


@dataclass(frozen=True)
class Summation:
    """What is needed to see how a value is produced: outside of loops, from which sequences."""

    producer: Mapping[Value, Op]
    levels: Levels
    looped: Set[Value]  # produced step by step, so that the value itself is there to be summed

    def way(self, value: Value) -> Way | None:
        """How to sum a value without forming it at every step.

        ``None``: the value itself is summed. A way that needs no sequences: the operation is
        applied to sums. What the steps add up is never split into terms that could cancel.
        """
        op = self.producer_of(value)
        if op is None:
            return None
        moving = [v for v in op.inputs if self.levels.is_sequence(v)]
        if op.name in CONTRACTIONS and len(moving) == 2:
            plain = op.name == DOT or is_ungrouped(op.params)
            return Way(op, tuple(moving)) if plain else None
        if op.name in (ADD, ADD_ANY, SUB):
            # Where a step has W - W^T, the gradient of W is M - M^T. The step computes that matrix
            # once for all steps, so its gradient M may be summed over all steps first.
            first, second = map(self.rearranged, op.inputs)
            return Way(op) if first is second and self.is_product(first) else None
        if op.name == MUL and len(moving) == 1:
            large = np.dtype(op.out.dtype).itemsize > 2  # a sum of half precision may overflow
            return Way(op) if large and self.is_product(moving[0]) else None
        alone = len(op.inputs) == 1 or op.name == CONCATENATE
        return Way(op) if facts(op).additive and alone and len(moving) == len(op.inputs) else None

    def producer_of(self, value: Value) -> Op | None:
        """The operation that produces a sequence in bulk."""
        if value in self.looped or not self.levels.is_sequence(value):
            return None
        return self.producer.get(value)

    def is_product(self, value: Value) -> bool:
        """Whether the sum of a value is a matmul: far more than the value is formed without it."""
        way = self.way(value)
        return way is not None and (bool(way.needs) or any(map(self.is_product, way.op.inputs)))

    def rearranged(self, value: Value) -> Value:
        """The value whose entries ``value`` has in another order, perhaps negated."""
        op = self.producer_of(value)
        same = op is not None and (op.name == NEG or (facts(op).moves and len(op.inputs) == 1))
        return self.rearranged(op.inputs[0]) if op is not None and same else value

    def leaves(self, value: Value) -> list[Value]:
        """The sequences from which the sum of ``value`` over time is computed."""
        way = self.way(value)
        if way is None:
            return [value] if self.levels.is_sequence(value) else []
        return [*way.needs] or [leaf for v in way.op.inputs for leaf in self.leaves(v)]


@dataclass(frozen=True)
class SumOverTime:
    """Computes sums over ``steps`` steps; ``read`` gives sequences with time as the first axis."""

    summation: Summation
    read: Read
    steps: int
    memo: dict[Any, Any]

    def __call__(self, value: Value) -> Any:
        if value not in self.memo:
            self.memo[value] = self.compute(value)
        return self.memo[value]

    def compute(self, value: Value) -> Any:
        if not self.summation.levels.is_sequence(value):
            return self.read(value) * jnp.asarray(self.steps, value.dtype)
        way = self.summation.way(value)
        if way is None:
            return jnp.sum(self.read(value), axis=0, dtype=value.dtype)
        op = way.op
        if way.needs:
            left, right = map(self.read, op.inputs)
            return contracted(op, left, right)
        if op.name == REDUCE_SUM and (part := self.slice_of_sequence(op)) is not None:
            return self.reduced(op, *part)
        is_sequence = self.summation.levels.is_sequence
        operands = [self(v) if is_sequence(v) else self.read(v) for v in op.inputs]
        result = op.primitive.bind(*operands, **op.params)
        if op.primitive.multiple_results:
            self.memo.update(zip(op.outputs, result, strict=True))
            return self.memo[value]
        return result

    def slice_of_sequence(self, op: Op) -> tuple[Value, Any, Any] | None:
        """The sequence that a ``reduce_sum`` reads; where a slice of it begins and ends."""
        value = op.inputs[0]
        way = self.summation.way(value)
        if way is None:
            return value, (0,) * value.ndim, value.shape
        part = way.op
        if part.name != SLICE or self.summation.way(part.inputs[0]) is not None:
            return None
        whole = part.inputs[0]
        cut_axes = [a for a in op.params["axes"] if value.shape[a] != whole.shape[a]]
        if part.params["strides"] is not None or cut_axes:
            return None
        return whole, part.params["start_indices"], part.params["limit_indices"]

    def reduced(self, op: Op, whole: Value, start: Any, stop: Any) -> Any:
        """The sum over time and over the axes of ``op``; one sum serves all slices of ``whole``."""
        axes = op.params["axes"]
        if (whole, axes) not in self.memo:
            over = (0, *[axis + 1 for axis in axes])
            self.memo[whole, axes] = jnp.sum(self.read(whole), axis=over, dtype=whole.dtype)
        left = [axis for axis in range(whole.ndim) if axis not in axes]
        bounds = ([start[i] for i in left], [stop[i] for i in left])
        return jax.lax.slice(self.memo[whole, axes], *bounds)


def contracted(op: Op, left: Any, right: Any) -> Any:
    """A contraction of two sequences that sums over time as well."""
    if op.name == CONV:
        numbers = op.params["dimension_numbers"]
        operands = time_merged(left, numbers.lhs_spec[1]), time_merged(right, numbers.rhs_spec[1])
        return op.primitive.bind(*operands, **op.params)
    contracting, batch = op.params["dimension_numbers"]
    with_time = ((0, *later(contracting[0])), (0, *later(contracting[1])))
    return jax.lax.dot_general(
        left,
        right,
        (with_time, (later(batch[0]), later(batch[1]))),
        precision=op.params.get("precision"),
        preferred_element_type=op.params.get("preferred_element_type"),
    )


def later(axes: Sequence[int]) -> tuple[int, ...]:
    """Axes of a step, as axes of a sequence with time in front."""
    return tuple(axis + 1 for axis in axes)


def time_merged(sequence: Any, axis: int) -> Any:
    """Time merged into an axis of each step: more features for a convolution to sum over."""
    steps, *shape = sequence.shape
    shape[axis] *= steps
    return jnp.moveaxis(sequence, 0, axis).reshape(shape)
