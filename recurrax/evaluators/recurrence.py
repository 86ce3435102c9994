"""The recurrence as a primitive of its own: the rules by which JAX transforms it.

Its derivative is a recurrence again (:mod:`recurrax.program.derive`), so there is one primitive and
one evaluator, for values, tangents, cotangents, and derivatives of these.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from recurrax.evaluators import chunked
from recurrax.program import internals
from recurrax.program.derive import (
    Tangent,
    batched_step,
    is_differentiable,
    reaches,
    tangent_of,
    transpose_of,
)
from recurrax.program.step import Step, with_time

Arrays = list[Any]


def shapes(*_: Any, step: Step) -> list[Any]:
    carry, ys = step.outputs()
    return [
        *[internals.shaped(a.shape, a.dtype) for a in carry],
        *[
            internals.shaped(with_time(a, axis, step.length), a.dtype)
            for a, axis in zip(ys, step.y_axes, strict=True)
        ],
    ]


@lru_cache(maxsize=4096)
def keeping(step: Step, tangent: Tangent) -> tuple[Step, list[int], list[int]]:
    """A step that also puts out what its tangent reads: carries after the step, and results.

    Returns the step, and which of its outputs holds each carry and each result. What is an output
    already is kept once.
    """
    jaxpr = step.jaxpr.jaxpr
    outputs = list(jaxpr.outvars[step.carry :])
    axes = list(step.y_axes)

    def place(value: Any) -> int:
        same = [j for j, y in enumerate(outputs) if y is value]
        if same:
            return same[0]
        outputs.append(value)
        axes.append(0)
        return len(outputs) - 1

    carries = [place(v) for v in select(jaxpr.outvars[: step.carry], tangent.carry)]
    results = [place(v) for v in tangent.known]
    if len(outputs) == len(step.y_axes):
        return step, carries, results
    outvars = [*jaxpr.outvars[: step.carry], *outputs]
    closed = internals.with_outputs(step.jaxpr, outvars)
    return replace(step, jaxpr=closed, y_axes=tuple(axes)), carries, results


def jvp(primals: Sequence[Any], tangents: Sequence[Any], *, step: Step) -> tuple[Arrays, Arrays]:
    """Runs the step, keeping what the tangent reads of the run; then the tangent."""
    tangents = [
        t if is_differentiable(p) else None
        for p, t in zip(map(jax.typeof, primals), tangents, strict=True)
    ]
    moving = [t is not None and not internals.is_zero(t) for t in tangents]
    consts, init, first, past, xs = step.split_operands(primals)
    f_consts, f_init, f_first, f_past, f_xs = step.split_operands(moving)
    f_past = [a or b for a, b in zip(f_first, f_past, strict=True)]
    tangent = tangent_of(step, tuple(f_consts), tuple(f_init), tuple(f_past), tuple(f_xs))

    extended, carries, results = keeping(step, tangent)
    out = recurrence_p.bind(*primals, step=extended)
    ys = out[step.carry :]

    def active(values: Sequence[Any], flags: Sequence[bool]) -> Arrays:
        return [internals.instantiated(v) for v, flag in zip(values, flags, strict=True) if flag]

    d_consts, d_init, d_first, d_past, d_xs = step.split_operands(tangents)
    dots = tangent.step
    past_axes = [extended.y_axes[j] for j in carries]
    x_axes = [extended.y_axes[j] for j in results]
    dots = replace(
        dots,
        past_axes=(*past_axes, *dots.past_axes[len(past_axes) :]),
        x_axes=(*x_axes, *dots.x_axes[len(x_axes) :]),
    )
    d_init = [
        jnp.zeros(jnp.shape(p), p.dtype) if internals.is_zero(t) else t
        for p, t, flag in zip(init, d_init, tangent.moving, strict=True)
        if flag
    ]
    operands = [
        *select(consts, tangent.consts),
        *active(d_consts, f_consts),
        *d_init,
        *select(init, tangent.carry),
        *select(first, tangent.past),
        *active(d_first, f_past),
        *[ys[j] for j in carries],
        *select(past, tangent.past),
        *active(d_past, f_past),
        *[ys[j] for j in results],
        *select(xs, tangent.xs),
        *active(d_xs, f_xs),
    ]
    moved = iter(recurrence_p.bind(*operands, step=dots))
    out = out[: step.carry + len(step.y_axes)]
    return out, [
        next(moved) if flag else internals.zero_tangent(o)
        for o, flag in zip(out, (*tangent.moving, *tangent.outputs), strict=True)
    ]


def select(values: Sequence[Any], flags: Sequence[bool]) -> Arrays:
    return [v for v, flag in zip(values, flags, strict=True) if flag]


def transpose(cotangents: Sequence[Any], *operands: Any, step: Step) -> list[Any]:
    """The transposed step, in the other direction of time."""
    linear = [internals.is_linear(o) for o in operands]
    consts, init, first, past, xs = step.split_operands(operands)
    l_consts, l_init, l_first, l_past, l_xs = step.split_operands(linear)
    l_past = [a or b for a, b in zip(l_first, l_past, strict=True)]
    if not step.derived:
        moving, _ = reaches(step, tuple(l_consts), tuple(l_init), tuple(l_past), tuple(l_xs))
        if not all(moving):
            return transpose_by_jax(cotangents, operands, step)
    ct_carry, ct_ys = list(cotangents[: step.carry]), list(cotangents[step.carry :])
    seen = tuple(not internals.is_zero(ct) for ct in ct_ys)
    back = transpose_of(step, tuple(l_consts), tuple(l_past), tuple(l_xs), seen)
    sums = [jnp.zeros(a.shape, a.dtype) for a in select(step.inputs()[0], l_consts)]
    fixed = [not flag for flag in l_past]
    out = recurrence_p.bind(
        *select(consts, [not f for f in l_consts]),
        *[internals.instantiated(ct) for ct in ct_carry],
        *sums,
        *select(first, fixed),
        *select(past, fixed),
        *select(xs, [not f for f in l_xs]),
        *select(ct_ys, seen),
        step=back,
    )
    out = iter(out)
    ct_init = [next(out) for _ in init]
    ct_consts = [next(out) if flag else None for flag in l_consts]
    ct_first: list[Any] = []
    ct_past: list[Any] = []
    for flag, axis, lag in zip(l_past, step.past_axes, step.lags, strict=True):
        edge, rest = unshifted(next(out), axis, lag) if flag else (None, None)
        ct_first.append(edge)
        ct_past.append(rest)
    ct_xs = [next(out) if flag else None for flag in l_xs]
    cts = [*ct_consts, *ct_init, *ct_first, *ct_past, *ct_xs]
    return [ct if flag else None for ct, flag in zip(cts, linear, strict=True)]


def transpose_by_jax(cotangents: Sequence[Any], operands: Sequence[Any], step: Step) -> list[Any]:
    """As ``lax.scan`` is: for a step with a carry that does not depend on what is transposed."""
    linear = [internals.is_linear(o) for o in operands]
    floats = [is_differentiable(a) for part in step.outputs() for a in part]

    def run(*given: Any) -> Arrays:
        values = iter(given)
        merged = [next(values) if flag else o for o, flag in zip(operands, linear, strict=True)]
        return select(reference(*merged, step=step), floats)

    structs = [jax.ShapeDtypeStruct(o.aval.shape, o.aval.dtype) for o in select(operands, linear)]
    given = [internals.instantiated(ct) for ct in select(cotangents, floats)]
    out = iter(jax.linear_transpose(run, *structs)(given))
    return [next(out) if flag else None for flag in linear]


def unshifted(cotangent: Any, axis: int, lag: int) -> tuple[Any, Any]:
    """Cotangents by reader become cotangents of the first entry and of the sequence."""
    length = cotangent.shape[axis]
    edge = 0 if lag < 0 else length - 1
    first = lax.index_in_dim(cotangent, edge, axis, keepdims=False)
    nothing = jnp.zeros_like(lax.slice_in_dim(cotangent, 0, 1, axis=axis))
    if lag < 0:
        rest = lax.slice_in_dim(cotangent, 1, length, axis=axis)
        return first, jnp.concatenate([rest, nothing], axis)
    rest = lax.slice_in_dim(cotangent, 0, length - 1, axis=axis)
    return first, jnp.concatenate([nothing, rest], axis)


def batch(operands: Sequence[Any], dims: Sequence[Any], *, step: Step) -> tuple[Arrays, list[Any]]:
    """``vmap`` of a recurrence is the recurrence of the ``vmap``-ed step."""
    axes = list(dims)
    size = next(o.shape[d] for o, d in zip(operands, axes, strict=True) if d is not None)
    consts, init, first, past, xs = step.split_operands(operands)
    a_consts, a_init, a_first, a_past, a_xs = step.split_operands(axes)
    # The first entry of a past sequence is laid out like one of its other entries.
    for i, (f, p) in enumerate(zip(a_first, a_past, strict=True)):
        if f is None and p is None:
            continue
        if p is None:
            past[i] = jnp.broadcast_to(past[i], (size, *past[i].shape))
            a_past[i] = p = 0
        entry = p - (step.past_axes[i] < p)
        if f is None:
            first[i] = jnp.broadcast_to(
                jnp.expand_dims(first[i], entry),
                (*first[i].shape[:entry], size, *first[i].shape[entry:]),
            )
        else:
            first[i] = jnp.moveaxis(first[i], f, entry)
    result, carry, outputs = batched_step(
        step,
        size,
        tuple(a_consts),
        tuple(a is not None for a in a_init),
        tuple(a_past),
        tuple(a_xs),
    )
    init = [
        v
        if not flag
        else jnp.moveaxis(v, axis, 0)
        if axis is not None
        else jnp.broadcast_to(v, (size, *v.shape))
        for v, axis, flag in zip(init, a_init, carry, strict=True)
    ]
    out = recurrence_p.bind(*consts, *init, *first, *past, *xs, step=result)
    return out, [0 if flag else None for flag in (*carry, *outputs)]


def reference(*operands: Any, step: Step) -> Arrays:
    """The same recurrence by ``lax.scan``."""
    consts, init, first, past, xs = step.split_operands(operands)
    lagged = [
        chunked.Window(step, 0, step.length).read_past(f, p, axis, lag)
        for f, p, axis, lag in zip(first, past, step.past_axes, step.lags, strict=True)
    ]
    entries = [jnp.moveaxis(x, axis, 0) for x, axis in zip(xs, step.x_axes, strict=True)]

    def body(carry: Arrays, slices: tuple[Arrays, Arrays]) -> tuple[Arrays, Arrays]:
        out = step(*consts, *carry, *slices[0], *slices[1])
        return out[: step.carry], out[step.carry :]

    carry, ys = lax.scan(body, init, (lagged, entries), length=step.length, reverse=step.reverse)
    return [*carry, *[jnp.moveaxis(y, 0, axis) for y, axis in zip(ys, step.y_axes, strict=True)]]


recurrence_p = internals.define(
    "recurrence",
    evaluate=chunked.run,
    shapes=shapes,
    jvp=jvp,
    transpose=transpose,
    batch=batch,
    reference=reference,
)
