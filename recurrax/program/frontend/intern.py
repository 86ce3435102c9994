"""One object for equal steps, so that calling again what was called before compiles nothing."""

from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from jax.extend import core

from recurrax.program.ir import Body, Constant, Value

SEEN: WeakValueDictionary[Any, Body] = WeakValueDictionary()


def intern(body: Body) -> Body:
    """The first body that was seen with the same names, and operations on the same lines."""
    return SEEN.setdefault(identity(body), body)


def identity(body: Body) -> Any:
    """Equal for bodies that compute the same by the same operations."""
    numbers: dict[Value, int] = {}

    def value(v: Value) -> Any:
        if not isinstance(v, Constant):
            return numbers.setdefault(v, len(numbers))
        if isinstance(v.value, np.ndarray) and v.shape == ():
            return "scalar", v.value.tobytes(), v.dtype
        return "array", id(v.value)  # which the first body keeps alive

    inputs = tuple((value(v), v.name, v.shape, v.dtype) for v in body.inputs.flat)
    ops = tuple(
        (
            op.primitive,
            tuple((name, parameter(p)) for name, p in sorted(op.params.items())),
            tuple(map(value, op.inputs)),
            tuple((value(v), v.shape, v.dtype) for v in op.outputs),
            op.origin and op.origin.key,
        )
        for op in body.ops
    )
    return (
        body.inputs.sizes,
        inputs,
        ops,
        tuple(map(value, body.new_carry)),
        tuple(map(value, body.ys)),
    )


def parameter(value: Any) -> Any:
    """A parameter of an operation, equal for jaxprs that compute the same."""
    if isinstance(value, core.ClosedJaxpr):
        return jaxpr_identity(value.jaxpr), tuple(map(id, value.consts))
    if isinstance(value, core.Jaxpr):
        return jaxpr_identity(value)
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value


def jaxpr_identity(jaxpr: core.Jaxpr) -> Any:
    """The same for a jaxpr that an operation holds."""
    numbers: dict[Any, int] = {}

    def atom(a: Any) -> Any:
        if isinstance(a, core.Literal):
            return "literal", str(a.aval), str(a.val)
        return numbers.setdefault(a, len(numbers))

    inputs = tuple((atom(v), str(v.aval)) for v in (*jaxpr.constvars, *jaxpr.invars))
    equations = tuple(
        (
            eqn.primitive,
            tuple((name, parameter(p)) for name, p in sorted(eqn.params.items())),
            tuple(map(atom, eqn.invars)),
            tuple((atom(v), str(v.aval)) for v in eqn.outvars),
        )
        for eqn in jaxpr.eqns
    )
    return inputs, equations, tuple(map(atom, jaxpr.outvars))
