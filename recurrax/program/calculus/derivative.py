"""The tangent of a step is a step: the derivative of a recurrence is a recurrence.

It maps the tangents of parameters, carry and input to those of the new carry and the outputs. It is
linear in them, and reads the carries that the step itself went through, and other results that are
stored (:mod:`recurrax.program.calculus.residuals`). It is traced from the step by JAX's own rules,
so second derivatives are derivatives of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from recurrax.program.calculus.reach import Flags, reached
from recurrax.program.calculus.residuals import residuals_of, step_with_residuals
from recurrax.program.frontend.jaxpr import Fragment, fragment_of
from recurrax.program.inline import PLAIN_AND_REMAT, inlined
from recurrax.program.ir import Body, Inputs, Value, split, take
from recurrax.program.passes.dead_code import needed_ops
from recurrax.program.step import Step


@dataclass(frozen=True)
class Tangent:
    """The tangent of a step, and what of the step's run it reads."""

    # consts: those read, then tangents; lagged: carries, lagged inputs read, tangents;
    # xs: residuals, inputs read, tangents
    step: Step
    reads: Inputs[bool]  # which inputs of the step (the carry: before each step)
    residuals: tuple[Value, ...]  # which results of the step
    carry: Flags  # entries of the carry that have a tangent
    ys: Flags  # outputs that have one


def traced(
    f: Callable[..., Any], structs: Sequence[Any], names: Sequence[str], kinds: Sequence[str]
) -> Fragment:
    """What a function computes, with calls of these kinds inlined."""
    fragment = fragment_of(jax.make_jaxpr(f)(*structs), names)
    ops, outputs = inlined(fragment.ops, fragment.outputs, kinds)
    return Fragment(fragment.inputs, tuple(ops), tuple(outputs))


def is_differentiable(aval: Any) -> bool:
    return jnp.issubdtype(aval.dtype, jnp.inexact)


@lru_cache(maxsize=4096)
def tangent_of(step: Step, active: Inputs[bool], store_gates: bool) -> Tangent:
    """The tangent of ``step`` along the active inputs.

    Args:
      step: any step.
      active: the inputs that have a tangent; entries of the carry that depend on them get one.
      store_gates: whether the forward pass may store what long contractions produced.
    """
    body = step.body
    moving, outputs = reached(step, active)
    active = active._replace(carry=take_if(moving, body.new_carry))
    outputs = take_if(outputs, body.ys)
    residuals = residuals_of(body, store_gates)
    fragment = tangent_fragment(body, active, (*active.carry, *outputs), residuals)
    reads, read_residuals, inputs = parts_read(body, active, residuals, fragment)
    n = sum(active.carry)
    tangent = Body(inputs, fragment.ops, fragment.outputs[:n], fragment.outputs[n:], linear=True)
    stored = sum(reads.carry)
    own_lag = 1 if step.reverse else -1
    result = replace(
        step,
        body=tangent,
        lags=(*[own_lag] * stored, *both(step.lags, reads.lagged, active.lagged)),
        # The caller knows on which axis carries and residuals have time, and puts it in.
        lagged_axes=(*[0] * stored, *both(step.lagged_axes, reads.lagged, active.lagged)),
        x_axes=(*[0] * len(read_residuals), *both(step.x_axes, reads.xs, active.xs)),
        y_axes=take(step.y_axes, outputs),
    )
    return Tangent(result, reads, read_residuals, active.carry, outputs)


def take_if(flags: Flags, values: Sequence[Value]) -> Flags:
    """The flags of those values that can have a tangent."""
    return tuple(flag and is_differentiable(v) for flag, v in zip(flags, values, strict=True))


def both(values: Sequence[Any], reads: Flags, active: Flags) -> tuple[Any, ...]:
    """Entries for the inputs that are read, and then for their tangents."""
    return (*take(values, reads), *take(values, active))


def tangent_fragment(
    body: Body, active: Inputs[bool], wanted: Flags, residuals: Sequence[Value]
) -> Fragment:
    """The operations of the tangent; its inputs are those of the body, residuals, tangents."""
    primal_values = body.inputs.flat
    tangent_values = take(primal_values, active.flat)
    sizes = (len(primal_values), len(residuals), len(tangent_values))

    def f(*args: Any) -> list[Any]:
        primals, stored, tangents = split(args, sizes)

        def along(*values: Any) -> list[Any]:
            moved = iter(values)
            full = [next(moved) if a else p for p, a in zip(primals, active.flat, strict=True)]
            out = step_with_residuals(body, dict(zip(residuals, stored, strict=True)), full)
            return list(take(out, wanted))

        return jax.jvp(along, list(take(primals, active.flat)), list(tangents))[1]

    structs = [v.struct for v in (*primal_values, *residuals, *tangent_values)]
    names = [
        *[v.name for v in primal_values],
        *[residual_name(body, v) for v in residuals],
        *[f"d({v.name})" for v in tangent_values],
    ]
    fragment = traced(f, structs, names, PLAIN_AND_REMAT)
    return replace(fragment, ops=tuple(needed_ops(fragment.ops, fragment.outputs)))


def residual_name(body: Body, value: Value) -> str:
    """``new(carry.h)`` for a carry after the step."""
    if value in body.new_carry:
        return f"new({body.inputs.carry[body.new_carry.index(value)].name})"
    return value.name or "residual"


def parts_read(
    body: Body, active: Inputs[bool], residuals: Sequence[Value], fragment: Fragment
) -> tuple[Inputs[bool], tuple[Value, ...], Inputs[Value]]:
    """Which inputs and residuals the tangent reads, and its inputs by the part that they play."""
    used = {v for op in fragment.ops for v in op.inputs} | set(fragment.outputs)
    n = len(body.inputs.flat)
    sizes = (n, len(residuals), sum(active.flat))
    primal_values, stored, tangent_values = split(fragment.inputs, sizes)
    primals = body.inputs.unflatten(primal_values)
    tangents = Inputs(*split(tangent_values, [sum(part) for part in active]))
    reads = primals.map(lambda v: v in used)
    read_stored = [v in used for v in stored]
    values = primals.where(reads)
    inputs = Inputs(
        consts=(*values.consts, *tangents.consts),
        carry=tangents.carry,
        lagged=(*values.carry, *values.lagged, *tangents.lagged),
        xs=(*take(stored, read_stored), *values.xs, *tangents.xs),
    )
    return reads, take(residuals, read_stored), inputs
