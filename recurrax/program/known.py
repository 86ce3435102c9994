"""Results of a step that are at hand when its derivative is computed.

A derivative reads the carry before each step and computes all else again. It need not compute

* the carry *after* the step, which is kept anyway: the slope of ``h' = tanh(z)`` is ``1 - h'^2``;
  where a step holds its carry, ``h' = select(valid, tanh(z), h)``, the slope of the tanh matters
  at valid steps only, and there it is told by h' too;
* what a long product made, where the forward pass keeps it: the gates ``sigmoid(z)`` of a step
  with many units, whose slopes are ``i (1 - i)``.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

import jax
from jax.extend import core

from recurrax.program import internals
from recurrax.program.products import PRODUCTS, numbers_summed
from recurrax.program.step import Step
from recurrax.program.sums import LINEAR

# Slopes of functions that are known from their results.
SLOPES: dict[str, Callable[[Any], Any]] = {
    "tanh": lambda y: (1 + y) * (1 - y),
    "logistic": lambda y: y * (1 - y),
    "exp": lambda y: y,
}
# Operations that hand on what a product made: the product is done again for what they make.
HAND_ON = LINEAR | {"convert_element_type"}
LONG = 512  # numbers summed per result of a product that is not worth doing twice


@lru_cache(maxsize=4096)
def results_at_hand(step: Step) -> tuple[Any, ...]:
    """The variables of the step's jaxpr whose values its derivative may read."""
    if step.derived:
        return ()
    jaxpr = step.jaxpr.jaxpr
    after = [v for v in jaxpr.outvars[: step.carry] if isinstance(v, core.Var)]
    kept = results_of_long_products(step) if step.keep_gates else []
    return tuple(dict.fromkeys([*after, *kept]))


def results_of_long_products(step: Step) -> list[Any]:
    """What is kept so that no long product is done twice: gates, or what goes into other functions.

    A result is followed through sums and cuts to the first operation whose slope depends on it. If
    that is an activation whose slope its own result tells, the activated value is what is kept.
    """
    jaxpr = step.jaxpr.jaxpr
    moving = set(jaxpr.invars[step.consts :])
    lengths: Counter[Any] = Counter()  # numbers summed by the products that a value is a sum of
    kept: list[Any] = []

    def keep(v: Any, length: int) -> None:
        if length >= LONG:
            kept.append(v)

    for eqn in jaxpr.eqns:
        inputs = [v for v in eqn.invars if isinstance(v, core.Var)]
        if not moving.intersection(inputs):
            continue
        moving.update(eqn.outvars)
        name = eqn.primitive.name
        through = sum(lengths[v] for v in inputs)
        if name in HAND_ON:
            for v in eqn.outvars:
                lengths[v] = through
        elif name in SLOPES:
            keep(eqn.outvars[0], through)
        else:
            for v in inputs:
                keep(v, lengths[v])
            if name in PRODUCTS:
                shapes = [v.aval.shape for v in eqn.invars]
                lengths[eqn.outvars[0]] = numbers_summed(name, eqn.params, *shapes)
    return kept


@lru_cache(maxsize=4096)
def let_through(step: Step) -> dict[Any, Any]:
    """Values that reach the rest of a step through selects alone, by the carry that they become.

    If all uses of a value are selects by one predicate, nobody sees it where the predicate bars it,
    so that it may be read from the result.
    """
    jaxpr = step.jaxpr.jaxpr
    made_by = {v: eqn for eqn in jaxpr.eqns for v in eqn.outvars}
    alike = first_computed(jaxpr)
    users: dict[Any, list[Any]] = {}
    for eqn in jaxpr.eqns:
        for v in eqn.invars:
            if isinstance(v, core.Var):
                users.setdefault(v, []).append(eqn)

    def gate(eqn: Any, case: Any) -> Any:
        """What decides that ``eqn`` hands on ``case``; ``None`` if it is no such select."""
        predicate, *cases = eqn.invars
        if eqn.primitive.name != "select_n" or not isinstance(predicate, core.Var):
            return None
        if sum(case is c for c in cases) != 1:
            return None
        return alike.get(predicate, predicate), [case is c for c in cases].index(True)

    found: dict[Any, Any] = {}
    for after in jaxpr.outvars[: step.carry]:
        eqn = made_by.get(after) if isinstance(after, core.Var) else None
        for case in eqn.invars[1:] if eqn is not None else ():
            if isinstance(case, core.Var) and case in made_by and case not in jaxpr.outvars:
                gates = {gate(user, case) for user in users[case]}
                if len(gates) == 1 and None not in gates:
                    found[case] = after
    return found


def first_computed(jaxpr: core.Jaxpr) -> dict[Any, Any]:
    """For every value the first that is computed alike, as a flag that each select spreads anew."""
    first: dict[Any, Any] = {}
    computed: dict[Any, Any] = {}
    for eqn in jaxpr.eqns:
        inputs = [
            first.get(v, v) if isinstance(v, core.Var) else f"{v}:{v.aval}" for v in eqn.invars
        ]
        key = eqn.primitive, *inputs, *sorted(eqn.params.items())
        with suppress(TypeError):  # parameters that cannot be compared
            first.update(zip(eqn.outvars, computed.setdefault(key, eqn.outvars), strict=True))
    return first


def evaluate_knowing(step: Step, known: Sequence[Any], values: Sequence[Any], args: Any) -> Any:
    """Runs one step in which the results ``known`` have ``values``, and the tangents they have.

    Slopes that results tell are one factor each, so that a loop has one product for each of them.
    """
    jaxpr = step.jaxpr.jaxpr
    env: dict[Any, Any] = dict(zip(jaxpr.invars, args, strict=True))
    value_of = dict(zip(known, values, strict=True))
    for new, after in let_through(step).items():
        if after in value_of:
            value_of.setdefault(new, value_of[after])

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, core.Literal) else env[atom]

    for eqn in jaxpr.eqns:
        operands = [read(atom) for atom in eqn.invars]
        results = internals.evaluate_equation(eqn, operands)
        slope = SLOPES.get(eqn.primitive.name)
        for v, result in zip(eqn.outvars, results, strict=True):
            if slope is not None:
                env[v] = taken(slope, value_of.get(v, result), operands[0])
            elif v in value_of:
                env[v] = taken(None, value_of[v], result)
            else:
                env[v] = result
    return [read(atom) for atom in jaxpr.outvars]


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def taken(slope: Callable[[Any], Any] | None, value: Any, source: Any) -> Any:
    """``value``, whose tangent is that of ``source``, times ``slope(value)`` if there is one."""
    return value


@taken.defjvp
def _(
    slope: Callable[[Any], Any] | None, primals: tuple[Any, Any], tangents: tuple[Any, Any]
) -> tuple[Any, Any]:
    value, _ = primals
    _, tangent = tangents
    return value, tangent if slope is None else tangent * slope(value)
