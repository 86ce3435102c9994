"""From a step function to a step of the compiler, with the arrays that it runs on."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import jax
from jax.core import Tracer
from jax.extend import core

from recurrax.program import jax_internals
from recurrax.program.errors import Unsupported
from recurrax.program.frontend.intern import intern
from recurrax.program.frontend.jaxpr import fragment_of
from recurrax.program.frontend.names import name_inputs
from recurrax.program.frontend.opaque import check_dtype, check_effects, hoist_opaque
from recurrax.program.frontend.weak_types import any_weak, scan_result_types, struct_with_shape
from recurrax.program.inline import PLAIN, inline
from recurrax.program.ir import Body, Inputs
from recurrax.program.step import Step


@dataclass(frozen=True)
class ScanCall:
    """The arguments of ``rx.scan``; time is on ``x_axis`` of all inputs, ``y_axis`` of outputs."""

    f: Callable[[Any, Any], tuple[Any, Any]]
    init: Any
    xs: Any
    length: int | None = None
    reverse: bool = False
    x_axis: int = 0
    y_axis: int = 0
    roots: tuple[str, str] = ("carry", "x")  # in the names of inputs; "" where fields have names

    @cached_property
    def carry(self) -> list[Any]:
        return jax.tree.leaves(self.init)

    @cached_property
    def sequences(self) -> list[Any]:
        return jax.tree.leaves(self.xs)


@dataclass(frozen=True)
class Traced:
    """A step and the arrays that it runs on."""

    step: Step
    operands: list[Any]
    tree: Any  # structure of (carry, y)
    weak: tuple[bool, ...]  # which results lax.scan types weakly, as Python numbers are
    hoisted: tuple[str, ...]  # opaque operations on parameters alone, which JAX has run already


class Signature:
    """Types of one step: of its carry and of the entries of its sequences, without time."""

    def __init__(self, call: ScanCall) -> None:
        self.call = call
        self.avals = [jax.typeof(a) for a in (*call.carry, *call.sequences)]
        check_types(self.avals)
        sequences = self.avals[len(call.carry) :]
        self.steps = number_of_steps(sequences, call.length, call.x_axis)
        self.entries = [struct_with_shape(a, without(a.shape, call.x_axis)) for a in sequences]
        self.carry = [struct_with_shape(a, a.shape) for a in self.avals[: len(call.carry)]]
        if any_weak(self.avals):  # Python numbers start in the dtype that they end in
            self.carry = [
                a if a.dtype == b.dtype else jax.ShapeDtypeStruct(a.shape, b.dtype)
                for a, b in zip(self.carry, self.result_types, strict=False)
            ]

    @cached_property
    def result_types(self) -> list[jax.ShapeDtypeStruct]:
        """The types of the last carry and of the outputs, as ``lax.scan`` determines them."""
        call, n = self.call, len(self.call.carry)
        structs = [struct_with_shape(a, a.shape) for a in self.avals[:n]]
        carry = jax.tree.unflatten(jax.tree.structure(call.init), structs)
        x = jax.tree.unflatten(jax.tree.structure(call.xs), self.entries)
        return scan_result_types(call.f, carry, x)


def trace(call: ScanCall) -> Traced:
    """Traces a step.

    Raises:
      Unsupported: for a step that only ``jax.lax.scan`` can run.
    """
    signature = Signature(call)
    closed, tree = step_jaxpr(signature)
    check_effects(closed.effects)
    body, consts, hoisted = body_of(closed, len(call.carry))
    check_types([jax.typeof(c) for c in consts])
    if any(y.ndim < call.y_axis for y in body.ys):
        raise Unsupported("an output has too few axes for the axis of time")
    name_inputs(body.inputs, call, consts)
    step = Step(
        body=intern(inline(body, PLAIN)),
        length=signature.steps,
        reverse=call.reverse,
        lags=(),
        lagged_axes=(),
        x_axes=(call.x_axis,) * len(call.sequences),
        y_axes=(call.y_axis,) * len(body.ys),
    )
    weak = [False] * len(body.outputs)
    if any_weak([*signature.avals, *closed.out_avals]):
        weak = [a.weak_type for a in signature.result_types]
    operands = [*consts, *call.carry, *call.sequences]
    return Traced(step, operands, tree, tuple(weak), hoisted)


KNOWN: WeakKeyDictionary[Any, dict[Any, Any]] = WeakKeyDictionary()  # by step function


def step_jaxpr(signature: Signature) -> tuple[core.ClosedJaxpr, Any]:
    """The step as JAX traces it, with the structure of its results; its arguments are flat.

    As in ``lax.scan``, a function is called once for each signature. What closes over the values of
    another trace is traced anew, because these values are others in the next trace.

    Raises:
      Unsupported: for a function that does not return what a step must return.
    """
    call = signature.call
    try:
        known = KNOWN.setdefault(call.f, {})
    except TypeError:  # a function that cannot be hashed or referred to
        known = {}
    key = (
        *(*signature.carry, *signature.entries),
        jax.tree.structure(call.init),
        jax.tree.structure(call.xs),
        jax_internals.trace_context(),
    )
    if key in known:
        return known[key]
    found = traced_step(signature)
    if not any(isinstance(c, Tracer) for c in found[0].consts):
        known[key] = found
    return found


def traced_step(signature: Signature) -> tuple[core.ClosedJaxpr, Any]:
    """What ``step_jaxpr`` returns, by calling the function."""
    call, n = signature.call, len(signature.carry)
    carry_tree, x_tree = jax.tree.structure(call.init), jax.tree.structure(call.xs)

    def flat(*args: Any) -> Any:
        return call.f(
            jax.tree.unflatten(carry_tree, args[:n]), jax.tree.unflatten(x_tree, args[n:])
        )

    structs = [*signature.carry, *signature.entries]
    closed, results = jax.make_jaxpr(flat, return_shape=True)(*structs)
    if type(results) is not tuple or len(results) != 2:
        raise Unsupported("the step does not return a pair")
    new_carry, new_tree = jax.tree.flatten(results[0])
    wanted = [(a.shape, a.dtype) for a in signature.carry]
    if new_tree != carry_tree or [(a.shape, a.dtype) for a in new_carry] != wanted:
        raise Unsupported("the carry that the step returns differs from the one it takes")
    return closed, jax.tree.structure(results)


def body_of(closed: core.ClosedJaxpr, carry: int) -> tuple[Body, list[Any], tuple[str, ...]]:
    """The step as a body whose parameters are what it closes over, and their arrays."""
    jaxpr = closed.jaxpr
    open_jaxpr = jaxpr.replace(constvars=[], invars=[*jaxpr.constvars, *jaxpr.invars])
    fragment = fragment_of(core.ClosedJaxpr(open_jaxpr, ()))
    n = len(jaxpr.constvars)
    consts, init, xs = (
        fragment.inputs[:n],
        fragment.inputs[n : n + carry],
        fragment.inputs[n + carry :],
    )
    outputs = fragment.outputs
    body = Body(Inputs(consts, init, (), xs), fragment.ops, outputs[:carry], outputs[carry:])
    arrays = dict(zip(consts, closed.consts, strict=True))
    body, arrays, hoisted = hoist_opaque(body, arrays)
    return body, [arrays[v] for v in body.inputs.consts], hoisted


def number_of_steps(sequences: Sequence[Any], length: int | None, axis: int) -> int:
    """The length that all sequences have along their axis of time."""
    if any(x.ndim <= axis for x in sequences):
        raise Unsupported("a sequence has no axis of time")
    lengths = {x.shape[axis] for x in sequences}
    if length is not None:
        lengths.add(operator.index(length))
    if len(lengths) != 1:
        raise Unsupported("the number of steps is not given or not the same for all sequences")
    (steps,) = lengths
    if not isinstance(steps, int) or steps < 1:
        raise Unsupported("there are no steps to take, or their number is symbolic")
    return steps


def without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def check_types(avals: Sequence[Any]) -> None:
    """Raises for arrays that only ``lax.scan`` handles."""
    for aval in avals:
        check_dtype(aval.dtype, "an array has")
        if jax_internals.is_explicitly_placed(aval):
            raise Unsupported(
                "an array carries its placement in its type (explicit sharding or shard_map)"
            )
