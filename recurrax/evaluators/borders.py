"""Gradients in bounded memory: only the carries at the borders of chunks are kept.

A run over ``T`` steps in chunks of ``K`` keeps ``T / K`` carries, and computes each chunk again
when its gradient is due: memory ``O(T / K + K)`` for one more forward pass.
"""

import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from recurrax.evaluators.recurrence import recurrence_p
from recurrax.program.step import Step


def length_of_pieces(length: int) -> int:
    """About the root of the length; a divisor of it where there is one, which spares copies."""
    root = math.isqrt(length - 1) + 1
    return next((n for n in range(root, root // 2, -1) if length % n == 0), root)


def run(operands: list[Any], step: Step, chunk: int | None) -> list[Any]:
    """Evaluates a recurrence; a reverse pass finds only every ``chunk``-th carry."""
    consts, carry, _, _, xs = step.split_operands(operands)
    size = min(chunk or length_of_pieces(step.length), step.length)
    whole, rest = divmod(step.length, size)
    cut = rest if step.reverse else whole * size  # where the shorter piece meets the others

    def piece(carry: list[Any], xs: list[Any], length: int) -> tuple[list[Any], list[Any]]:
        part = replace(step, length=length, chunk=None)
        out = recurrence_p.bind(*consts, *carry, *xs, step=part)
        return out[: step.carry], out[step.carry :]

    def stretch(x: Any, axis: int, start: int, stop: int) -> Any:
        return lax.slice_in_dim(x, start, stop, axis=axis)

    start, stop = (cut, step.length) if step.reverse else (0, cut)
    pieces = [
        jnp.moveaxis(
            stretch(x, axis, start, stop).reshape(
                *x.shape[:axis], whole, size, *x.shape[axis + 1 :]
            ),
            axis,
            0,
        )
        for x, axis in zip(xs, step.x_axes, strict=True)
    ]

    @jax.checkpoint
    def body(carry: list[Any], xs: list[Any]) -> tuple[list[Any], list[Any]]:
        return piece(carry, xs, size)

    carry, ys = lax.scan(body, carry, pieces, length=whole, reverse=step.reverse)
    ys = [
        jnp.moveaxis(y, 0, axis).reshape(*y.shape[1 : axis + 1], whole * size, *y.shape[axis + 2 :])
        for y, axis in zip(ys, step.y_axes, strict=True)
    ]
    if rest:
        start, stop = (0, cut) if step.reverse else (cut, step.length)
        last = [stretch(x, axis, start, stop) for x, axis in zip(xs, step.x_axes, strict=True)]
        carry, ends = jax.checkpoint(piece, static_argnums=2)(carry, last, rest)
        ys = [
            jnp.concatenate([end, y] if step.reverse else [y, end], axis)
            for y, end, axis in zip(ys, ends, step.y_axes, strict=True)
        ]
    return [*carry, *ys]
