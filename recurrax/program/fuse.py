"""Matrix products that share an operand become one; so does a sum of products."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from recurrax.program import make
from recurrax.program.dependence import INVARIANT, Ranks
from recurrax.program.ir import Body, Op, Uses, Value
from recurrax.program.products import PRODUCTS, is_ungrouped, numbers_summed
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
        del shape[self.axis]  # where that axis is, the parameters tell
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
    if op.name == "conv_general_dilated" and shared == 0 and is_ungrouped(op.params):
        numbers = op.params["dimension_numbers"]
        return Product(op, shared, numbers.rhs_spec[0], numbers.out_spec[1])
    return None


def fused_over_shared_operand(body: Body, ranks: Ranks, inside: set[Op]) -> list[Op]:
    """``h A``, ``h B`` become ``h [A B]`` and two slices of it.

    What must run in a loop (``inside``) and what need not are never joined.
    """
    ops = body.ops
    order = places(body)
    groups: dict[Any, list[Product]] = {}
    for invariant_side in (True, False):
        for op in ops:
            for shared in (0, 1):
                found = product(op, shared)
                if found is None or invariant_side != (ranks.of(found.other) == INVARIANT):
                    continue
                key = found.key()
                if key is not None:
                    where = (ranks.of(op.out), op in inside)
                    groups.setdefault((invariant_side, where, key), []).append(found)
    result = list(ops)
    for members in groups.values():
        left = set(result)
        members = [m for m in members if m.op in left]
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
        """Equal for products with an invariant right side whose sum is one product."""
        found = product_of(term, uses)
        if found is None:
            return None
        op, moves = found
        axes = summed_axes(op)
        if axes is None or op.params.get("out_sharding") is not None:
            return None
        if ranks.of(op.inputs[1]) != INVARIANT or ranks.of(op.inputs[0]) == INVARIANT:
            return None
        others = {k: v for k, v in op.params.items() if k != "out_sharding"}
        sides = tuple(
            (v.dtype, v.shape[:axis], v.shape[axis + 1 :])
            for v, axis in zip(op.inputs, axes, strict=True)
        )
        made = [(op.name, str(sorted(others.items())))]
        made += [(move.name, move.out.shape, str(sorted(move.params.items()))) for move in moves]
        return ranks.of(term), sides, *made

    def join(terms: list[Value], uses: Uses) -> list[Op]:
        found = [pair for term in terms if (pair := product_of(term, uses)) is not None]
        products = sorted((op for op, _ in found), key=lambda op: order.get(op.inputs[1], -1))
        first, moves = products[0], found[0][1]
        sides = [
            make.concatenate([op.inputs[side] for op in products], axis)
            for side, axis in enumerate(summed_axes(first) or ())
        ]
        operands, out = [side.out for side in sides], first.out.like()
        new = [*sides, Op(first.primitive, dict(first.params), operands, [out])]
        for move in moves:
            new.append(Op(move.primitive, move.params, [new[-1].out], [move.out.like()]))
        return new

    return joined_terms(body, ranks, key, join)


def summed_axes(op: Op) -> tuple[int, int] | None:
    """The axis of each operand over which a product sums, and along which others can be joined."""
    numbers = op.params["dimension_numbers"]
    if op.name == "dot_general":
        (left, right), _ = numbers
        return (left[0], right[0]) if len(left) == 1 else None
    inputs = numbers.lhs_spec[1], numbers.rhs_spec[1]  # the axes of the input features
    return inputs if is_ungrouped(op.params) else None


def product_of(term: Value, uses: Uses) -> tuple[Op, list[Op]] | None:
    """The product that nothing else reads, and what moves its result to its place.

    The derivative of a batched product is one whose batch axes have to go back to where they were.
    """
    moves: list[Op] = []
    while uses.single(term) and (op := uses.maker.get(term)) is not None:
        if op.name in PRODUCTS:
            return op, moves[::-1]
        if op.name not in ("transpose", "reshape", "squeeze"):
            return None
        moves.append(op)
        term = op.inputs[0]
    return None


def straightened(ops: Sequence[Op], ranks: Ranks, inside: set[Op]) -> list[Op]:
    """Turns invariant matrices, once, so that the loop reads them in the order of memory.

    A product with a single row is as fast either way: the turned copy would take memory in vain.
    """
    result: list[Op] = []
    for op in ops:
        if op.name == "dot_general" and op in inside and not has_single_row(op):
            (left, right), batch = op.params["dimension_numbers"]
            a, b = op.inputs
            first = len(batch[0])  # of the axes of one matrix
            turn = None
            if is_matrix(b, batch[1], ranks) and right == (first + 1,):
                turn = turned(b)
                op.inputs, right = [a, turn.out], (first,)
            elif is_matrix(a, batch[0], ranks) and left == (first,):
                turn = turned(a)
                op.inputs, left = [turn.out, b], (first + 1,)
            if turn is not None:
                ranks.add(turn)
                result.append(turn)
                op.params = {**op.params, "dimension_numbers": ((left, right), batch)}
        result.append(op)
    return result


def is_matrix(operand: Value, batch: tuple[int, ...], ranks: Ranks) -> bool:
    """Whether an operand is an invariant matrix, or a batch of them along the first axes."""
    leading = tuple(range(len(batch)))
    return ranks.of(operand) == INVARIANT and operand.ndim == len(batch) + 2 and batch == leading


def turned(matrix: Value) -> Op:
    *batch, rows, columns = range(matrix.ndim)
    return make.transpose(matrix, (*batch, columns, rows))


def has_single_row(op: Op) -> bool:
    """Whether one side of a matrix product is a vector, or a batch of them."""
    summed = numbers_summed(op.name, op.params, *[v.shape for v in op.inputs])
    _, (batch, _) = op.params["dimension_numbers"]
    rows = summed * prod(op.inputs[0].shape[axis] for axis in batch)
    return any(v.size == rows for v in op.inputs)
