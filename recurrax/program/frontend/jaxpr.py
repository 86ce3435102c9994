"""From JAX's representation to ours, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import jax
import numpy as np
from jax.extend import core

from recurrax.program import jax_internals
from recurrax.program.ir import Body, Constant, Op, Value
from recurrax.program.jax_internals import Origin


@dataclass(frozen=True)
class Fragment:
    """The operations of a jaxpr, with its inputs and outputs in their order."""

    inputs: tuple[Value, ...]
    ops: tuple[Op, ...]
    outputs: tuple[Value, ...]


def fragment_of(closed: core.ClosedJaxpr, names: Sequence[str] = ()) -> Fragment:
    """The operations of a jaxpr; arrays that it closes over become constants."""
    inputs = [value_of(v) for v in closed.jaxpr.invars]
    for value, name in zip(inputs, names, strict=False):
        value.name = name
    consts = [array_constant(c) for c in closed.consts]
    ops, outputs = read_jaxpr(closed.jaxpr, [*consts, *inputs])
    return Fragment(tuple(inputs), tuple(ops), tuple(outputs))


def read_jaxpr(
    jaxpr: core.Jaxpr, inputs: Sequence[Value], outer: Origin | None = None
) -> tuple[list[Op], list[Value]]:
    """The operations and outputs of a jaxpr on these values: of its constants, then arguments.

    ``outer`` is where the call stands, if the jaxpr is that of a call.
    """
    called = jaxpr.debug_info.func_src_info.split(" ")[0] if jaxpr.debug_info else ""
    env: dict[Any, Value] = dict(zip([*jaxpr.constvars, *jaxpr.invars], inputs, strict=True))

    def read(atom: Any) -> Value:
        if isinstance(atom, core.Literal):
            aval = cast(Any, atom.aval)
            return Constant(np.asarray(atom.val, aval.dtype), aval.shape, aval.dtype)
        return env[atom]

    ops = []
    for eqn in jaxpr.eqns:
        outputs = tuple(map(value_of, eqn.outvars))
        env.update(zip(eqn.outvars, outputs, strict=True))
        operands = tuple(map(read, eqn.invars))
        ops.append(
            Op(eqn.primitive, dict(eqn.params), operands, outputs, Origin.of(eqn, outer, called))
        )
    return ops, [read(atom) for atom in jaxpr.outvars]


def value_of(variable: Any) -> Value:
    """A value of the shape and dtype of a variable of a jaxpr."""
    return Value(variable.aval.shape, variable.aval.dtype)


def array_constant(array: Any) -> Constant:
    aval = cast(Any, jax.typeof(array))
    return Constant(array, aval.shape, aval.dtype)


@lru_cache(maxsize=4096)
def jaxpr_of(body: Body) -> core.ClosedJaxpr:
    """The body as a jaxpr: what JAX's own tools see inside a recurrence."""
    variables: dict[Value, Any] = {}
    consts: dict[Any, Any] = {}

    def variable(value: Value) -> Any:
        if value not in variables:
            variables[value] = core.Var(jax_internals.shaped(value.shape, value.dtype))
        return variables[value]

    def atom(value: Value) -> Any:
        if not isinstance(value, Constant):
            return variables[value]
        if isinstance(value.value, np.ndarray) and value.shape == ():
            return jax_internals.literal(value.value, jax_internals.shaped((), value.dtype))
        consts[variable(value)] = value.value
        return variable(value)

    inputs = {variable(v): v.name for v in body.inputs.flat}
    equations = []
    for op in body.ops:
        operands = [atom(v) for v in op.inputs]
        outputs = [variable(v) for v in op.outputs]
        equations.append(
            jax_internals.equation(operands, outputs, op.primitive, dict(op.params), op.origin)
        )
    outputs = [atom(v) for v in body.outputs]
    return jax_internals.closed_jaxpr(inputs, equations, outputs, consts)
