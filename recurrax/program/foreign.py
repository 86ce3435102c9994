"""What of a step only JAX itself can run, and what of that can run once, before the loop."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

from recurrax.program import internals
from recurrax.program.ir import INLINED, inner_jaxpr

# Primitives that carry a function of scalars, which is part of what they compute.
WITH_SCALAR_FUNCTIONS = {
    "reduce", "reduce_window", "scatter", "scatter-add", "scatter_add", "scatter-mul",
    "scatter_mul", "scatter_min", "scatter_max", "scatter-min", "scatter-max",
}  # fmt: skip
RANDOM = {"rng_bit_generator", "rng_uniform"}
FOREIGN = {"pure_callback", "io_callback", "debug_callback", "ffi_call"}  # vmap may change them
CUSTOM = "custom_vjp"


def why_not(effects: Any, equations: Sequence[core.JaxprEqn]) -> str | None:
    """What in the step only ``lax.scan`` runs with its exact meaning."""
    if effects:
        return f"the step has effects: {', '.join(sorted(str(e) for e in effects))}"
    return next((reason for eqn in equations if (reason := refusal(eqn))), None)


def refusal(eqn: core.JaxprEqn) -> str | None:
    """Why an operation is not one for the compiler."""
    name = eqn.primitive.name
    if name in INLINED:
        inner = inner_jaxpr(eqn)
        reason = why_not(inner.effects, inner.jaxpr.eqns)
        if reason:
            return reason
    elif name in RANDOM:
        return f"the step draws random numbers by {name}, which vmap would change"
    elif name in FOREIGN:
        return f"the step calls out of JAX by {name}"
    elif name not in WITH_SCALAR_FUNCTIONS and (
        name == "recurrence" or any(True for _ in core.jaxprs_in_params(eqn.params))
    ):
        return f"the step contains {name}"
    for atom in (*eqn.invars, *eqn.outvars):
        dtype = getattr(atom.aval, "dtype", None)
        if dtype is not None and jnp.issubdtype(dtype, jax.dtypes.extended):
            return f"the step handles the dtype {dtype}"
    return None


def computed_before(
    closed: core.ClosedJaxpr,
) -> tuple[core.ClosedJaxpr, tuple[str, ...]] | str:
    """The step without what it computes, by such operations, from parameters alone; their names.

    Control flow that no step changes, as in the matrix exponential of a kernel, need not keep the
    step from being compiled: JAX runs it here, once, and differentiates it by its own rules. The
    results become parameters of the step. A ``custom_vjp`` stays: its rule may tell a cotangent of
    one step from the sum over all, as clipping does.

    Returns:
      Nothing is computed, and the reason is returned, where ``lax.scan`` must run the step.
    """
    jaxpr = closed.jaxpr
    taken = fixed_and_foreign(jaxpr)
    before = {id(eqn) for eqn in taken}
    rest = [eqn for eqn in jaxpr.eqns if id(eqn) not in before]
    reason = why_not(closed.effects, rest)
    if reason or not taken:
        return reason or (closed, ())
    known: dict[Any, Any] = dict(zip(jaxpr.constvars, closed.consts, strict=True))
    for eqn in taken:
        operands = [a.val if isinstance(a, core.Literal) else known[a] for a in eqn.invars]
        results = internals.evaluate_equation(eqn, operands)
        known.update(zip(eqn.outvars, results, strict=True))
    read = {a for eqn in rest for a in variables(eqn.invars)} | set(variables(jaxpr.outvars))
    names = tuple(eqn.params.get("name", eqn.primitive.name) for eqn in taken if refusal(eqn))
    consts = {v: known[v] for v in known if v in read}
    return internals.with_consts(closed, rest, consts), names


def fixed_and_foreign(jaxpr: Any) -> list[core.JaxprEqn]:
    """The operations on parameters alone that only JAX can run, and those that lead to them."""
    moving = set(jaxpr.invars)
    fixed: list[core.JaxprEqn] = []
    for eqn in jaxpr.eqns:
        stays = eqn.effects or any(CUSTOM in n or n in FOREIGN for n in names_inside(eqn))
        if stays or any(a in moving for a in variables(eqn.invars)):
            moving.update(eqn.outvars)
        else:
            fixed.append(eqn)
    needed: set[Any] = set()
    taken: list[core.JaxprEqn] = []
    for eqn in reversed(fixed):
        if refusal(eqn) or any(v in needed for v in eqn.outvars):
            taken.insert(0, eqn)
            needed.update(variables(eqn.invars))
    return taken


def names_inside(eqn: core.JaxprEqn) -> Iterator[str]:
    """The primitives of an operation and of the functions it holds."""
    yield eqn.primitive.name
    for inner in core.jaxprs_in_params(eqn.params):
        for eqn_inside in inner.eqns:
            yield from names_inside(eqn_inside)


def variables(atoms: Any) -> list[Any]:
    """Those of the operands that are not literals."""
    return [a for a in atoms if not isinstance(a, core.Literal)]
