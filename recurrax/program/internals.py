"""Everything that JAX does not document: one place to look at when a release of JAX moves it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from jax import core as jax_core
from jax.extend import core
from jax.interpreters import ad, batching, mlir, partial_eval as pe


def pruned(closed: core.ClosedJaxpr, kept: int) -> tuple[core.ClosedJaxpr, list[bool]]:
    """Drops unused operations, and those of the first ``kept`` inputs that nothing reads."""
    jaxpr = closed.jaxpr
    instantiate = [False] * kept + [True] * (len(jaxpr.invars) - kept)
    jaxpr, used = pe.dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars), instantiate)
    return core.ClosedJaxpr(jaxpr, closed.consts), list(used[:kept])


def evaluate_equation(eqn: core.JaxprEqn, operands: list[Any]) -> list[Any]:
    """The results of one operation of a jaxpr, with its own rules of differentiation."""
    params = eqn.primitive.get_bind_params(eqn.params)
    with eqn.ctx.manager:
        out = eqn.primitive.bind(*operands, **params)
    return list(out) if eqn.primitive.multiple_results else [out]


def shaped(shape: tuple[int, ...], dtype: Any) -> Any:
    """An abstract array."""
    return jax_core.ShapedArray(shape, dtype)


def define(
    name: str,
    *,
    evaluate: Callable[..., Any],
    shapes: Callable[..., Any],
    jvp: Callable[..., Any],
    transpose: Callable[..., Any],
    batch: Callable[..., Any],
    reference: Callable[..., Any],
) -> core.Primitive:
    """A primitive with every rule that ``lax.scan`` has.

    ``evaluate`` takes ``platform``, "cpu" or "accelerator", beside what the primitive takes.
    """
    primitive = core.Primitive(name)
    primitive.multiple_results = True
    compiled = jax.jit(primitive.bind, static_argnames=("step",))

    def run(*operands: Any, step: Any) -> Any:
        if jax.config.jax_disable_jit:  # type: ignore[attr-defined]
            return evaluate(*operands, step=step, platform=jax.default_backend())
        return compiled(*operands, step=step)

    primitive.def_impl(run)
    primitive.def_abstract_eval(shapes)
    ad.primitive_jvps[primitive] = jvp
    ad.primitive_transposes[primitive] = transpose
    batching.primitive_batchers[primitive] = batch
    for platform, name_of_rule in (("accelerator", None), ("cpu", "cpu")):
        rule = mlir.lower_fun(partial(evaluate, platform=platform), multiple_results=True)
        mlir.register_lowering(primitive, rule, platform=name_of_rule)
    register_checkify(primitive, reference)
    return primitive


def define_elementwise(
    name: str, *, evaluate: Callable[..., Any], checked: Callable[..., Any]
) -> core.Primitive:
    """A primitive of one array, entry by entry, that is ``checked`` under ``checkify``.

    It has no derivative: it is for whole numbers.
    """
    primitive = core.Primitive(name)
    primitive.multiple_results = True
    primitive.def_impl(evaluate)

    def shapes(array: Any, **params: Any) -> Any:
        like = jax.ShapeDtypeStruct(array.shape, array.dtype)
        return [shaped(a.shape, a.dtype) for a in jax.eval_shape(partial(evaluate, **params), like)]

    def batch(arrays: Any, dims: Any, **params: Any) -> Any:
        return primitive.bind(*arrays, **params), dims

    primitive.def_abstract_eval(shapes)
    batching.primitive_batchers[primitive] = batch
    mlir.register_lowering(primitive, mlir.lower_fun(evaluate, multiple_results=True))
    register_checkify(primitive, checked)
    return primitive


def register_checkify(primitive: core.Primitive, reference: Callable[..., Any]) -> None:
    """Under ``checkify`` the primitive is what JAX makes of ``reference``."""
    from jax._src import checkify

    def rule(*args: Any, **params: Any) -> Any:
        # (error, enabled, *operands), with a context before the error since jax 0.12.
        at = next(i for i, a in enumerate(args) if isinstance(a, checkify.Error))
        context, (error, enabled), operands = args[:at], args[at : at + 2], args[at + 2 :]
        closed = jax.make_jaxpr(lambda *xs: reference(*xs, **params))(*operands)
        return checkify.checkify_jaxpr(*context, closed, enabled, error, *operands)

    checkify.error_checks[primitive] = rule


def is_zero(tangent: Any) -> bool:
    """Whether a tangent or cotangent is a symbolic zero."""
    return isinstance(tangent, ad.Zero)


def zero_tangent(primal: Any) -> Any:
    """The symbolic zero that goes with a value."""
    return ad.Zero(jax.typeof(primal).to_tangent_aval())


def instantiated(tangent: Any) -> Any:
    """A symbolic zero as an array."""
    return ad.instantiate_zeros(tangent)


def is_linear(operand: Any) -> bool:
    """Whether a transposition asks for the cotangent of this operand."""
    return ad.is_undefined_primal(operand)


def variable(aval: Any) -> Any:
    """A new variable of a jaxpr."""
    return core.Var(aval)


def rebuilt(
    closed: core.ClosedJaxpr,
    inputs: list[Any],
    outputs: list[Any],
    consts: bool = True,
    **changes: Any,
) -> core.ClosedJaxpr:
    """The same operations, unless changed, with other inputs and outputs."""
    jaxpr = closed.jaxpr
    changes |= {"invars": inputs, "outvars": outputs}
    if not consts:
        changes["constvars"] = []
    debug = jaxpr.debug_info._replace(
        arg_names=("",) * len(inputs), result_paths=("",) * len(outputs)
    )
    new = jaxpr.replace(**changes, debug_info=debug)
    return core.ClosedJaxpr(new, closed.consts if consts else ())


def with_outputs(closed: core.ClosedJaxpr, outputs: list[Any]) -> core.ClosedJaxpr:
    """The same function with other outputs."""
    return rebuilt(closed, list(closed.jaxpr.invars), outputs)


def with_operations(
    closed: core.ClosedJaxpr, equations: list[core.JaxprEqn], outputs: list[Any]
) -> core.ClosedJaxpr:
    """Other operations on the same inputs."""
    return rebuilt(closed, list(closed.jaxpr.invars), outputs, eqns=equations)


def reordered(closed: core.ClosedJaxpr, order: list[int]) -> core.ClosedJaxpr:
    """The same function with its arguments in another order."""
    return rebuilt(closed, [closed.jaxpr.invars[i] for i in order], list(closed.jaxpr.outvars))


def consts_as_inputs(closed: core.ClosedJaxpr) -> core.ClosedJaxpr:
    """The same function with the arrays it closes over as its first inputs."""
    jaxpr = closed.jaxpr
    return rebuilt(closed, [*jaxpr.constvars, *jaxpr.invars], list(jaxpr.outvars), consts=False)


def with_consts(
    closed: core.ClosedJaxpr, equations: list[core.JaxprEqn], consts: dict[Any, Any]
) -> core.ClosedJaxpr:
    """These operations of the same function, closing over these arrays."""
    jaxpr = closed.jaxpr.replace(constvars=list(consts), eqns=equations)
    return core.ClosedJaxpr(jaxpr, list(consts.values()))


def is_explicitly_placed(aval: Any) -> bool:
    """Whether the type of an array says on which devices, or in which part of a map, it lives."""
    mesh = getattr(getattr(aval, "sharding", None), "mesh", None)
    kinds = {str(kind) for kind in getattr(mesh, "axis_types", ())}
    return any("Manual" in kind or "Explicit" in kind for kind in kinds)
