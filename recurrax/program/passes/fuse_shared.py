"""Horizontal fusion: contractions that share an operand become one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from recurrax.program import builders
from recurrax.program.contractions import has_out_sharding, is_contraction, is_ungrouped
from recurrax.program.ir import Body, Op, Uses, Value
from recurrax.program.levels import INVARIANT, Levels, in_loops, levels_of
from recurrax.program.primitives import CONCATENATE, CONV, DOT


@dataclass(frozen=True)
class SharedContraction:
    """A contraction seen from one operand, ``shared``: the axis along which ``other`` can grow."""

    op: Op
    shared: int  # position of the operand that others may share
    axis: int  # the axis of the other operand that is not summed over
    out_axis: int  # the axis of the result that it becomes

    @property
    def other(self) -> Value:
        return self.op.inputs[1 - self.shared]

    def key(self) -> Any:
        """Equal for contractions that can be computed as one; ``None`` if that is unknown."""
        shape = list(self.other.shape)
        del shape[self.axis]  # the parameters say which axis that is
        try:
            params = tuple(sorted(self.op.params.items()))
            hash(params)
        except TypeError:
            return None
        shared = self.op.inputs[self.shared]
        return self.op.name, id(shared), self.shared, tuple(shape), str(self.other.dtype), params


def fuse_shared(body: Body) -> Body:
    """``h A``, ``h B`` become ``h [A B]`` and two slices of it.

    A contraction that must run in a loop is never joined with one that need not.
    """
    levels = levels_of(body)
    inside = in_loops(body, levels)
    order = {**positions(body), **positions_of_kernels(body, levels)}
    groups: dict[Any, list[SharedContraction]] = {}
    for invariant_side in (True, False):
        for op in body.ops:
            for found in views(op):
                key = found.key()
                if key is not None and invariant_side == (levels.of(found.other) == INVARIANT):
                    where = (levels.of(op.out), op in inside)
                    groups.setdefault((invariant_side, where, key), []).append(found)
    ops = list(body.ops)
    for members in groups.values():
        left = set(ops)
        members = [m for m in members if m.op in left]
        if len(members) > 1 and independent(members, ops):
            others = in_order([m.other for m in members], ops, order)
            members.sort(key=lambda m: others.index(m.other))
            ops = joined(ops, members, levels)
    return body.with_ops(ops)


def views(op: Op) -> list[SharedContraction]:
    """A contraction from the side of each operand that others can share."""
    if op.name == DOT and not has_out_sharding(op):
        return [view for shared in (0, 1) if (view := shared_matmul(op, shared)) is not None]
    if op.name == CONV and is_ungrouped(op.params):
        numbers = op.params["dimension_numbers"]
        return [SharedContraction(op, 0, numbers.rhs_spec[0], numbers.out_spec[1])]
    return []


def shared_matmul(op: Op, shared: int) -> SharedContraction | None:
    contracting, batch = op.params["dimension_numbers"]
    used = {*contracting[1 - shared], *batch[1 - shared]}
    free = [axis for axis in range(op.inputs[1 - shared].ndim) if axis not in used]
    if len(free) != 1:
        return None
    free_left = op.inputs[0].ndim - len(contracting[0]) - len(batch[0])
    out_axis = len(batch[0]) + (free_left if shared == 0 else 0)
    return SharedContraction(op, shared, free[0], out_axis)


def in_order(values: Sequence[Value], ops: Sequence[Op], order: Mapping[Value, int]) -> list[Value]:
    """The values as a concatenation has them already, or else in the order of the step."""
    for op in ops:
        if op.name == CONCATENATE and set(op.inputs) == set(values):
            return list(op.inputs)
    return sorted(values, key=lambda v: order.get(v, -1))


def positions(body: Body) -> dict[Value, int]:
    """Where each value is produced: operands joined in this order are joined once."""
    produced = [value for op in body.ops for value in op.outputs]
    return {value: i for i, value in enumerate([*body.inputs.flat, *produced])}


def positions_of_kernels(body: Body, levels: Levels) -> dict[Value, int]:
    """For values that kernels multiply, where the first of these kernels comes from.

    A backward pass multiplies the cotangent of every gate by the gate's kernel and by its input.
    The order of kernels makes one concatenation of cotangents serve both matmuls.
    """
    order = positions(body)
    found: dict[Value, int] = {}
    for op in body.ops:
        if is_contraction(op):
            for value, kernel in (op.inputs, op.inputs[::-1]):
                if levels.of(kernel) == INVARIANT and levels.of(value) != INVARIANT:
                    place = order.get(kernel, -1)
                    found[value] = min(place, found.get(value, place))
    return found


def independent(members: Sequence[SharedContraction], ops: Sequence[Op]) -> bool:
    """Whether no member needs the result of another one."""
    joining = {m.op for m in members}
    after: set[Value] = set()
    for op in ops:
        if after.intersection(op.inputs):
            if op in joining:
                return False
            after.update(op.outputs)
        elif op in joining:
            after.update(op.outputs)
    return True


def joined(ops: Sequence[Op], members: Sequence[SharedContraction], levels: Levels) -> list[Op]:
    """The operations with one contraction for the members, as soon as its operands are there."""
    gone = {m.op for m in members}
    left = [op for op in ops if op not in gone]
    new = one_contraction(members, Uses.of(left).producer)
    for op in new:
        levels.add(op)
    waiting = {value for op in new for value in op.outputs}
    before: list[Op] = []
    after: list[Op] = []  # what reads a result
    for op in left:
        late = bool(waiting.intersection(op.inputs))
        (after if late else before).append(op)
        if late:
            waiting.update(op.outputs)
    return [*before, *new, *after]


def one_contraction(members: Sequence[SharedContraction], producer: Mapping[Value, Op]) -> list[Op]:
    first = members[0]
    new = concatenated([m.other for m in members], first.axis, producer)
    whole = new[-1].out
    shape = list(first.op.out.shape)
    shape[first.out_axis] = whole.shape[first.axis]
    operands = [first.op.inputs[first.shared]] * 2
    operands[1 - first.shared] = whole
    out = first.op.out.like(shape)
    new.append(replace(first.op, inputs=tuple(operands), outputs=(out,)))
    start = 0
    for member in members:
        new.append(builders.slice_op(out, first.out_axis, start, member.op.out))
        start += member.op.out.shape[first.out_axis]
    return [op.from_line_of(first.op) for op in new]


def concatenated(values: Sequence[Value], axis: int, producer: Mapping[Value, Op]) -> list[Op]:
    """Concatenates; ``[[A; B] [C; D]]`` as ``[[A C]; [B D]]``, whose rows others may have too."""
    parts = [producer.get(value) for value in values]
    first = parts[0]
    if first is not None and first.name == CONCATENATE:
        across = first.params["dimension"]
        heights = [v.shape[across] for v in first.inputs]
        alike = all(
            op is not None
            and op.name == CONCATENATE
            and op.params["dimension"] == across != axis
            and [v.shape[across] for v in op.inputs] == heights
            for op in parts
        )
        if alike:
            columns = [op.inputs for op in parts if op is not None]
            rows = [builders.concatenate(row, axis) for row in zip(*columns, strict=True)]
            return [*rows, builders.concatenate([row.out for row in rows], across)]
    return [builders.concatenate(values, axis)]
