"""What a ``jit`` inside the step computes, put where the call is."""

from collections.abc import Sequence
from typing import Any

from jax.extend import core

from recurrax.program import internals
from recurrax.program.ir import inner_jaxpr

# Not ``custom_jvp`` and ``remat``, which say how to differentiate what they hold.
PLAIN_CALLS = {"jit", "pjit", "closed_call", "core_call"}


def without_calls(closed: core.ClosedJaxpr) -> core.ClosedJaxpr:
    """The same step, closing over no array, in which no activation hides in a function of its own.

    Results that a derivative reads instead of computing them again (:mod:`recurrax.program.known`)
    are looked for among the operations of the step, and ``jnp.where``, for one, is one.
    """
    if not any(is_plain_call(eqn) for eqn in closed.jaxpr.eqns):
        return closed
    equations: list[core.JaxprEqn] = []

    def run(jaxpr: Any, inputs: Sequence[Any]) -> list[Any]:
        env = dict(zip(jaxpr.invars, inputs, strict=True))

        def read(atom: Any) -> Any:
            return atom if isinstance(atom, core.Literal) else env[atom]

        for eqn in jaxpr.eqns:
            operands = [read(a) for a in eqn.invars]
            if is_plain_call(eqn):
                results = run(inner_jaxpr(eqn).jaxpr, operands)
            else:
                # Fresh variables: one traced function may be called more than once.
                results = [internals.variable(v.aval) for v in eqn.outvars]
                equations.append(eqn.replace(invars=operands, outvars=results))
            env.update(zip(eqn.outvars, results, strict=True))
        return [read(a) for a in jaxpr.outvars]

    outputs = run(closed.jaxpr, closed.jaxpr.invars)
    return internals.with_operations(closed, equations, outputs)


def is_plain_call(eqn: core.JaxprEqn) -> bool:
    """Whether an operation is a function of its operands alone, written as a call."""
    return eqn.primitive.name in PLAIN_CALLS and not inner_jaxpr(eqn).consts
