"""The matmuls of a plan, and how many contractions of the step each of them replaces."""

from recurrax.explain.report import Matmul
from recurrax.program.contractions import flops_of
from recurrax.program.ir import Op, Value
from recurrax.program.plan import Plan
from recurrax.program.primitives import CONCATENATE, CONV, TRANSPOSE


def matmul(op: Op, plan: Plan) -> Matmul:
    return Matmul(op.out.shape, parts_of(op, plan), flops_of(op))


def parts_of(op: Op, plan: Plan) -> int:
    """How many contractions of the step became this one."""
    if op.name == CONV:
        numbers = op.params["dimension_numbers"]
        out, inner, *_ = numbers.rhs_spec
        summed = [pieces(op.inputs[0], numbers.lhs_spec[1], plan)]
        summed.append(pieces(op.inputs[1], inner, plan))
        return max(summed) * pieces(op.inputs[1], out, plan)
    contracting, batch = op.params["dimension_numbers"]
    summed = joined = 1
    for value, inner, mapped in zip(op.inputs, contracting, batch, strict=True):
        summed = max([summed, *[pieces(value, axis, plan) for axis in inner]])
        for axis in set(range(value.ndim)) - {*inner, *mapped}:
            joined *= pieces(value, axis, plan)
    return summed * joined


def pieces(value: Value, axis: int, plan: Plan) -> int:
    """How many arrays were put together along an axis."""
    op = plan.summation.producer.get(value)
    if op is None or op.name not in (CONCATENATE, TRANSPOSE):
        return 1
    if op.name == TRANSPOSE:
        return pieces(op.inputs[0], op.params["permutation"][axis], plan)
    counts = [pieces(v, axis, plan) for v in op.inputs]
    return sum(counts) if op.params["dimension"] == axis else max(counts)


def reduced_matmuls(plan: Plan) -> list[Op]:
    """The contractions whose sum over time is one matmul."""
    found: dict[Op, None] = {}

    def visit(value: Value) -> None:
        way = plan.summation.way(value)
        if way is not None and way.needs:
            found[way.op] = None
        elif way is not None:
            for v in way.op.inputs:
                visit(v)

    for value in plan.reductions.values():
        visit(value)
    return list(found)
