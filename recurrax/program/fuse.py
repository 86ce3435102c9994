"""Matrix products that share an operand become one; so does a sum of products."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recurrax.program import make
from recurrax.program.dependence import INVARIANT, Ranks
from recurrax.program.ir import Body, Op, Uses, Value
from recurrax.program.products import numbers_summed
from recurrax.program.regroup import joined_terms


@dataclass
class Product:
    """A product seen from one operand, ``shared``; the axes along which ``other`` can grow."""

    op: Op
    shared: int  # position of the operand that others may share
    axis: int  # the axis of the other operand that is not summed over
    out_axis: int  # where that axis comes out

    @property
    def other(self) -> Value:
        return self.op.inputs[1 - self.shared]

    def key(self) -> Any:
        """Equal for products that can be taken as one."""
        shape = list(self.other.shape)
        shape[self.axis] = -1
        try:
            params = tuple(sorted(self.op.params.items()))
            hash(params)
        except TypeError:
            return None
        name = self.op.name
        shared = self.op.inputs[self.shared]
        return name, id(shared), self.shared, tuple(shape), str(self.other.dtype), params


def product(op: Op, shared: int) -> Product | None:
    """``op`` as a product that can be fused with others over its operand ``shared``."""
    if op.name == "dot_general":
        contracting, batch = op.params["dimension_numbers"]
        if op.params.get("out_sharding") is not None:
            return None
        used = {*contracting[1 - shared], *batch[1 - shared]}
        other = op.inputs[1 - shared]
        free = [axis for axis in range(other.ndim) if axis not in used]
        if len(free) != 1:
            return None
        free_left = op.inputs[0].ndim - len(contracting[0]) - len(batch[0])
        out_axis = len(batch[0]) + (free_left if shared == 0 else 0)
        return Product(op, shared, free[0], out_axis)
    if op.name == "conv_general_dilated" and shared == 0:
        if op.params["feature_group_count"] != 1 or op.params["batch_group_count"] != 1:
            return None
        numbers = op.params["dimension_numbers"]
        return Product(op, 0, numbers.rhs_spec[0], numbers.out_spec[1])
    return None


def fused_over_shared_operand(body: Body, ranks: Ranks, inside: set[Op]) -> list[Op]:
    """``h A``, ``h B`` become ``h [A B]`` and two slices of it.

    What must run in a loop (``inside``) and what need not are never joined.
    """
    ops = body.ops
    order = places(body)
    groups: dict[Any, list[Product]] = {}
    taken: set[Op] = set()
    for invariant_side in (True, False):
        for op in ops:
            for shared in (0, 1):
                found = product(op, shared)
                if found is None or op in taken:
                    continue
                if invariant_side != (ranks.of(found.other) == INVARIANT):
                    continue
                key = found.key()
                if key is not None:
                    where = (ranks.of(op.out), op in inside)
                    groups.setdefault((invariant_side, where, key), []).append(found)
        for (side, _, _), members in groups.items():
            if side == invariant_side and len(members) > 1:
                taken.update(member.op for member in members)
    result = list(ops)
    for members in groups.values():
        members = [m for m in members if m.op in set(result)]
        if len(members) > 1 and independent(members, result):
            others = in_order([m.other for m in members], result, order)
            members.sort(key=lambda m: others.index(m.other))
            result = joined(result, members, ranks)
    return result


def in_order(values: Sequence[Value], ops: Sequence[Op], order: dict[Value, int]) -> list[Value]:
    """The values as a concatenation has them already, or else as they come in the step."""
    for op in ops:
        if op.name == "concatenate" and set(op.inputs) == set(values):
            return list(op.inputs)
    return sorted(values, key=lambda v: order.get(v, -1))


def places(body: Body) -> dict[Value, int]:
    """Where each value comes from: operands joined in this order are joined once."""
    made = [value for op in body.ops for value in op.outputs]
    return {value: i for i, value in enumerate([*body.inputs, *made])}


def independent(members: Sequence[Product], ops: Sequence[Op]) -> bool:
    """Whether no member needs what another one makes."""
    joining = {m.op for m in members}
    behind: set[Value] = set()
    for op in ops:
        if behind.intersection(op.inputs):
            if op in joining:
                return False
            behind.update(op.outputs)
        elif op in joining:
            behind.update(op.outputs)
    return True


def joined(ops: Sequence[Op], members: Sequence[Product], ranks: Ranks) -> list[Op]:
    """The operations with one product for the members, where all it reads has been made."""
    gone = {m.op for m in members}
    left = [op for op in ops if op not in gone]
    new = one_product(members, ranks, Uses.of(ops, ()).maker)
    unmade = {value for op in left for value in op.outputs} & {
        value for op in new for value in op.inputs
    }
    results = {value for op in new for value in op.outputs}
    before: list[Op] = []
    behind: list[Op] = []  # what reads a result, and waits until the product is there
    waiting = set(results)
    for op in left:
        late = bool(waiting.intersection(op.inputs))
        (behind if late else before).append(op)
        if late:
            waiting.update(op.outputs)
    assert not unmade & waiting
    return [*before, *new, *behind]


def one_product(members: Sequence[Product], ranks: Ranks, maker: Mapping[Value, Op]) -> list[Op]:
    first = members[0]
    new = blocks([m.other for m in members], first.axis, maker)
    joined = new[-1].out
    shape = list(first.op.out.shape)
    shape[first.out_axis] = joined.shape[first.axis]
    operands = [first.op.inputs[first.shared]] * 2
    operands[1 - first.shared] = joined
    dot = Op(first.op.primitive, dict(first.op.params), operands, [first.op.out.like(shape)])
    new.append(dot)
    start = 0
    for member in members:
        new.append(make.cut(dot.out, first.out_axis, start, member.op.out))
        start += member.op.out.shape[first.out_axis]
    for op in new:
        ranks.add(op)
    return new


def blocks(values: Sequence[Value], axis: int, maker: Mapping[Value, Op]) -> list[Op]:
    """Concatenates; ``[[A; B] [C; D]]`` as ``[[A C]; [B D]]``, whose rows others may have too."""
    parts = [maker.get(value) for value in values]
    first = parts[0]
    if first is not None and first.name == "concatenate":
        across = first.params["dimension"]
        heights = [v.shape[across] for v in first.inputs]
        alike = all(
            op is not None
            and op.name == "concatenate"
            and op.params["dimension"] == across != axis
            and [v.shape[across] for v in op.inputs] == heights
            for op in parts
        )
        if alike:
            columns = [op.inputs for op in parts if op is not None]
            rows = [make.concatenate(list(row), axis) for row in zip(*columns, strict=True)]
            return [*rows, make.concatenate([row.out for row in rows], across)]
    return [make.concatenate(values, axis)]


def fused_sums(body: Body, ranks: Ranks) -> list[Op]:
    """``a A + b B`` becomes ``[a b] [A; B]``: one product for the reverse of many gates."""
    order = places(body)

    def key(term: Value, uses: Uses) -> Any:
        """Equal for matrix products with an invariant right side whose sum is one product."""
        dot = uses.maker.get(term)
        if dot is None or dot.name != "dot_general" or not uses.single(dot.out):
            return None
        (left, right), batch = dot.params["dimension_numbers"]
        if batch != ((), ()) or len(left) != 1 or dot.params.get("out_sharding") is not None:
            return None
        if ranks.of(dot.inputs[1]) != INVARIANT or ranks.of(dot.inputs[0]) == INVARIANT:
            return None
        others = {k: v for k, v in dot.params.items() if k != "out_sharding"}
        types = tuple((str(v.dtype), v.ndim) for v in dot.inputs)
        return ranks.of(term), left, right, types, str(sorted(others.items()))

    def join(terms: list[Value], uses: Uses) -> list[Op]:
        dots = sorted(
            (uses.maker[term] for term in terms), key=lambda dot: order.get(dot.inputs[1], -1)
        )
        (left, right), _ = dots[0].params["dimension_numbers"]
        lefts = make.concatenate([dot.inputs[0] for dot in dots], left[0])
        rights = make.concatenate([dot.inputs[1] for dot in dots], right[0])
        operands, out = [lefts.out, rights.out], dots[0].out.like()
        return [lefts, rights, Op(dots[0].primitive, dict(dots[0].params), operands, [out])]

    return joined_terms(body, ranks, key, join)


def straightened(ops: Sequence[Op], ranks: Ranks, inside: set[Op]) -> list[Op]:
    """Turns an invariant matrix, once, so that the loop reads it in the order of memory.

    A product with a single row is as fast either way: the turned copy would take memory in vain.
    """
    result: list[Op] = []
    for op in ops:
        if op.name == "dot_general" and op in inside:
            (left, right), batch = op.params["dimension_numbers"]
            a, b = op.inputs
            turn = None
            if batch == ((), ()) and len(left) == 1 and not has_single_row(op):
                left, right = left[0], right[0]
                if ranks.of(b) == INVARIANT and b.ndim == 2 and right == 1:
                    turn = make.transpose(b, (1, 0))
                    op.inputs, right = [a, turn.out], 0
                elif ranks.of(a) == INVARIANT and a.ndim == 2 and left == 0:
                    turn = make.transpose(a, (1, 0))
                    op.inputs, left = [turn.out, b], 1
            if turn is not None:
                ranks.add(turn)
                result.append(turn)
                op.params = {**op.params, "dimension_numbers": (((left,), (right,)), batch)}
        result.append(op)
    return result


def has_single_row(op: Op) -> bool:
    """Whether one side of a matrix product is a vector."""
    summed = numbers_summed(op.name, op.params, *[v.shape for v in op.inputs])
    return any(v.size == summed for v in op.inputs)
