"""Everything that JAX does not document: one place to look at when a release of JAX moves it."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import core as jax_core
from jax._src import config, source_info_util
from jax._src.core import DebugInfo
from jax.extend import core
from jax.interpreters import ad, batching, mlir

COMPILER = tuple(str(Path(__file__).parent.parent / name) for name in ("program", "evaluators"))


@dataclass(frozen=True)
class Origin:
    """Where an operation comes from: the user's line, its named scopes, JAX's settings there."""

    source: Any  # traceback and name stack
    context: Any  # of the jaxpr's equation, such as compute_on or xla_metadata

    @classmethod
    def of(cls, eqn: core.JaxprEqn, outer: "Origin | None" = None, called: str = "") -> "Origin":
        """The origin of an equation.

        ``outer`` is that of the call that it stands in, ``called`` the name of the called function.
        A function of JAX's, such as ``jnp.where``, is traced once for all its callers, so the
        line is that of the call, unless the equation's line is in the called function itself.
        """
        source = eqn.source_info
        if outer is not None:
            frame = source_info_util.user_frame(source.traceback)
            inside = frame is not None and frame.function_name == called
            names = outer.source.name_stack + source.name_stack
            traceback = source.traceback if inside else outer.source.traceback
            source = source.replace(name_stack=names, traceback=traceback)
        return cls(source, eqn.ctx)

    @property
    def key(self) -> Any:
        """Equal for operations of one line and scope, under the same settings."""
        frame = self.frame
        where = frame and (frame.file_name, frame.start_line, frame.start_column)
        return where, self.scope, self.context  # JAX keeps one object for equal contexts

    @property
    def scope(self) -> str:
        """The named scopes, such as ``encoder/gate``."""
        return str(self.source.name_stack)

    @property
    def frame(self) -> Any:
        """The user's frame: ``file_name``, ``function_name``, ``start_line``, ...

        ``None`` for operations that the compiler itself adds.
        """
        frame = source_info_util.user_frame(self.source.traceback)
        return None if frame is None or frame.file_name.startswith(COMPILER) else frame

    def scopes(self) -> AbstractContextManager[None]:
        """A context in which operations get the names and the source line of this origin."""
        names = source_info_util.current_name_stack() + self.source.name_stack
        return source_info_util.user_context(self.source.traceback, name_stack=names)


def bind(
    primitive: core.Primitive, operands: Sequence[Any], params: Any, origin: Origin | None
) -> list[Any]:
    """The results of an operation, under the names and the source line of its origin."""
    params = primitive.get_bind_params(params)
    if origin is None:
        out = primitive.bind(*operands, **params)
    else:
        with origin.scopes(), origin.context.manager:
            out = primitive.bind(*operands, **params)
    return list(out) if primitive.multiple_results else [out]


def scopes_of(origin: Origin | None) -> AbstractContextManager[None]:
    """The context of an origin, if there is one."""
    return nullcontext() if origin is None else origin.scopes()


def trace_context() -> Any:
    """The settings of JAX, and the named axes, on which a trace depends."""
    return config.trace_context()


def is_key(dtype: Any) -> bool:
    """Whether a dtype is that of random keys."""
    return jnp.issubdtype(dtype, jax.dtypes.prng_key)


def draws_alike_in_bulk(dtype: Any) -> bool:
    """Whether ``vmap`` over keys of this dtype draws what each key draws alone."""
    return dtype._impl.tag == "fry"  # Threefry; JAX makes no such promise for other generators


def abstract_results(primitive: core.Primitive, avals: Sequence[Any], params: Any) -> list[Any]:
    """What JAX's abstract evaluation says that an operation returns."""
    out, _ = primitive.abstract_eval(*avals, **params)
    return list(out) if primitive.multiple_results else [out]


def equation(
    inputs: Sequence[Any], outputs: Sequence[Any], primitive: Any, params: Any, origin: Any
) -> core.JaxprEqn:
    """An equation of a jaxpr without effects."""
    source, context = (None, None) if origin is None else (origin.source, origin.context)
    return core.new_jaxpr_eqn(inputs, outputs, primitive, params, set(), source, context)


def literal(value: Any, aval: Any) -> Any:
    return core.Literal(value, aval)


def closed_jaxpr(
    inputs: dict[Any, str],
    equations: Iterable[core.JaxprEqn],
    outputs: Sequence[Any],
    consts: dict[Any, Any],
) -> core.ClosedJaxpr:
    """A jaxpr on named inputs, closed over ``consts``: variables and their arrays."""
    names = tuple(inputs.values())
    info = DebugInfo("recurrence", "step", names, ("",) * len(outputs))
    jaxpr = core.Jaxpr(list(consts), list(inputs), list(outputs), list(equations), debug_info=info)
    return core.ClosedJaxpr(jaxpr, list(consts.values()))


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
    rules: Callable[[], Any],
) -> core.Primitive:
    """A primitive with every rule that ``lax.scan`` has.

    The primitive takes static parameters: a step, how to run it, and the step as a jaxpr, for
    tools that walk through jaxprs. ``evaluate`` also takes ``platform``, "cpu" or
    "accelerator". What a program is compiled to depends on the value of ``rules()``, too.
    """
    primitive = core.Primitive(name)
    primitive.multiple_results = True

    def bind(*operands: Any, rules: Any, **params: Any) -> Any:
        del rules  # part of the key under which JAX keeps the compiled program
        return primitive.bind(*operands, **params)

    compiled = jax.jit(bind, static_argnames=("step", "policy", "jaxpr", "rules"))

    def run(*operands: Any, **params: Any) -> Any:
        if looks_for_nans():
            return reference(*operands, **params)  # JAX says in which operation of the step
        if jax.config.jax_disable_jit:  # type: ignore[attr-defined]
            return evaluate(*operands, **params, platform=jax.default_backend())
        return compiled(*operands, **params, rules=rules())

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


def looks_for_nans() -> bool:
    """Whether JAX was asked to stop at the first NaN or infinity."""
    return jax.config.jax_debug_nans or jax.config.jax_debug_infs  # type: ignore[attr-defined]


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


def is_explicitly_placed(aval: Any) -> bool:
    """Whether the type of an array says on which devices, or in which part of a map, it lives."""
    mesh = getattr(getattr(aval, "sharding", None), "mesh", None)
    kinds = {str(kind) for kind in getattr(mesh, "axis_types", ())}
    return any("Manual" in kind or "Explicit" in kind for kind in kinds)
