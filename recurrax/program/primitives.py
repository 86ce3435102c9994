"""What is known about JAX's primitives. No other module of the compiler knows one by its name.

A primitive that is not in the table is compiled all the same, as long as it is a pure function of
arrays: nothing is assumed about it, so no pass moves it, and JAX's own rules differentiate it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jax.extend import core

from recurrax.program.jax_internals import draws_alike_in_bulk, is_key

ADD, ADD_ANY, SUB, NEG, MUL, DIV = "add", "add_any", "sub", "neg", "mul", "div"
DOT, CONV = "dot_general", "conv_general_dilated"
CONCATENATE, SLICE, TRANSPOSE, REDUCE_SUM = "concatenate", "slice", "transpose", "reduce_sum"
SELECT = "select_n"
SCAN = "scan"
CUSTOM_VJPS = ("custom_vjp_call", "custom_vjp_call_jaxpr")
GENERATORS = ("rng_bit_generator", "rng_uniform")  # of random bits, not from a key
RECURRENCE = "recurrence"  # ours: evaluators/recurrence.py

SHORT = {DOT: "matmul", CONV: "conv", CONCATENATE: "concat", "broadcast_in_dim": "broadcast"}
"""Shorter names for results, in printed programs."""

SUMS = (ADD, ADD_ANY)
CONTRACTIONS = (DOT, CONV)


@dataclass(frozen=True)
class Facts:
    """Properties of a primitive. Each is stated as the equation that a pass relies on."""

    additive: bool = False
    """f(a + b, c + d) = f(a, c) + f(b, d): linear in all operands together."""
    linear: bool = False
    """Additive for real arrays, perhaps with restrictions that ``linearity.py`` states."""
    bilinear: bool = False
    """f(a + b, c) = f(a, c) + f(b, c), and the same for the other operand."""
    elementwise: bool = False
    """Each entry of the result depends on one entry of each operand; the order is kept."""
    of_complex: bool = False
    """Takes a complex number apart or puts one together: linear in the parts only."""
    moves: bool = False
    """Only moves entries to other axes; the inverse of such a move always exists."""
    identity: bool = False
    """Returns its operand where shape and dtype stay the same."""
    slope: Callable[[Any], Any] | None = None
    """The derivative, as a function of the result."""
    call: str = ""
    """How it calls the function that it holds: "plain", "remat" (``jax.checkpoint``), or "rule" (a
    ``custom_jvp`` or ``custom_vjp``, which says how to differentiate the function)."""
    random: bool = False
    """Draws random numbers from a key or a state."""
    callback: bool = False
    """Calls out of JAX."""
    holds_function: bool = False
    """Has a function of scalars among its parameters, which is part of what it computes."""


def each(names: str, facts: Facts) -> dict[str, Facts]:
    return dict.fromkeys(names.split(), facts)


ELEMENTWISE = """
    abs acos acosh and asin asinh atan atan2 atanh cbrt ceil clamp cos cosh eq erf erf_inv erfc exp2
    expm1 floor ge gt integer_pow is_finite le log log1p lt max min ne not or pow rem round rsqrt
    sign sin sinh sqrt square tan xor
"""
SCATTERS = """
    reduce reduce_window scatter scatter-add scatter_add scatter-mul scatter_mul scatter_min
    scatter_max scatter-min scatter-max
"""
TABLE: dict[str, Facts] = {
    **each(ELEMENTWISE, Facts(elementwise=True)),
    **each("add add_any sub neg", Facts(additive=True, linear=True, elementwise=True)),
    **each("copy copy_p", Facts(additive=True, linear=True, elementwise=True, identity=True)),
    **each("concatenate slice split rev reduce_sum", Facts(additive=True, linear=True)),
    **each("transpose", Facts(additive=True, linear=True, moves=True)),
    **each("squeeze", Facts(additive=True, linear=True, elementwise=True, moves=True)),
    **each("expand_dims", Facts(additive=True, linear=True, elementwise=True)),
    **each("reshape", Facts(True, linear=True, elementwise=True, moves=True, identity=True)),
    **each("broadcast_in_dim", Facts(True, linear=True, elementwise=True, identity=True)),
    **each("convert_element_type", Facts(linear=True, elementwise=True, identity=True)),
    **each("pad", Facts(linear=True)),
    **each("select_n", Facts(linear=True, elementwise=True)),
    **each("real imag conj complex", Facts(linear=True, elementwise=True, of_complex=True)),
    **each("mul", Facts(bilinear=True, elementwise=True)),
    **each("dot_general conv_general_dilated", Facts(bilinear=True)),
    **each("div", Facts(elementwise=True)),
    **each("tanh", Facts(elementwise=True, slope=lambda y: (1 + y) * (1 - y))),
    **each("logistic", Facts(elementwise=True, slope=lambda y: y * (1 - y))),
    **each("exp", Facts(elementwise=True, slope=lambda y: y)),
    **each("jit pjit closed_call core_call", Facts(call="plain")),
    **each("remat2 checkpoint", Facts(call="remat")),
    **each("custom_jvp_call custom_vjp_call custom_vjp_call_jaxpr", Facts(call="rule")),
    **each("random_bits random_split random_fold_in random_gamma", Facts(random=True)),
    **each("threefry2x32 rng_bit_generator", Facts(random=True)),
    **each("rng_uniform", Facts(random=True)),
    **each("pure_callback io_callback debug_callback ffi_call", Facts(callback=True)),
    **each(SCATTERS, Facts(holds_function=True)),
}
UNKNOWN = Facts()


def facts(op: Any) -> Facts:
    """What is known of an operation of the body, or of a jaxpr."""
    return TABLE.get(op.primitive.name, UNKNOWN)


def runs_step_by_step(op: Any) -> bool:
    """Whether an operation draws other random numbers for many steps at once than step by step."""
    keys = [v.dtype for v in op.inputs if is_key(v.dtype)]
    return op.name in GENERATORS or (facts(op).random and not all(map(draws_alike_in_bulk, keys)))


def inner_jaxpr(params: Mapping[str, Any]) -> core.ClosedJaxpr:
    """The jaxpr that a call primitive calls."""
    jaxpr = params.get("jaxpr", params.get("call_jaxpr"))
    if isinstance(jaxpr, core.ClosedJaxpr):
        return jaxpr
    assert isinstance(jaxpr, core.Jaxpr)
    return core.ClosedJaxpr(jaxpr, ())


def inner_equations(params: Mapping[str, Any]) -> Iterator[core.JaxprEqn]:
    """All operations of the functions that an operation holds, however deep."""
    for jaxpr in core.jaxprs_in_params(dict(params)):
        for eqn in jaxpr.eqns:
            yield eqn
            yield from inner_equations(eqn.params)


def holds_jaxpr(params: Mapping[str, Any]) -> bool:
    return any(True for _ in core.jaxprs_in_params(dict(params)))
