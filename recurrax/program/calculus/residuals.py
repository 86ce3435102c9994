"""Residuals: what the forward pass saves for the backward pass.

A derivative reads the carry before each step and computes all else again. It need not compute

* the carry *after* the step, which is stored anyway: the slope of ``h' = tanh(z)`` is ``1 - h'^2``;
  where a step holds its carry, ``h' = select(valid, tanh(z), h)``, the slope of the tanh matters at
  valid steps only, and there it follows from h' too;
* what a long contraction produced, where the forward pass stores it: the gates ``sigmoid(z)`` of a
  step with many units, whose slopes are ``i (1 - i)``;
* random numbers (:mod:`recurrax.program.calculus.draws`).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import jax

from recurrax.program.calculus.draws import drawn
from recurrax.program.contractions import contraction_size, is_contraction
from recurrax.program.ir import Body, Constant, Op, Value, evaluate, ordered, read
from recurrax.program.jax_internals import Origin, scopes_of
from recurrax.program.passes.common import signature
from recurrax.program.primitives import SELECT, facts

MIN_CONTRACTION_TO_SAVE = 512  # numbers summed per result of a contraction that is not done twice


@lru_cache(maxsize=4096)
def residuals_of(body: Body, store_gates: bool) -> tuple[Value, ...]:
    """The values of a step that its derivative may read."""
    if body.linear:
        return ()
    after = [v for v in body.new_carry if not isinstance(v, Constant)]
    gates = results_of_long_contractions(body) if store_gates else []
    return tuple(ordered([*after, *drawn(body), *gates]))


def results_of_long_contractions(body: Body) -> list[Value]:
    """What is stored so that no long contraction is computed twice.

    The result of a contraction is followed through sums and slices to the first operation whose
    slope depends on it. If that is an activation whose slope follows from its own result, the
    activated value is stored; otherwise its operand is.
    """
    moving: set[Value] = {v for part in body.inputs[1:] for v in part}
    sizes: Counter[Value] = Counter()  # numbers summed by the contractions that a value is a sum of
    stored: list[Value] = []

    def store(value: Value, size: int) -> None:
        if size >= MIN_CONTRACTION_TO_SAVE:
            stored.append(value)

    for op in body.ops:
        inputs = [v for v in op.inputs if not isinstance(v, Constant)]
        if not moving.intersection(inputs):
            continue
        moving.update(op.outputs)
        through = sum(sizes[v] for v in inputs)
        if hands_on(op):
            sizes.update(dict.fromkeys(op.outputs, through))
        elif facts(op).slope is not None:
            store(op.out, through)
        else:
            for v in inputs:
                store(v, sizes[v])
            if is_contraction(op):
                shapes = [v.shape for v in op.inputs]
                sizes[op.out] = contraction_size(op.name, op.params, *shapes)
    return stored


def hands_on(op: Op) -> bool:
    """Whether the slope of an operation depends on no operand."""
    known = facts(op)
    return known.additive or (known.linear and known.identity)


@lru_cache(maxsize=4096)
def selected_carries(body: Body) -> dict[Value, Value]:
    """Values that reach the rest of a step through selects alone, by the carry they become.

    If all uses of a value are selects by one predicate, the value is unused where the predicate is
    false, so the carry may stand in for it.
    """
    producer = {v: op for op in body.ops for v in op.outputs}
    alike = first_computed(body)
    users: dict[Value, list[Op]] = {}
    for op in body.ops:
        for v in op.inputs:
            users.setdefault(v, []).append(op)

    def gate(op: Op, case: Value) -> Any:
        """What decides that ``op`` selects ``case``; ``None`` if it is no such select."""
        if op.name != SELECT or isinstance(op.inputs[0], Constant):
            return None
        predicate, *cases = op.inputs
        if sum(case is c for c in cases) != 1:
            return None
        return alike.get(predicate, predicate), [case is c for c in cases].index(True)

    found: dict[Value, Value] = {}
    for after in body.new_carry:
        op = producer.get(after)
        for case in op.inputs[1:] if op is not None else ():
            if case in producer and case not in body.outputs:
                gates = {gate(user, case) for user in users[case]}
                if len(gates) == 1 and None not in gates:
                    found[case] = after
    return found


def first_computed(body: Body) -> dict[Value, Value]:
    """For every value the first one that is computed alike.

    Each select may broadcast the same flag anew.
    """
    first: dict[Value, Value] = {}
    computed: dict[Any, Op] = {}
    for op in body.ops:
        key = signature(op.substituted(first))
        if key is not None:
            first.update(zip(op.outputs, computed.setdefault(key, op).outputs, strict=True))
    return first


def step_with_residuals(body: Body, stored: Mapping[Value, Any], args: Sequence[Any]) -> list[Any]:
    """Runs a step in which some results have the stored values, and the tangents they would have.

    Slopes that follow from results are one factor each, so a loop has one multiplication for each.
    """
    value_of = dict(stored)
    for case, after in selected_carries(body).items():
        if after in value_of:
            value_of.setdefault(case, value_of[after])

    random = set(drawn(body))

    def replaced(op: Op, operands: Sequence[Any], results: list[Any]) -> list[Any]:
        if random.intersection(op.outputs):
            return [value_of.get(v, result) for v, result in zip(op.outputs, results, strict=True)]
        slope = facts(op).slope
        if slope is not None:
            value = value_of.get(op.out, results[0])
            return [with_tangent_of(slope, op.origin, value, operands[0])]
        return [
            with_tangent_of(None, op.origin, value_of[v], result) if v in value_of else result
            for v, result in zip(op.outputs, results, strict=True)
        ]

    env = dict(zip(body.inputs.flat, args, strict=True))
    evaluate(body.ops, env, replaced)
    return [read(env, v) for v in body.outputs]


Slope = Callable[[Any], Any]


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def with_tangent_of(slope: Slope | None, origin: Origin | None, value: Any, source: Any) -> Any:
    """``value``, with the tangent of ``source``, times ``slope(value)`` if there is one."""
    return value


@with_tangent_of.defjvp
def _(
    slope: Slope | None, origin: Origin | None, primals: Sequence[Any], tangents: Sequence[Any]
) -> tuple[Any, Any]:
    value, _ = primals
    _, tangent = tangents
    if slope is None:
        return value, tangent
    with scopes_of(origin):
        return value, tangent * slope(value)
