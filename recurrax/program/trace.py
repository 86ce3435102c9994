"""From a step function to a jaxpr, or to the reason why ``lax.scan`` must run it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from weakref import WeakValueDictionary

import jax
import jax.numpy as jnp
from jax.extend import core

from recurrax.program import internals
from recurrax.program.calls import without_calls
from recurrax.program.foreign import computed_before
from recurrax.program.numbers import is_weak, resized, settled
from recurrax.program.step import Step


@dataclass(frozen=True)
class Traced:
    """A step and the arrays that it runs on."""

    step: Step
    operands: list[Any]
    tree: Any  # structure of (carry, y)
    weak: tuple[bool, ...]  # which results lax.scan types weakly, as Python numbers are
    before: tuple[str, ...]  # operations that JAX ran before, on parameters alone


@dataclass(frozen=True)
class NotUnderstood:
    """Why a step runs as ``lax.scan``."""

    reason: str


def trace(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    length: int | None,
    reverse: bool,
    x_axis: int = 0,
    y_axis: int = 0,
    chunk: int | None = None,
    keep_gates: bool = True,
    method: str = "auto",
) -> Traced | NotUnderstood:
    """Traces ``f`` over sequences whose time is on ``x_axis``; outputs have it on ``y_axis``."""
    carry, carry_tree = jax.tree.flatten(init)
    sequences, x_tree = jax.tree.flatten(xs)
    avals = [jax.typeof(a) for a in (*carry, *sequences)]
    reason = unusual_types(avals)
    if reason:
        return NotUnderstood(reason)
    steps = number_of_steps(avals[len(carry) :], length, x_axis)
    if isinstance(steps, NotUnderstood):
        return steps

    entries = [resized(a, (*a.shape[:x_axis], *a.shape[x_axis + 1 :])) for a in avals[len(carry) :]]
    structs = [resized(a, a.shape) for a in avals[: len(carry)]]

    @cache
    def types() -> list[jax.ShapeDtypeStruct]:
        return settled(f, *map(jax.tree.unflatten, (carry_tree, x_tree), (structs, entries)))

    if is_weak(avals):
        structs = [
            a if a.dtype == b.dtype else jax.ShapeDtypeStruct(a.shape, b.dtype)
            for a, b in zip(structs, types()[: len(carry)], strict=True)
        ]

    def flat(*args: Any) -> Any:
        c = jax.tree.unflatten(carry_tree, args[: len(carry)])
        x = jax.tree.unflatten(x_tree, args[len(carry) :])
        return f(c, x)

    closed, shapes = jax.make_jaxpr(flat, return_shape=True)(*structs, *entries)
    if type(shapes) is not tuple or len(shapes) != 2:
        return NotUnderstood("the step does not return a pair")
    new_carry, new_tree = jax.tree.flatten(shapes[0])
    if new_tree != carry_tree or [(a.shape, a.dtype) for a in new_carry] != [
        (a.shape, a.dtype) for a in structs
    ]:
        return NotUnderstood("the carry that the step returns differs from the one it takes")
    found = computed_before(closed)
    if isinstance(found, str):
        return NotUnderstood(found)
    closed, before = found
    ys = closed.out_avals[len(carry) :]
    captured = [jax.typeof(c) for c in closed.consts]
    reason = unusual_types(captured)
    if reason:
        return NotUnderstood(reason)
    if any(y.ndim < y_axis for y in ys):
        return NotUnderstood("an output has too few axes for the axis of time")
    step = Step(
        jaxpr=interned(without_calls(internals.consts_as_inputs(closed))),
        consts=len(closed.consts),
        carry=len(carry),
        past=0,
        length=steps,
        reverse=reverse,
        lags=(),
        past_axes=(),
        x_axes=(x_axis,) * len(sequences),
        y_axes=(y_axis,) * len(ys),
        chunk=chunk,
        keep_gates=keep_gates,
        method=method,
    )
    operands = [*closed.consts, *carry, *sequences]
    weak = is_weak([*avals, *closed.out_avals])
    flags = [a.weak_type for a in types()] if weak else [False] * len(closed.out_avals)
    return Traced(step, operands, jax.tree.structure(shapes), tuple(flags), before)


def number_of_steps(sequences: Sequence[Any], length: int | None, axis: int) -> int | NotUnderstood:
    """The length that all sequences have along their axis of time."""
    if any(x.ndim <= axis for x in sequences):
        return NotUnderstood("a sequence has no axis of time")
    lengths = {x.shape[axis] for x in sequences} | ({length} - {None})
    if len(lengths) != 1:
        return NotUnderstood("the number of steps is not given or not the same for all sequences")
    (steps,) = lengths
    if not isinstance(steps, int) or steps < 1:
        return NotUnderstood("there are no steps to take, or their number is symbolic")
    return steps


def unusual_types(avals: Sequence[Any]) -> str | None:
    for aval in avals:
        if jnp.issubdtype(aval.dtype, jax.dtypes.extended):
            return f"an array has the dtype {aval.dtype}"
        if internals.is_explicitly_placed(aval):
            return "an array carries its placement in its type (explicit sharding or shard_map)"
    return None


SEEN: WeakValueDictionary[Any, core.ClosedJaxpr] = WeakValueDictionary()


def interned(closed: core.ClosedJaxpr) -> core.ClosedJaxpr:
    """One object for equal steps, so that calling again what was called before compiles nothing."""
    key = identity(closed)
    return SEEN.setdefault(key, closed)


def identity(closed: core.ClosedJaxpr) -> Any:
    """Equal for jaxprs that compute the same by the same operations."""
    numbers: dict[Any, int] = {}

    def atom(a: Any) -> Any:
        if isinstance(a, core.Literal):
            return "literal", str(a.aval), str(a.val)
        return numbers.setdefault(a, len(numbers))

    def param(value: Any) -> Any:
        if isinstance(value, core.ClosedJaxpr):
            return identity(value)
        if isinstance(value, core.Jaxpr):
            return identity(core.ClosedJaxpr(value, ()))
        try:
            hash(value)
        except TypeError:
            return id(value)
        return value

    jaxpr = closed.jaxpr
    heads = tuple((atom(v), str(v.aval)) for v in (*jaxpr.constvars, *jaxpr.invars))
    eqns = tuple(
        (
            eqn.primitive,
            tuple((k, param(v)) for k, v in sorted(eqn.params.items())),
            tuple(atom(a) for a in eqn.invars),
            tuple((atom(v), str(v.aval)) for v in eqn.outvars),
        )
        for eqn in jaxpr.eqns
    )
    outs = tuple(atom(a) for a in jaxpr.outvars)
    return heads, eqns, outs, tuple(id(c) for c in closed.consts)
