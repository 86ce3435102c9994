"""``explain`` for layers: the recurrences in what a run of the layer is traced to."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
from jax.extend import core

from recurrax.evaluators.recurrence import recurrence_p
from recurrax.explain.report import Explanation, LayerExplanation
from recurrax.explain.step_report import explain_step
from recurrax.program.errors import Unsupported
from recurrax.program.frontend.opaque import check_effects, check_supported
from recurrax.program.primitives import SCAN, inner_equations, inner_jaxpr

RUNNERS: list[tuple[type, Callable[..., Any]]] = []


def register(kind: type, run: Callable[..., Any]) -> None:
    """Lets ``rx.explain`` take instances of a class; ``run(layer, *args, **kwargs)`` runs one."""
    RUNNERS.append((kind, run))


def runner_of(layer: Any) -> Callable[..., Any] | None:
    """How to run a layer; ``None`` for what is not a layer."""
    return next((run for kind, run in RUNNERS if isinstance(layer, kind)), None)


def explain_run(
    run: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], after: str | None
) -> LayerExplanation:
    """The recurrences of one run; arrays may be ``jax.ShapeDtypeStruct``."""
    leaves, tree = jax.tree.flatten((args, kwargs))
    flags = [isinstance(a, (jax.Array, jax.ShapeDtypeStruct)) for a in leaves]

    def traced(*arrays: Any) -> Any:
        given = iter(arrays)
        full = [next(given) if flag else a for a, flag in zip(leaves, flags, strict=True)]
        args, kwargs = jax.tree.unflatten(tree, full)
        return jax.tree.leaves(run(*args, **kwargs))

    closed = jax.make_jaxpr(traced)(*[a for a, flag in zip(leaves, flags, strict=True) if flag])
    return LayerExplanation(tuple(explanations(closed.jaxpr, after)))


def explanations(jaxpr: Any, after: str | None) -> Iterator[Explanation]:
    """Every recurrence of a jaxpr, compiled or left to ``lax.scan``, in the order of the run."""
    for eqn in jaxpr.eqns:
        if eqn.primitive is recurrence_p:
            yield explain_step(eqn.params["step"], eqn.params["policy"], after=after)
        elif eqn.primitive.name == SCAN and not holds_recurrence(eqn):
            yield explain_fallback(eqn)
        else:
            for inner in core.jaxprs_in_params(eqn.params):
                yield from explanations(inner, after)


def holds_recurrence(eqn: core.JaxprEqn) -> bool:
    return any(inner.primitive is recurrence_p for inner in inner_equations(eqn.params))


def explain_fallback(eqn: core.JaxprEqn) -> Explanation:
    """Why a step runs as ``lax.scan``."""
    steps = eqn.params["length"]
    step = inner_jaxpr(eqn.params)
    try:
        check_effects(step.effects)
        for inner in step.jaxpr.eqns:
            check_supported(inner)
    except Unsupported as error:
        return Explanation("scan", error.reason, steps)
    return Explanation("scan", "method='scan' was asked for", steps)
