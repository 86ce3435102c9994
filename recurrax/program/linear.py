"""Whether a loop is linear in its carry, and diagonal: then it can run in parallel over time."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp

from recurrax.program.ir import Op, Value
from recurrax.program.products import PRODUCTS
from recurrax.program.sums import LINEAR as LINEAR_OVER_TIME

# Operations that treat every entry of an array alike and apart from the others.
ELEMENTWISE = {
    "add", "add_any", "sub", "mul", "div", "rem", "neg", "sign", "abs", "max", "min", "clamp",
    "pow", "integer_pow", "square", "sqrt", "rsqrt", "cbrt", "exp", "exp2", "expm1", "log", "log1p",
    "logistic", "tanh", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh",
    "asinh", "acosh", "atanh", "erf", "erfc", "erf_inv", "floor", "ceil", "round", "is_finite",
    "and", "or", "xor", "not", "eq", "ne", "lt", "le", "gt", "ge", "select_n", "real", "imag",
    "conj", "complex", "convert_element_type", "copy", "reshape", "squeeze", "expand_dims",
    "broadcast_in_dim",
}  # fmt: skip
# Linear in the real and the imaginary part, but not in a complex number.
PARTS = {"real", "imag", "conj", "complex"}
LINEAR = LINEAR_OVER_TIME | PARTS | {"convert_element_type", "pad", "select_n"}


@dataclass(frozen=True)
class Kind:
    """What a loop is in its carry."""

    linear: bool
    diagonal: bool  # no entry of the carry meets another of its component

    @property
    def parallel(self) -> bool:
        return self.linear and self.diagonal


def kind_of(ops: Sequence[Op], carry: Sequence[Value]) -> Kind:
    """Of the operations of a loop over ``carry``."""
    moving = set(carry)
    linear = diagonal = True
    of_complex = any(jnp.issubdtype(v.dtype, jnp.complexfloating) for v in carry)
    for op in ops:
        inside = [v for v in op.inputs if v in moving]
        moving.update(op.outputs)
        one = len(inside) == 1 and op.name in ("mul", *PRODUCTS)
        divided = op.name == "div" and len(inside) == 1 and op.inputs[0] in inside
        kept = op.name in LINEAR and not (of_complex and op.name in PARTS)
        kept &= op.name != "select_n" or op.inputs[0] not in inside
        linear &= kept or one or divided
        linear &= all(jnp.issubdtype(v.dtype, jnp.inexact) for v in op.outputs)
        apart = all(v.size == op.out.size for v in inside)  # no entry is read by several
        diagonal &= op.name in ELEMENTWISE and apart
    diagonal &= len({v.size for v in carry}) == 1
    return Kind(linear, diagonal)
