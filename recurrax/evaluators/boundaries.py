"""Gradients in bounded memory: only the carries at the boundaries of chunks are stored.

A run over ``T`` steps in chunks of ``K`` stores ``T / K`` carries, and computes each chunk again
when its gradient is due: memory ``O(T / K + K)`` for one more forward pass.
"""

import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from recurrax.evaluators.contract import Arrays
from recurrax.evaluators.recurrence import recurrence
from recurrax.program.step import Operands, Policy, Step


def chunk_between_boundaries(length: int) -> int:
    """About the root of the length; a divisor of it where there is one, which avoids copies."""
    root = math.isqrt(length - 1) + 1
    return next((n for n in range(root, root // 2, -1) if length % n == 0), root)


def run(operands: Operands, step: Step, policy: Policy) -> Arrays:
    """Evaluates a recurrence; a reverse pass finds only every ``chunk``-th carry."""
    size = min(policy.chunk or chunk_between_boundaries(step.length), step.length)
    whole, rest = divmod(step.length, size)
    cut = rest if step.reverse else whole * size  # between the shorter chunk and the others
    policy = replace(policy, chunk=None)

    def piece(carry: Arrays, xs: Arrays, length: int) -> tuple[Arrays, Arrays]:
        part = operands._replace(carry=tuple(carry), xs=tuple(xs))
        out = recurrence(part, replace(step, length=length), policy)
        return out[: len(carry)], out[len(carry) :]

    @jax.checkpoint
    def body(carry: Arrays, xs: Arrays) -> tuple[Arrays, Arrays]:
        return piece(carry, xs, size)

    start = cut if step.reverse else 0
    pieces = [
        in_pieces(lax.slice_in_dim(x, start, start + whole * size, axis=axis), axis, whole)
        for x, axis in zip(operands.xs, step.x_axes, strict=True)
    ]
    first = list(operands.carry)
    carry, ys = lax.scan(body, first, pieces, length=whole, reverse=step.reverse)
    ys = [from_pieces(y, axis) for y, axis in zip(ys, step.y_axes, strict=True)]
    if rest:
        start = 0 if step.reverse else cut
        last = [
            lax.slice_in_dim(x, start, start + rest, axis=axis)
            for x, axis in zip(operands.xs, step.x_axes, strict=True)
        ]
        carry, ends = jax.checkpoint(piece, static_argnums=2)(carry, last, rest)
        ys = [
            jnp.concatenate([end, y] if step.reverse else [y, end], axis)
            for y, end, axis in zip(ys, ends, step.y_axes, strict=True)
        ]
    return [*carry, *ys]


def in_pieces(x: Any, axis: int, number: int) -> Any:
    """A sequence cut into pieces along a new leading axis."""
    size = x.shape[axis] // number
    x = x.reshape(*x.shape[:axis], number, size, *x.shape[axis + 1 :])
    return jnp.moveaxis(x, axis, 0)


def from_pieces(y: Any, axis: int) -> Any:
    """The inverse of :func:`in_pieces`."""
    number, size = y.shape[0], y.shape[axis + 1]
    shape = (*y.shape[1 : axis + 1], number * size, *y.shape[axis + 2 :])
    return jnp.moveaxis(y, 0, axis).reshape(shape)
