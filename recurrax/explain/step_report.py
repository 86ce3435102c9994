"""The report of a step of the compiler: its plan, its backward pass, its residuals."""

from collections.abc import Sequence
from math import prod
from typing import Any

from recurrax.evaluators import EVALUATORS
from recurrax.evaluators.chunked import chunk_length
from recurrax.evaluators.contract import Context, choose, context_here, reasons
from recurrax.evaluators.recurrence import extended
from recurrax.explain.matmuls import matmul, reduced_matmuls
from recurrax.explain.report import Explanation, LoopReport, PassReport
from recurrax.program.calculus.derivative import Tangent, is_differentiable, tangent_of
from recurrax.program.calculus.transpose import transpose_of
from recurrax.program.contractions import is_contraction
from recurrax.program.ir import Inputs, Op
from recurrax.program.passes import optimize
from recurrax.program.plan import Loop, Plan
from recurrax.program.schedule import plan_of
from recurrax.program.source_names import name_recomputed, name_results
from recurrax.program.step import Policy, Step


def explain_step(
    step: Step, policy: Policy, hoisted: tuple[str, ...] = (), after: str | None = None
) -> Explanation:
    """How a step is run, and the backward pass with respect to all its floating inputs."""
    active = step.body.inputs.map(is_differentiable)
    tangent = tangent_of(step, active, policy.residuals == "auto")
    back = backward_step(tangent, active)
    produced = name_results(step.body)
    if back is not None:
        name_recomputed(back.body, produced)
    stored = extended(step, tangent).step.body.ys[len(step.body.ys) :]
    parallel = [loop for loop in plan_of(step.body).loops if loop.linearity.parallel]
    forward = pass_report(step, policy)
    method, reason = "chunked", "every operation of the step is understood"
    if parallel:
        if any(loop.evaluator == "associative" for loop in forward.loops):
            method = "associative"
        other = "faster here step by step" if method == "chunked" else "in parallel over time"
        reason += f"; a loop is linear and diagonal, {other}"
    return Explanation(
        method=method,
        reason=reason,
        steps=step.length,
        forward=forward,
        backward=None if back is None else pass_report(back, policy),
        residual_bytes_per_step=sum(size_in_bytes(v) for v in stored),
        hoisted=hoisted,
        text=program_text(step, back, after),
    )


def backward_step(tangent: Tangent, active: Inputs[bool]) -> Step | None:
    """The step that the backward pass runs; ``None`` if there is nothing to differentiate."""
    step = tangent.step
    if not step.body.new_carry and not step.body.ys:
        return None
    consts, carry, lagged, xs = step.body.inputs.sizes
    n_consts, n_xs = sum(active.consts), sum(active.xs)
    linear = Inputs(
        consts=(False,) * (consts - n_consts) + (True,) * n_consts,
        carry=(True,) * carry,
        lagged=(False,) * lagged,
        xs=(False,) * (xs - n_xs) + (True,) * n_xs,
    )
    return transpose_of(step, linear, (True,) * len(step.body.ys))


def pass_report(step: Step, policy: Policy) -> PassReport:
    plan = plan_of(step.body)
    context = context_here(step, policy)
    evaluators = [choose(EVALUATORS, loop, context) for loop in plan.loops]

    def matmuls(ops: Sequence[Op]) -> tuple[Any, ...]:
        return tuple(matmul(op, plan) for op in ops if is_contraction(op))

    *early, last = plan.phases if plan.loops else (*plan.phases, None)
    return PassReport(
        invariant=len(plan.invariant),
        prelude=matmuls([op for phase in early for op in phase.bulk]),
        loops=tuple(loop_report(loop, plan, context) for loop in plan.loops),
        epilogue=matmuls(last.bulk if last else ()),
        reductions=tuple(matmul(op, plan) for op in reduced_matmuls(plan)),
        chunk=chunk_length(plan, step, policy, evaluators),
    )


def loop_report(loop: Loop, plan: Plan, context: Context) -> LoopReport:
    contractions = [op for op in loop.ops if is_contraction(op)]
    evaluator = choose(EVALUATORS, loop, context)
    others = reasons(EVALUATORS, loop, context)
    return LoopReport(
        carry=tuple(v.name for v in loop.carry),
        stages=sum(stage.kind == "matmul" for stage in loop.stages),
        matmuls=tuple(matmul(op, plan) for op in contractions),
        pointwise=len(loop.ops) - len(contractions),
        live_in=tuple(v.shape for v in loop.live_in),
        live_out=tuple(v.shape for v in loop.live_out),
        linear=loop.linearity.linear,
        diagonal=loop.linearity.diagonal,
        evaluator=evaluator.name,
        others={name: why for name, why in others.items() if why is not None},
    )


def program_text(step: Step, back: Step | None, after: str | None) -> str:
    """Both directions as text: the plans, or the bodies after a pass."""
    steps = [("forward", step)] + ([("backward", back)] if back is not None else [])
    return "\n".join(
        f"# {name}\n" + str(plan_of(s.body) if after is None else optimize(s.body, after=after))
        for name, s in steps
    )


def size_in_bytes(value: Any) -> int:
    return prod(value.shape) * value.dtype.itemsize
