"""A loop that is linear and diagonal in its carry, in parallel over time.

Every step of such a loop is an affine map of the carry, c' = A c + b, with A and b known before it
runs. Maps compose to maps, (A2, b2) after (A1, b1) is (A2 A1, A2 b1 + b2), and composition is
associative: all running compositions take log2(T) rounds of bulk work (Blelloch 1990, "Prefix sums
and their applications"; for recurrent networks Martin & Cundy 2018, arXiv:1709.04057). A carry of
several components, such as the two parts of a complex number, makes A a small block for each entry.

A is found by differentiation: entries do not meet, so the tangent of c' for a tangent of ones in a
component is that column of every block at once.

A product of many A may overflow where the loop itself stays finite, as when a growing carry is
reset; and a reset, A = 0, takes a loop out of NaN but not a sum of products. Where a product or a
carry is not finite, the loop runs step by step instead.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from recurrax.evaluators.window import shifted
from recurrax.program.ir import Value, evaluate
from recurrax.program.program import Loop, Program

Arrays = list[Any]


def run_loop(
    loop: Loop,
    program: Program,
    reverse: bool,
    steps: int,
    known: dict[Value, Any],
    carry: Arrays,
    read: Callable[[Value], Any],
    step_by_step: Callable[[], tuple[Arrays, Arrays]],
) -> tuple[Arrays, Arrays]:
    """The carry at the end, and what the loop exports at every step."""
    olds = [program.carry[i] for i in loop.components]
    news = [program.new_carry[i] for i in loop.components]
    start = [carry[i] for i in loop.components]
    entries = [read(v) for v in loop.inputs]

    def at(now: Sequence[Any], entry: Sequence[Any], wanted: Sequence[Value]) -> Arrays:
        env = {**known, **dict(zip(olds, now, strict=True))}
        env.update(zip(loop.inputs, entry, strict=True))
        evaluate(loop.ops, env)
        return [env[v] for v in wanted]

    def affine(_: Any, entry: Sequence[Any]) -> tuple[list[Arrays], Arrays]:
        """A, column by column, and b."""
        nothing = [jnp.zeros(v.shape, v.dtype) for v in olds]
        ones = [jnp.ones(v.shape, v.dtype) for v in olds]
        columns, b = [], nothing
        for j, one in enumerate(ones):
            along = [*nothing[:j], one, *nothing[j + 1 :]]
            b, column = jax.jvp(lambda now: at(now, entry, news), (nothing,), (along,))
            columns.append(column)
        return columns, b

    A, b = jax.vmap(affine)(jnp.arange(steps), entries)  # the loop may read no sequence
    products, after = lax.associative_scan(composed, (A, b), reverse=reverse)
    moved = applied(products, [s[None] for s in start])
    after = [m + a for m, a in zip(moved, after, strict=True)]
    finite = [jnp.all(jnp.isfinite(a)) for a in jax.tree.leaves((products, after))]

    def in_parallel() -> tuple[Arrays, Arrays]:
        ends = [a[0 if reverse else -1] for a in after]
        before = [shifted(s, a, reverse) for s, a in zip(start, after, strict=True)]
        whole = dict(zip(news, after, strict=True))
        others = [v for v in loop.exports if v not in whole]
        if others:
            made = jax.vmap(lambda now, entry: at(now, entry, others))(before, entries)
            whole.update(zip(others, made, strict=True))
        return ends, [whole[v] for v in loop.exports]

    return lax.cond(jnp.all(jnp.stack(finite)), in_parallel, step_by_step)


def applied(columns: list[Arrays], values: Sequence[Any]) -> Arrays:
    """A times a vector of components."""
    terms = [[a * v for a in column] for column, v in zip(columns, values, strict=True)]
    return [sum(row[1:], row[0]) for row in zip(*terms, strict=True)]


def composed(first: Any, then: Any) -> Any:
    """The map ``then`` after the map ``first``."""
    (A1, b1), (A2, b2) = first, then
    moved = applied(A2, b1)
    return [applied(A2, column) for column in A1], [m + b for m, b in zip(moved, b2, strict=True)]
