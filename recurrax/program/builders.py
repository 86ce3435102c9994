"""Operations that the passes add, with the shapes of their results worked out."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import zip_longest
from typing import Any

import jax
import numpy as np
from jax import lax
from jax.extend.core import primitives

from recurrax.program.ir import Op, Value


def add(a: Value, b: Value, out: Value | None = None) -> Op:
    return elementwise(lax.add, (a, b), out or broadcast(a, b))


def mul(a: Value, b: Value, out: Value | None = None) -> Op:
    return elementwise(lax.mul, (a, b), out or broadcast(a, b))


def neg(a: Value) -> Op:
    return elementwise(lax.neg, (a,), a.like())


def elementwise(f: Callable[..., Any], inputs: tuple[Value, ...], out: Value) -> Op:
    primitive, params = traced(f, len(inputs))
    return Op(primitive, params, inputs, (out,))


@cache
def traced(f: Callable[..., Any], operands: int) -> tuple[Any, Mapping[str, Any]]:
    """A primitive with the parameters that this version of JAX gives it."""
    (eqn,) = jax.make_jaxpr(f)(*[jax.ShapeDtypeStruct((), np.float32)] * operands).eqns
    return eqn.primitive, eqn.params


def broadcast(a: Value, b: Value) -> Value:
    """The result of an elementwise operation; axes of size 1 stretch."""
    pairs = list(zip_longest(a.shape[::-1], b.shape[::-1], fillvalue=1))
    return a.like([n if m == 1 else m for m, n in pairs][::-1])  # a size may be a symbol


def transpose(a: Value, permutation: Sequence[int]) -> Op:
    out = a.like([a.shape[i] for i in permutation])
    return Op(primitives.transpose_p, {"permutation": tuple(permutation)}, (a,), (out,))


def concatenate(values: Sequence[Value], axis: int) -> Op:
    shape = list(values[0].shape)
    shape[axis] = sum(v.shape[axis] for v in values)
    out = values[0].like(shape)
    return Op(primitives.concatenate_p, {"dimension": axis}, tuple(values), (out,))


def slice_op(a: Value, axis: int, start: int, out: Value) -> Op:
    """``out`` is the part of ``a`` along ``axis`` that begins at ``start``."""
    first = [0] * a.ndim
    last = list(a.shape)
    first[axis], last[axis] = start, start + out.shape[axis]
    params = {"start_indices": tuple(first), "limit_indices": tuple(last), "strides": None}
    return Op(primitives.slice_p, params, (a,), (out,))
