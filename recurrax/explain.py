"""``explain``: what the compiler made of a step, as an object that prints as a short report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import jax

from recurrax.evaluators.chunked import default_chunk, in_parallel, parallel_loops
from recurrax.evaluators.recurrence import keeping
from recurrax.program.derive import is_differentiable, tangent_of, transpose_of
from recurrax.program.ir import Op, Value
from recurrax.program.products import PRODUCTS, numbers_summed
from recurrax.program.program import Loop, Program, program_of
from recurrax.program.step import Step
from recurrax.program.sums import parts_of_sum
from recurrax.program.trace import NotUnderstood, trace
from recurrax.scan import check_method


@dataclass(frozen=True)
class Product:
    """A matrix product or convolution of the plan."""

    shape: tuple[int, ...]  # of its result, for one step
    parts: int  # how many products of the step were taken as this one
    flops: int  # per step

    def __str__(self) -> str:
        fused = f" (one product for {self.parts})" if self.parts > 1 else ""
        return f"{shape_text(self.shape)}{fused}"


@dataclass(frozen=True)
class LoopReport:
    """A loop over time, for one strongly connected part of the carry."""

    carry: tuple[str, ...]  # names of its components
    stages: int  # products that must follow one another
    products: tuple[Product, ...]
    pointwise: int  # all other operations
    inputs: tuple[tuple[int, ...], ...]  # shapes of what each step reads from the work before
    kept: tuple[tuple[int, ...], ...]  # shapes of what each step leaves for the work after
    linear: bool  # in its carry
    diagonal: bool  # no entry of its carry meets another

    @property
    def operations(self) -> int:
        return len(self.products) + self.pointwise


@dataclass(frozen=True)
class PassReport:
    """One direction: what runs once, for many steps at once, and step by step."""

    invariant: int  # operations that run once
    hoisted: tuple[Product, ...]  # products that run for many steps at once
    summed: tuple[Product, ...]  # products that also sum over time: the weight gradients
    loops: tuple[LoopReport, ...]
    chunk: int


@dataclass(frozen=True)
class Explanation:
    """What :func:`recurrax.scan` does with a step; ``print`` it, or read its fields."""

    method: str  # "chunked", "associative" or "scan"
    reason: str
    steps: int | None
    forward: PassReport | None = None
    backward: PassReport | None = None
    kept_bytes_per_step: int = 0  # for the backward pass, beyond inputs and outputs
    before: tuple[str, ...] = ()  # what JAX itself runs once, on parameters alone

    def __str__(self) -> str:
        lines = [f"method: {self.method} ({self.reason})"]
        if self.before:
            lines.append(f"before, by JAX, on parameters alone: {', '.join(self.before)}")
        if self.forward is not None:
            lines += ["forward", *pass_lines(self.forward)]
        if self.backward is not None:
            lines += ["backward", *pass_lines(self.backward)]
            lines.append(
                f"  keeps {self.kept_bytes_per_step} bytes per step beyond inputs and outputs"
            )
        return "\n".join(lines)


def explain(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    *,
    chunk: int | None = None,
    residuals: str = "auto",
) -> Explanation:
    """Says how :func:`recurrax.scan` would run ``f``; no step is run.

    Args:
      f, init, xs, length, reverse, chunk, residuals: as for :func:`recurrax.scan`; arrays may be
        ``jax.ShapeDtypeStruct``. ``f`` may close over parameters.

    Returns:
      An :class:`Explanation`: the method that ``"auto"`` picks and why; for the forward pass, and
      for the backward pass with respect to all floating arrays, which products left the loop, which
      were fused, the loops with their stages and operations, and what is kept per step.

    Example:
      >>> import jax
      >>> import recurrax as rx
      >>> from functools import partial
      >>> cell = rx.GRU(16)
      >>> params = cell.init(jax.random.key(0), 8)
      >>> xs = jax.ShapeDtypeStruct((100, 32, 8), "float32")
      >>> plan = rx.explain(partial(cell.step, params), cell.initial_carry((32,)), xs)
      >>> plan.method, len(plan.forward.loops), plan.forward.loops[0].stages
      ('chunked', 1, 1)
      >>> plan.forward.hoisted[0].parts  # x W of three gates, for many steps at once
      3
    """
    check_method("rx.explain", "auto", chunk, residuals)
    init, xs = jax.tree.map(abstract, (init, xs))
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(init)]
    traced = trace(f, init, xs, length, reverse, chunk=chunk, keep_gates=residuals == "auto")
    if isinstance(traced, NotUnderstood):
        return Explanation("scan", traced.reason, length)
    step = traced.step
    consts, carry, _, inputs = step.inputs()
    flags = [tuple(is_differentiable(a) for a in part) for part in (consts, carry, (), inputs)]
    tangent = tangent_of(step, *flags)
    _, outputs = keeping(step, tangent)[0].outputs()
    bytes_kept = sum(size_in_bytes(a) for a in outputs[len(step.y_axes) :])
    method, reason = "chunked", "every operation of the step is understood"
    if parallel_loops(program_of(step)):
        method = "associative" if in_parallel(step, jax.default_backend()) else method
        other = "faster here step by step" if method == "chunked" else "in parallel over time"
        reason += f"; a loop is linear and diagonal, {other}"
    return Explanation(
        method=method,
        reason=reason,
        steps=step.length,
        forward=report(step, names),
        backward=backward_report(tangent.step, names, tangent.moving, flags),
        kept_bytes_per_step=bytes_kept,
        before=traced.before,
    )


def backward_report(
    tangent: Step, names: Sequence[str], moving: Sequence[bool], flags: Sequence[Any]
) -> PassReport | None:
    if not tangent.carry and not tangent.y_axes:
        return None
    consts, _, past, xs = tangent.inputs()
    n_consts, n_xs = sum(flags[0]), sum(flags[3])
    linear_consts = (False,) * (len(consts) - n_consts) + (True,) * n_consts
    linear_xs = (False,) * (len(xs) - n_xs) + (True,) * n_xs
    back = transpose_of(
        tangent, linear_consts, (False,) * len(past), linear_xs, (True,) * len(tangent.y_axes)
    )
    components = [f"d{name}" for name, flag in zip(names, moving, strict=True) if flag]
    return report(back, [*components, *["sum"] * n_consts])


def report(step: Step, names: Sequence[str]) -> PassReport:
    program = program_of(step)
    bulk = [op for phase in program.phases for op in phase.bulk]
    return PassReport(
        invariant=len(program.invariant),
        hoisted=tuple(product_of(op, program) for op in bulk if op.name in PRODUCTS),
        summed=tuple(product_of(op, program) for op in summed_products(program)),
        loops=tuple(loop_report(loop, program, names) for loop in program.loops),
        chunk=min(step.chunk or default_chunk(program, step), max(step.length, 1)),
    )


def summed_products(program: Program) -> list[Op]:
    """The products whose sum over time is one product."""
    found: dict[Op, None] = {}

    def visit(value: Value) -> None:
        parts = parts_of_sum(value, program)
        if parts is None:
            return
        op, sequences = parts
        if sequences:
            found[op] = None
        else:
            for v in op.inputs:
                visit(v)

    for value in program.sums.values():
        visit(value)
    return list(found)


def loop_report(loop: Loop, program: Program, names: Sequence[str]) -> LoopReport:
    products = [op for op in loop.ops if op.name in PRODUCTS]
    depth: dict[Value, int] = {}
    for op in loop.ops:
        level = max((depth.get(v, 0) for v in op.inputs), default=0) + (op.name in PRODUCTS)
        depth.update(dict.fromkeys(op.outputs, level))
    kind = program.kind_of(loop)
    return LoopReport(
        carry=tuple(names[i] or "carry" for i in loop.components),
        stages=max(depth.values(), default=0),
        products=tuple(product_of(op, program) for op in products),
        pointwise=len(loop.ops) - len(products),
        inputs=tuple(v.shape for v in loop.inputs),
        kept=tuple(v.shape for v in loop.exports),
        linear=kind.linear,
        diagonal=kind.diagonal,
    )


def product_of(op: Op, program: Program) -> Product:
    return Product(op.out.shape, parts_of(op, program), flops_of(op))


def parts_of(op: Op, program: Program) -> int:
    """How many products of the step became this one."""
    if op.name == "conv_general_dilated":
        numbers = op.params["dimension_numbers"]
        out, inner, *_ = numbers.rhs_spec
        summed = [pieces(op.inputs[0], numbers.lhs_spec[1], program)]
        summed.append(pieces(op.inputs[1], inner, program))
        return max(summed) * pieces(op.inputs[1], out, program)
    contracting, batch = op.params["dimension_numbers"]
    summed = joined = 1
    for value, inner, mapped in zip(op.inputs, contracting, batch, strict=True):
        summed = max([summed, *[pieces(value, axis, program) for axis in inner]])
        for axis in set(range(value.ndim)) - {*inner, *mapped}:
            joined *= pieces(value, axis, program)
    return summed * joined


def pieces(value: Value, axis: int, program: Program) -> int:
    """How many arrays were put together along an axis."""
    op = program.maker.get(value)
    if op is None or op.name not in ("concatenate", "transpose"):
        return 1
    if op.name == "transpose":
        return pieces(op.inputs[0], op.params["permutation"][axis], program)
    counts = [pieces(v, axis, program) for v in op.inputs]
    return sum(counts) if op.params["dimension"] == axis else max(counts)


def flops_of(op: Op) -> int:
    """Multiplications and additions of a product."""
    left, right = (v.shape for v in op.inputs)
    return 2 * op.out.size * numbers_summed(op.name, op.params, left, right)


def abstract(a: Any) -> Any:
    """Arrays and shapes as they are; NumPy's arrays and numbers as JAX's."""
    return a if isinstance(a, (jax.Array, jax.ShapeDtypeStruct)) else jax.numpy.asarray(a)


def size_in_bytes(aval: Any) -> int:
    return prod(aval.shape) * aval.dtype.itemsize


def shape_text(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ")"


def pass_lines(report: PassReport) -> list[str]:
    lines = []
    if report.invariant:
        lines.append(f"  once: {report.invariant} operations on parameters alone")
    chunk = f"for {report.chunk} steps at a time"
    if report.hoisted:
        lines.append(f"  {chunk}: products " + ", ".join(map(str, report.hoisted)))
    for loop in report.loops:
        kind = "diagonal, " * loop.diagonal + "linear, " * loop.linear
        lines.append(
            f"  loop over {', '.join(loop.carry)}: {kind}{loop.stages} "
            f"{'stage' if loop.stages == 1 else 'stages'}, {loop.operations} operations"
        )
        if loop.products:
            lines.append("    products " + ", ".join(map(str, loop.products)))
        lines.append(f"    reads {len(loop.inputs)} and keeps {len(loop.kept)} arrays per step")
    if report.summed:
        lines.append(f"  {chunk}, summed over time: " + ", ".join(map(str, report.summed)))
    return lines
