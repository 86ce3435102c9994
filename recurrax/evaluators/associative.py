"""A loop that is linear and diagonal in its carry, in parallel over time.

Every step of such a loop is an affine map of the carry, c' = A c + b, with A and b known before it
runs. Maps compose to maps, (A2, b2) after (A1, b1) is (A2 A1, A2 b1 + b2), and composition is
associative: all running compositions take log2(T) rounds of bulk work (Blelloch 1990, "Prefix sums
and their applications"; for recurrent networks Martin & Cundy 2018, arXiv:1709.04057). A carry of
several components, such as the two parts of a complex number, makes A a small block for each entry.

A is found by differentiation: entries are independent, so the tangent of c' for a tangent of ones
in a component is that column of every block at once.

A product of many A may overflow where the loop itself stays finite, as when a growing carry is
reset; and a reset, A = 0, takes a loop out of NaN but not a sum of products. Where a product or a
carry is not finite, the loop runs step by step instead.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from recurrax.evaluators import sequential
from recurrax.evaluators.contract import Arrays, Context, Evaluator, LoopInputs
from recurrax.evaluators.window import shifted
from recurrax.program.ir import Value
from recurrax.program.plan import Loop

MIN_STEPS = 64


def can_run(loop: Loop, context: Context) -> str | None:
    """``None`` for a loop that is linear and diagonal, where that is asked for or pays.

    On a CPU it is slower: an elementwise step costs a tenth of a microsecond there, and a parallel
    run several passes over the arrays of all steps (1.1 to 15 times the time, from 256 to 16384
    steps). An accelerator pays some ten microseconds for every step of a loop.
    """
    method = context.policy.method
    if not loop.linearity.linear:
        return "the loop is not linear in its carry"
    if not loop.linearity.diagonal:
        return (
            "the loop is linear, but an entry of its carry depends on several others, and whole "
            "matrices would have to be multiplied"
        )
    if method not in ("auto", "associative"):
        return f"method={method!r} was asked for"
    if method == "auto" and context.platform == "cpu":
        return "a parallel run is slower on a CPU"
    if method == "auto" and context.length < MIN_STEPS:
        return f"a parallel run pays from {MIN_STEPS} steps on"
    return None


def run(loop: Loop, inputs: LoopInputs) -> tuple[Arrays, Arrays]:
    """Runs the loop in parallel over time, or step by step where a product is not finite."""
    A, b = jax.vmap(lambda _, entry: affine(loop, inputs, entry))(
        jnp.arange(inputs.steps),  # the loop may read no sequence
        inputs.entries,
    )
    products, after = lax.associative_scan(composed, (A, b), reverse=inputs.reverse)
    moved = applied(products, [c[None] for c in inputs.carry])
    after = [m + a for m, a in zip(moved, after, strict=True)]
    finite = [jnp.all(jnp.isfinite(a)) for a in jax.tree.leaves((products, after))]
    return lax.cond(
        jnp.all(jnp.stack(finite)),
        lambda: results(loop, inputs, after),
        lambda: sequential.run(loop, inputs),
    )


def values_at(
    loop: Loop,
    inputs: LoopInputs,
    now: Sequence[Any],
    entry: Sequence[Any],
    wanted: Sequence[Value],
) -> Arrays:
    """Values of one step, from the carry before it."""
    env = {**inputs.known, **dict(zip(loop.carry, now, strict=True))}
    env.update(zip(loop.live_in, entry, strict=True))
    loop.step(env)
    return [env[v] for v in wanted]


def affine(loop: Loop, inputs: LoopInputs, entry: Sequence[Any]) -> tuple[list[Arrays], Arrays]:
    """A, column by column, and b."""
    nothing = [jnp.zeros(v.shape, v.dtype) for v in loop.carry]
    ones = [jnp.ones(v.shape, v.dtype) for v in loop.carry]
    columns, b = [], nothing
    for j, one in enumerate(ones):
        along = [*nothing[:j], one, *nothing[j + 1 :]]
        b, column = jax.jvp(
            lambda now: values_at(loop, inputs, now, entry, loop.new_carry), (nothing,), (along,)
        )
        columns.append(column)
    return columns, b


def results(loop: Loop, inputs: LoopInputs, after: Arrays) -> tuple[Arrays, Arrays]:
    """The last carry and what the loop stores, from the carry after every step."""
    ends = [a[0 if inputs.reverse else -1] for a in after]
    before = [shifted(c, a, inputs.reverse) for c, a in zip(inputs.carry, after, strict=True)]
    whole = dict(zip(loop.new_carry, after, strict=True))
    others = [v for v in loop.live_out if v not in whole]
    if others:
        made = jax.vmap(lambda now, entry: values_at(loop, inputs, now, entry, others))(
            before, inputs.entries
        )
        whole.update(zip(others, made, strict=True))
    return ends, [whole[v] for v in loop.live_out]


def applied(columns: list[Arrays], values: Sequence[Any]) -> Arrays:
    """A times a vector of components."""
    terms = [[a * v for a in column] for column, v in zip(columns, values, strict=True)]
    return [sum(row[1:], row[0]) for row in zip(*terms, strict=True)]


def composed(first: Any, then: Any) -> Any:
    """The map ``then`` after the map ``first``."""
    (A1, b1), (A2, b2) = first, then
    moved = applied(A2, b1)
    return [applied(A2, column) for column in A1], [m + b for m, b in zip(moved, b2, strict=True)]


ASSOCIATIVE = Evaluator("associative", can_run, run, whole_run=True)
