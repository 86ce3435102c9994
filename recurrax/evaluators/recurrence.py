"""The recurrence as a primitive of its own: the rules by which JAX transforms it.

Its derivative is a recurrence again (:mod:`recurrax.program.calculus`), so there is one primitive
and one driver, for values, tangents, cotangents, and derivatives of these.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from recurrax.evaluators import EVALUATORS, chunked
from recurrax.evaluators.contract import Arrays
from recurrax.evaluators.window import Window
from recurrax.program import jax_internals
from recurrax.program.calculus.batch import batched_step
from recurrax.program.calculus.derivative import Tangent, is_differentiable, tangent_of
from recurrax.program.calculus.reach import reached
from recurrax.program.calculus.transpose import transpose_of
from recurrax.program.ir import Inputs, Value, take
from recurrax.program.passes import PASSES
from recurrax.program.step import Operands, Policy, Step, with_time


def recurrence(operands: Operands, step: Step, policy: Policy) -> Arrays:
    """Runs a step over time: ``(*carry, *ys)``."""
    flat = [*operands.flat]
    return recurrence_p.bind(*flat, step=step, policy=policy, jaxpr=step.jaxpr)


def result_types(*_: Any, step: Step, policy: Policy, jaxpr: Any) -> list[Any]:
    del policy, jaxpr
    body = step.body
    ys = zip(body.ys, step.y_axes, strict=True)
    return [
        *[jax_internals.shaped(v.shape, v.dtype) for v in body.new_carry],
        *[jax_internals.shaped(with_time(y.shape, a, step.length), y.dtype) for y, a in ys],
    ]


class Saved(NamedTuple):
    """What the forward pass has saved, for all steps."""

    carries: Arrays
    residuals: Arrays


class Extended(NamedTuple):
    """A step that also puts out what its tangent reads: carries after each step, and residuals."""

    step: Step
    carries: list[int]  # which of the outputs holds each carry that is read
    residuals: list[int]

    def saved(self, ys: Sequence[Any]) -> Saved:
        """What the tangent reads, from the outputs of the run."""
        return Saved([ys[j] for j in self.carries], [ys[j] for j in self.residuals])


@lru_cache(maxsize=4096)
def extended(step: Step, tangent: Tangent) -> Extended:
    """The step that the forward pass runs. A value that is an output already is stored once."""
    body = step.body
    ys, axes = list(body.ys), list(step.y_axes)

    def place(value: Value) -> int:
        same = [j for j, y in enumerate(ys) if y is value]
        if same:
            return same[0]
        ys.append(value)
        axes.append(0)
        return len(ys) - 1

    carries = [place(v) for v in take(body.new_carry, tangent.reads.carry)]
    residuals = [place(v) for v in tangent.residuals]
    if len(ys) == len(body.ys):
        return Extended(step, carries, residuals)
    body = replace(body, ys=tuple(ys))
    return Extended(replace(step, body=body, y_axes=tuple(axes)), carries, residuals)


def jvp(
    primals: Sequence[Any], tangents: Sequence[Any], *, step: Step, policy: Policy, jaxpr: Any
) -> tuple[Arrays, Arrays]:
    """Runs the step, storing what the tangent reads of the run; then the tangent."""
    del jaxpr
    tangents = [
        t if is_differentiable(p) else None
        for p, t in zip(map(jax.typeof, primals), tangents, strict=True)
    ]
    operands, dots = step.operands(primals), step.operands(tangents)
    active = step.operands([t is not None and not jax_internals.is_zero(t) for t in tangents])
    lagged = tuple(a or b for a, b in zip(active.edges, active.lagged, strict=True))
    flags = Inputs(active.consts, active.carry, lagged, active.xs)
    tangent = tangent_of(step, flags, policy.residuals == "auto")
    forward = extended(step, tangent)
    out = recurrence(operands, forward.step, policy)
    saved = forward.saved(out[len(operands.carry) :])
    moved = iter(
        recurrence(
            tangent_operands(operands, dots, flags, tangent, saved),
            with_axes_of(tangent.step, forward),
            policy,
        )
    )
    out = out[: len(step.body.outputs)]
    return out, [
        next(moved) if flag else jax_internals.zero_tangent(o)
        for o, flag in zip(out, (*tangent.carry, *tangent.ys), strict=True)
    ]


def with_axes_of(step: Step, forward: Extended) -> Step:
    """A tangent that reads stored values where the forward pass has put time."""
    lagged = [forward.step.y_axes[j] for j in forward.carries]
    xs = [forward.step.y_axes[j] for j in forward.residuals]
    return replace(
        step,
        lagged_axes=(*lagged, *step.lagged_axes[len(lagged) :]),
        x_axes=(*xs, *step.x_axes[len(xs) :]),
    )


def tangent_operands(
    operands: Operands,
    dots: Operands,
    flags: Inputs[bool],
    tangent: Tangent,
    saved: Saved,
) -> Operands:
    """The operands of the tangent, in the order that :class:`Tangent` documents."""
    reads = tangent.reads

    def instantiated(values: Sequence[Any], flags: Sequence[bool]) -> list[Any]:
        return [jax_internals.instantiated(v) for v in take(values, flags)]

    return Operands(
        consts=(*take(operands.consts, reads.consts), *instantiated(dots.consts, flags.consts)),
        carry=tuple(
            jnp.zeros(jnp.shape(p), p.dtype) if jax_internals.is_zero(t) else t
            for p, t in take(list(zip(operands.carry, dots.carry, strict=True)), tangent.carry)
        ),
        edges=(
            *take(operands.carry, reads.carry),
            *take(operands.edges, reads.lagged),
            *instantiated(dots.edges, flags.lagged),
        ),
        lagged=(
            *saved.carries,
            *take(operands.lagged, reads.lagged),
            *instantiated(dots.lagged, flags.lagged),
        ),
        xs=(
            *saved.residuals,
            *take(operands.xs, reads.xs),
            *instantiated(dots.xs, flags.xs),
        ),
    )


def transpose(
    cotangents: Sequence[Any], *flat: Any, step: Step, policy: Policy, jaxpr: Any
) -> list[Any]:
    """The transposed step, in the other direction of time."""
    del jaxpr
    operands = step.operands(flat)
    wanted = step.operands([jax_internals.is_linear(o) for o in flat])
    lagged = tuple(a or b for a, b in zip(wanted.edges, wanted.lagged, strict=True))
    linear = Inputs(wanted.consts, wanted.carry, lagged, wanted.xs)
    if not step.body.linear and not all(reached(step, linear)[0]):
        return transpose_by_jax(cotangents, flat, step)
    linear = linear._replace(carry=(True,) * len(linear.carry))
    n = len(operands.carry)
    ct_carry, ct_ys = cotangents[:n], cotangents[n:]
    seen = tuple(not jax_internals.is_zero(ct) for ct in ct_ys)
    fixed = linear.map(lambda flag: not flag)
    sums = [jnp.zeros(v.shape, v.dtype) for v in take(step.body.inputs.consts, linear.consts)]
    back = Operands(
        consts=take(operands.consts, fixed.consts),
        carry=(*map(jax_internals.instantiated, ct_carry), *sums),
        edges=take(operands.edges, fixed.lagged),
        lagged=take(operands.lagged, fixed.lagged),
        xs=(*take(operands.xs, fixed.xs), *take(ct_ys, seen)),
    )
    out = recurrence(back, transpose_of(step, linear, seen), policy)
    cts = operand_cotangents(step, linear, out)
    return [ct if flag else None for ct, flag in zip(cts.flat, wanted.flat, strict=True)]


def operand_cotangents(step: Step, linear: Inputs[bool], out: Sequence[Any]) -> Operands:
    """The results of a transposed step by operand; ``None`` for operands that are not linear."""
    results = iter(out)
    carry = tuple(next(results) for _ in linear.carry)
    consts = tuple(next(results) if flag else None for flag in linear.consts)
    edges: list[Any] = []
    lagged: list[Any] = []
    for flag, axis, lag in zip(linear.lagged, step.lagged_axes, step.lags, strict=True):
        edge, rest = unshifted(next(results), axis, lag) if flag else (None, None)
        edges.append(edge)
        lagged.append(rest)
    xs = tuple(next(results) if flag else None for flag in linear.xs)
    return Operands(consts, carry, tuple(edges), tuple(lagged), xs)


def transpose_by_jax(cotangents: Sequence[Any], operands: Sequence[Any], step: Step) -> list[Any]:
    """As ``lax.scan`` is: for a step with a carry that does not depend on what is transposed."""
    linear = [jax_internals.is_linear(o) for o in operands]
    floats = [is_differentiable(v) for v in step.body.outputs]

    def run(*given: Any) -> tuple[Any, ...]:
        values = iter(given)
        merged = [next(values) if flag else o for o, flag in zip(operands, linear, strict=True)]
        return take(reference(*merged, step=step), floats)

    structs = [jax.ShapeDtypeStruct(o.aval.shape, o.aval.dtype) for o in take(operands, linear)]
    given = tuple(jax_internals.instantiated(ct) for ct in take(cotangents, floats))
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


def batch(
    flat: Sequence[Any], dims: Sequence[Any], *, step: Step, policy: Policy, jaxpr: Any
) -> tuple[Arrays, list[Any]]:
    """``vmap`` of a recurrence is the recurrence of the ``vmap``-ed step."""
    del jaxpr
    flat = [jnp.asarray(o) for o in flat]  # jit hands Python numbers on as such
    size = next(o.shape[d] for o, d in zip(flat, dims, strict=True) if d is not None)
    operands, axes = batched_edges(step, step.operands(flat), step.operands(dims), size)
    batched, carry, outputs = batched_step(
        step, size, Inputs(axes.consts, axes.carry, axes.lagged, axes.xs)
    )
    first = tuple(
        batched_in_front(v, axis, size) if flag else v
        for v, axis, flag in zip(operands.carry, axes.carry, carry, strict=True)
    )
    out = recurrence(operands._replace(carry=first), batched, policy)
    return out, [0 if flag else None for flag in (*carry, *outputs)]


def batched_in_front(array: Any, axis: int | None, size: int) -> Any:
    """The array with its batch axis in front, repeated if it has none."""
    if axis is not None:
        return jnp.moveaxis(array, axis, 0)
    return jnp.broadcast_to(array, (size, *array.shape))


def batched_edges(
    step: Step, operands: Operands, axes: Operands, size: int
) -> tuple[Operands, Operands]:
    """Operands in which the edge of a lagged sequence has the layout of one of its entries."""
    edges, lagged = list(operands.edges), list(operands.lagged)
    edge_axes, lagged_axes = list(axes.edges), list(axes.lagged)
    for i, (e, s) in enumerate(zip(axes.edges, axes.lagged, strict=True)):
        if e is None and s is None:
            continue
        if s is None:
            lagged[i] = jnp.broadcast_to(lagged[i], (size, *lagged[i].shape))
            lagged_axes[i] = s = 0
        entry = s - (step.lagged_axes[i] < s)
        edges[i] = jnp.moveaxis(batched_in_front(edges[i], e, size), 0, entry)
        edge_axes[i] = entry
    operands = operands._replace(edges=tuple(edges), lagged=tuple(lagged))
    return operands, axes._replace(edges=tuple(edge_axes), lagged=tuple(lagged_axes))


def reference(*flat: Any, step: Step, policy: Policy | None = None, jaxpr: Any = None) -> Arrays:
    """The same recurrence by ``lax.scan``."""
    del policy, jaxpr
    operands = step.operands(flat)
    window = Window(step, 0, step.length)
    lagged = [
        window.read_lagged(edge, array, axis, lag)
        for (edge, array), (axis, lag) in zip(
            zip(operands.edges, operands.lagged, strict=True),
            zip(step.lagged_axes, step.lags, strict=True),
            strict=True,
        )
    ]
    entries = [jnp.moveaxis(x, axis, 0) for x, axis in zip(operands.xs, step.x_axes, strict=True)]
    n = len(operands.carry)

    def body(carry: Arrays, slices: tuple[Arrays, Arrays]) -> tuple[Arrays, Arrays]:
        out = step.body(*operands.consts, *carry, *slices[0], *slices[1])
        return out[:n], out[n:]

    xs = (lagged, entries)
    carry, ys = lax.scan(body, [*operands.carry], xs, length=step.length, reverse=step.reverse)
    return [*carry, *[jnp.moveaxis(y, 0, axis) for y, axis in zip(ys, step.y_axes, strict=True)]]


recurrence_p = jax_internals.define(
    "recurrence",
    evaluate=chunked.run,
    shapes=result_types,
    jvp=jvp,
    transpose=transpose,
    batch=batch,
    reference=reference,
    rules=lambda: (tuple(PASSES), tuple(EVALUATORS)),
)
