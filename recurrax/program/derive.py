"""Steps from steps: the derivative of a recurrence is a recurrence.

* The *tangent* of a step maps the tangents of parameters, carry and input to those of the new carry
  and the output; it is linear in them, and reads the carries that the step itself went through
  (and other results that are at hand, :mod:`recurrax.program.known`).
* Its *transpose* runs the other way in time: cotangents of the carry are its carry, and so are the
  sums that become the cotangents of the parameters.
* A *batched* step is ``vmap`` of the step.

Each is traced from the step by JAX's own rules, so second derivatives are derivatives of these.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

from recurrax.program.internals import pruned, reordered
from recurrax.program.ir import flatten
from recurrax.program.known import evaluate_knowing, results_at_hand
from recurrax.program.step import Step, struct

Flags = tuple[bool, ...]


@dataclass(frozen=True)
class Tangent:
    """The tangent of a step and what of the step's operands it reads."""

    # consts: those read, then tangents; past: carries, past read, tangents; xs: results, then alike
    step: Step
    consts: Flags  # which consts it reads
    carry: Flags  # which carries before the step it reads
    past: Flags
    xs: Flags
    known: tuple[Any, ...]  # results of the step, variables of its jaxpr, that it reads
    moving: Flags  # components of the carry that have a tangent
    outputs: Flags  # outputs that have one


def traced(f: Callable[..., Any], avals: Sequence[Any]) -> core.ClosedJaxpr:
    return jax.make_jaxpr(f)(*avals)


def is_differentiable(aval: Any) -> bool:
    return jnp.issubdtype(aval.dtype, jnp.inexact)


def reaches(step: Step, consts: Flags, carry: Flags, past: Flags, xs: Flags) -> tuple[Flags, Flags]:
    """Which components of the carry, and which outputs, depend on the flagged inputs in time."""
    body = flatten(step.jaxpr)
    carry = tuple(carry)
    while True:
        touched = {
            v for v, flag in zip(body.inputs, (*consts, *carry, *past, *xs), strict=True) if flag
        }
        for op in body.ops:
            if any(v in touched for v in op.inputs):
                touched.update(op.outputs)
        outputs = tuple(v in touched for v in body.outputs)
        grown = tuple(a or b for a, b in zip(carry, outputs[: step.carry], strict=True))
        if grown == carry:
            return carry, outputs[step.carry :]
        carry = grown


@lru_cache(maxsize=4096)
def tangent_of(step: Step, consts: Flags, carry: Flags, past: Flags, xs: Flags) -> Tangent:
    """The tangent of ``step`` along the flagged operands."""
    moving, outputs = reaches(step, consts, carry, past, xs)
    new_carry, ys = step.outputs()
    moving = tuple(m and is_differentiable(a) for m, a in zip(moving, new_carry, strict=True))
    outputs = tuple(o and is_differentiable(a) for o, a in zip(outputs, ys, strict=True))
    flags = (*consts, *moving, *past, *xs)
    primals = [struct for part in step.inputs() for struct in part]
    tangents_in = [a for a, flag in zip(primals, flags, strict=True) if flag]
    wanted = (*moving, *outputs)
    known = results_at_hand(step)
    results = [struct(v.aval) for v in known]

    def f(*args: Any) -> list[Any]:
        primals, values, tangents = chunks(args, [len(flags), len(known), len(tangents_in)])

        def along(*active: Any) -> list[Any]:
            moved = iter(active)
            full = [next(moved) if flag else p for p, flag in zip(primals, flags, strict=True)]
            out = evaluate_knowing(step, known, values, full)
            return [o for o, flag in zip(out, wanted, strict=True) if flag]

        active = [p for p, flag in zip(primals, flags, strict=True) if flag]
        return jax.jvp(along, active, list(tangents))[1]

    closed, used = pruned(traced(f, [*primals, *results, *tangents_in]), len(primals) + len(known))
    used, used_results = used[: len(flags)], used[len(flags) :]
    read = step.split(used)
    groups = step.split(range(len(flags)))
    at_hand = [len(flags) + i for i, u in enumerate(used_results) if u]
    dots = [len(flags) + len(known) + i for i in range(len(tangents_in))]
    dot_of = dict(zip([i for i, flag in enumerate(flags) if flag], dots, strict=True))

    def both(part: int) -> list[int]:
        return [i for i in groups[part] if used[i]] + [dot_of[i] for i in groups[part] if flags[i]]

    past_order = [i for i in groups[1] if used[i]] + both(2)
    moved = [dot_of[i] for i in groups[1] if flags[i]]
    order = [*both(0), *moved, *past_order, *at_hand, *both(3)]
    names = [*[i for i, u in enumerate(used) if u], *at_hand, *dots]
    position = {name: place for place, name in enumerate(names)}
    closed = reordered(closed, [position[name] for name in order])

    carried = sum(read[1])
    own_lag = 1 if step.reverse else -1
    result = replace(
        step,
        jaxpr=closed,
        consts=len(both(0)),
        carry=sum(moving),
        past=len(past_order),
        lags=(*[own_lag] * carried, *take(step.lags, read[2]), *take(step.lags, past)),
        # Where carries and results are kept the caller knows, and puts it in.
        past_axes=(*[0] * carried, *take(step.past_axes, read[2]), *take(step.past_axes, past)),
        x_axes=(*[0] * len(at_hand), *take(step.x_axes, read[3]), *take(step.x_axes, xs)),
        y_axes=take(step.y_axes, outputs),
        derived=True,
    )
    c, h, p, x = (tuple(flags) for flags in read)
    return Tangent(result, c, h, p, x, take(known, used_results), moving, outputs)


@lru_cache(maxsize=4096)
def transpose_of(step: Step, consts: Flags, past: Flags, xs: Flags, cotangents: Flags) -> Step:
    """The transpose of a step that is linear in the flagged operands and in its carry.

    It takes ``consts``: those that are not flagged; carry: cotangents of the carry, then the sums
    for the flagged consts; past: what is not flagged; xs: those not flagged, then the cotangents of
    the outputs that ``cotangents`` flags. Its outputs are the cotangents of the flagged past, one
    per step that read it, and of the flagged xs.
    """
    flags = (*consts, *[True] * step.carry, *past, *xs)
    avals = [a for part in step.inputs() for a in part]
    new_carry, ys = step.outputs()
    linear = [a for a, flag in zip(avals, flags, strict=True) if flag]
    n_consts = sum(consts)
    fixed_parts = step.split([not f for f in flags])
    fixed = [
        [a for a, keep in zip(part, kept, strict=True) if keep]
        for part, kept in zip(step.inputs(), fixed_parts, strict=True)
    ]
    sums = [a for a, flag in zip(avals, consts, strict=False) if flag]
    seen = [a for a, flag in zip(ys, cotangents, strict=True) if flag]
    sizes = [len(fixed[0]), step.carry, n_consts, len(fixed[2]), len(fixed[3]), len(seen)]

    def f(*args: Any) -> list[Any]:
        c, ct_carry, acc, p, x, ct_ys = chunks(args, sizes)
        known = iter([*c, *p, *x])
        primals = [None if flag else next(known) for flag in flags]

        def along(*active: Any) -> list[Any]:
            values = iter(active)
            full = [next(values) if flag else v for v, flag in zip(primals, flags, strict=True)]
            out = step(*full)
            read = [y for y, flag in zip(out[step.carry :], cotangents, strict=True) if flag]
            return [*out[: step.carry], *read]

        zeros = [jnp.zeros(a.shape, a.dtype) for a in linear]
        cts = jax.vjp(along, *zeros)[1]([*ct_carry, *ct_ys])
        ct_consts, ct_init, rest = chunks(cts, [n_consts, step.carry, len(linear)])
        return [*ct_init, *[a + b for a, b in zip(acc, ct_consts, strict=True)], *rest]

    order = [*fixed[0], *new_carry, *sums, *fixed[2], *fixed[3], *seen]
    closed = traced(f, order)
    return replace(
        step,
        jaxpr=closed,
        consts=len(fixed[0]),
        carry=step.carry + n_consts,
        past=len(fixed[2]),
        reverse=not step.reverse,
        lags=take(step.lags, [not flag for flag in past]),
        past_axes=take(step.past_axes, [not flag for flag in past]),
        x_axes=(*take(step.x_axes, [not f for f in xs]), *take(step.y_axes, cotangents)),
        y_axes=(*take(step.past_axes, past), *take(step.x_axes, xs)),
        derived=True,
    )


@lru_cache(maxsize=4096)
def batched_step(
    step: Step,
    size: int,
    consts: tuple[int | None, ...],
    carry: Flags,
    past: tuple[int | None, ...],
    xs: tuple[int | None, ...],
) -> tuple[Step, Flags, Flags]:
    """``vmap`` of a step; also which components of the carry and which outputs are batched.

    ``consts``, ``past`` and ``xs`` say where the batch axis is in each operand (with its time axis
    counted), ``carry`` which first carries have one, in front.
    """
    flags = [tuple(axis is not None for axis in part) for part in (consts, past, xs)]
    carry, outputs = reaches(step, flags[0], carry, flags[1], flags[2])
    past_axes = time_axes(past, step.past_axes)
    x_axes = time_axes(xs, step.x_axes)
    in_axes = (
        *consts,
        *[0 if c else None for c in carry],
        *[entry_axis(axis, time) for axis, time in zip(past, past_axes, strict=True)],
        *[entry_axis(axis, time) for axis, time in zip(xs, x_axes, strict=True)],
    )
    out_axes = [0 if flag else None for flag in (*carry, *outputs)]
    avals = [a for part in step.inputs() for a in part]
    batched_avals = [
        a
        if axis is None
        else jax.ShapeDtypeStruct((*a.shape[:axis], size, *a.shape[axis:]), a.dtype)
        for a, axis in zip(avals, in_axes, strict=True)
    ]
    f = jax.vmap(step, in_axes=in_axes, out_axes=out_axes, axis_size=size)
    result = replace(
        step,
        jaxpr=traced(f, batched_avals),
        past_axes=past_axes,
        x_axes=x_axes,
        y_axes=tuple(axis + flag for axis, flag in zip(step.y_axes, outputs, strict=True)),
    )
    return result, carry, outputs


def time_axes(batch: Sequence[int | None], time: Sequence[int]) -> tuple[int, ...]:
    """Where time is in each array once the batch axis is counted."""
    return tuple(t if b is None else t + (b <= t) for b, t in zip(batch, time, strict=True))


def entry_axis(batch: int | None, time: int) -> int | None:
    """Where the batch axis is in one entry, which has no time axis."""
    return None if batch is None else batch - (time < batch)


def take(values: Sequence[Any], flags: Sequence[bool]) -> tuple[Any, ...]:
    return tuple(v for v, flag in zip(values, flags, strict=True) if flag)


def chunks(values: Sequence[Any], sizes: Sequence[int]) -> list[list[Any]]:
    values = list(values)
    result = []
    for size in sizes:
        result.append(values[:size])
        values = values[size:]
    return result
