"""What of a step only JAX itself can run, and what of that can run once, before the loop."""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp

from recurrax.program import jax_internals
from recurrax.program.errors import Unsupported
from recurrax.program.ir import Body, Constant, Op, Value, evaluate
from recurrax.program.primitives import (
    CUSTOM_VJPS,
    RECURRENCE,
    facts,
    holds_jaxpr,
    inner_equations,
    inner_jaxpr,
)


def check_effects(effects: Any) -> None:
    """Raises :class:`Unsupported` for a step that does more than compute its results."""
    if effects:
        raise Unsupported(f"the step has effects: {', '.join(sorted(str(e) for e in effects))}")


def hoist_opaque(
    body: Body, arrays: dict[Value, Any]
) -> tuple[Body, dict[Value, Any], tuple[str, ...]]:
    """Runs, once, the opaque operations that depend on parameters alone.

    Control flow that no step changes, as in the matrix exponential of a kernel, need not keep the
    step from being compiled: JAX runs it here and differentiates it by its own rules. The results
    become parameters of the step. A ``custom_vjp`` stays in the step: its rule may treat the
    cotangent of one step differently from the sum over all steps, as gradient clipping does.

    Args:
      body: the step; ``body.inputs.consts`` are its parameters.
      arrays: the parameters' arrays.

    Returns:
      The body without these operations, the arrays of its parameters, and the names of the opaque
      operations that ran.

    Raises:
      Unsupported: if an opaque operation is left; then nothing has run.
    """
    hoisted = hoistable(body)
    gone = set(hoisted)
    rest = [op for op in body.ops if op not in gone]
    for op in rest:
        check_supported(op)
    if not hoisted:
        return body, arrays, ()
    env = dict(arrays)
    evaluate(hoisted, env)
    used = {v for op in rest for v in op.inputs} | set(body.outputs)
    consts = {v: array for v, array in env.items() if v in used}
    names = tuple(op.params.get("name", op.name) for op in hoisted if is_opaque(op))
    inputs = body.inputs._replace(consts=tuple(consts))
    return Body(inputs, tuple(rest), body.new_carry, body.ys), consts, names


def hoistable(body: Body) -> list[Op]:
    """The opaque operations on parameters alone, and the operations that lead to them."""
    moving: set[Value] = {v for part in body.inputs[1:] for v in part}
    fixed: list[Op] = []
    for op in body.ops:
        if stays(op) or any(v in moving for v in op.inputs):
            moving.update(op.outputs)
        else:
            fixed.append(op)
    needed: set[Value] = set()
    hoisted: list[Op] = []
    for op in reversed(fixed):
        if is_opaque(op) or any(v in needed for v in op.outputs):
            hoisted.append(op)
            needed.update(v for v in op.inputs if not isinstance(v, Constant))
    return hoisted[::-1]


def stays(op: Op) -> bool:
    """Whether an operation must run at every step even if its operands never change."""
    held = [op, *inner_equations(op.params)]
    return any(facts(o).callback or o.primitive.name in CUSTOM_VJPS for o in held)


def is_opaque(op: Op) -> bool:
    try:
        check_supported(op)
    except Unsupported:
        return True
    return False


def check_supported(op: Any) -> None:
    """Raises :class:`Unsupported` for an operation, of a body or a jaxpr, that is opaque."""
    known, name = facts(op), op.primitive.name
    if known.call:
        inner = inner_jaxpr(op.params)
        check_effects(inner.effects)
        for eqn in inner.jaxpr.eqns:
            check_supported(eqn)
    elif known.callback:
        raise Unsupported(f"the step calls out of JAX by {name}")
    elif not known.holds_function and (name == RECURRENCE or holds_jaxpr(op.params)):
        raise Unsupported(f"the step contains {name}")
    for dtype in dtypes(op):
        check_dtype(dtype, "the step handles")


def check_dtype(dtype: Any, what: str) -> None:
    """Raises :class:`Unsupported` for a dtype beside those of NumPy and random keys."""
    if jnp.issubdtype(dtype, jax.dtypes.extended) and not jax_internals.is_key(dtype):
        raise Unsupported(f"{what} the dtype {dtype}")


def dtypes(op: Any) -> Iterable[Any]:
    """The dtypes of the operands and results of an operation."""
    if isinstance(op, Op):
        return [v.dtype for v in (*op.inputs, *op.outputs)]
    atoms = (*op.invars, *op.outvars)
    return [a.aval.dtype for a in atoms if hasattr(a.aval, "dtype")]
