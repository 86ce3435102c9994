"""The transpose of a linear step is a step that runs the other way in time.

Its carry consists of the cotangents of the carry and of the sums that become the cotangents of the
parameters, so weight gradients are reductions of it.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import jax

from recurrax.program.calculus.derivative import traced
from recurrax.program.calculus.reach import Flags
from recurrax.program.frontend.jaxpr import Fragment
from recurrax.program.inline import PLAIN_AND_REMAT
from recurrax.program.ir import Body, Inputs, split, take
from recurrax.program.step import Step


@lru_cache(maxsize=4096)
def transpose_of(step: Step, linear: Inputs[bool], seen: Flags) -> Step:
    """The transpose of a step that is linear in the flagged inputs and in its carry.

    Args:
      step: a step whose flags ``linear.carry`` are all set.
      linear: the inputs whose cotangents are wanted.
      seen: the outputs that have a cotangent.

    Returns:
      A step. Its consts are those that are not flagged; its carry, the cotangents of the carry and
      then the sums for the flagged consts; its lagged inputs, those that are not flagged; its xs,
      those that are not flagged and then the cotangents of the outputs. Its outputs are the
      cotangents of the flagged lagged inputs, one per step that read it, and of the flagged xs.
    """
    body = step.body
    fixed = linear.map(lambda flag: not flag)
    values = body.inputs.where(fixed)
    sums = take(body.inputs.consts, linear.consts)
    seen_ys = take(body.ys, seen)
    sizes = (
        len(values.consts), len(body.new_carry), len(sums), len(values.lagged), len(values.xs),
        len(seen_ys),
    )  # fmt: skip
    fragment = transposed_fragment(body, linear, seen, sizes)
    consts, ct_carry, total, lagged, xs, ct_ys = split(fragment.inputs, sizes)
    n = len(ct_carry) + len(total)
    back = Body(
        Inputs(consts, (*ct_carry, *total), lagged, (*xs, *ct_ys)),
        fragment.ops,
        fragment.outputs[:n],
        fragment.outputs[n:],
        linear=True,
    )
    return replace(
        step,
        body=back,
        reverse=not step.reverse,
        lags=take(step.lags, fixed.lagged),
        lagged_axes=take(step.lagged_axes, fixed.lagged),
        x_axes=(*take(step.x_axes, fixed.xs), *take(step.y_axes, seen)),
        y_axes=(*take(step.lagged_axes, linear.lagged), *take(step.x_axes, linear.xs)),
    )


def transposed_fragment(
    body: Body, linear: Inputs[bool], seen: Flags, sizes: tuple[int, ...]
) -> Fragment:
    """The operations of the transpose, on the groups of inputs that ``sizes`` counts."""
    fixed = linear.map(lambda flag: not flag)
    inputs, values = body.inputs.where(linear), body.inputs.where(fixed)
    wanted = (*[True] * len(body.new_carry), *seen)
    n_consts, n_carry = len(inputs.consts), len(inputs.carry)

    def f(*args: Any) -> list[Any]:
        consts, ct_carry, total, lagged, xs, ct_ys = split(args, sizes)
        known = iter([*consts, *lagged, *xs])
        primals = [None if flag else next(known) for flag in linear.flat]

        def along(*active: Any) -> list[Any]:
            moved = iter(active)
            both = zip(primals, linear.flat, strict=True)
            full = [next(moved) if flag else v for v, flag in both]
            return list(take(body(*full), wanted))

        transposed = jax.linear_transpose(along, *[v.struct for v in inputs.flat])
        cotangents = transposed([*ct_carry, *ct_ys])
        rest = len(cotangents) - n_consts - n_carry
        ct_consts, ct_before, ct_rest = split(cotangents, (n_consts, n_carry, rest))
        sums = [a + b for a, b in zip(total, ct_consts, strict=True)]
        return [*ct_before, *sums, *ct_rest]

    seen_ys = take(body.ys, seen)
    order = (
        *values.consts, *body.new_carry, *inputs.consts, *values.lagged, *values.xs, *seen_ys,
    )  # fmt: skip
    names = [
        *[v.name for v in values.consts],
        *[cotangent_name(v.name) for v in inputs.carry],
        *[cotangent_name(v.name) for v in inputs.consts],
        *[v.name for v in (*values.lagged, *values.xs)],
        *[cotangent_name(v.name or "y") for v in seen_ys],
    ]
    return traced(f, [v.struct for v in order], names, PLAIN_AND_REMAT)


def cotangent_name(name: str) -> str:
    """``d(carry.h)`` is the name of a tangent, ``ct(carry.h)`` that of a cotangent."""
    inner = name[2:-1] if name.startswith("d(") else name
    return f"ct({inner})"
