"""Common factors of sums."""

from dataclasses import dataclass

from recurrax.program import builders
from recurrax.program.ir import Body, Op, Uses, Value
from recurrax.program.levels import Levels, levels_of
from recurrax.program.passes.join_terms import join_terms
from recurrax.program.primitives import MUL, NEG


def factor(body: Body) -> Body:
    """In a derivative, ``h d - n d`` becomes ``(h - n) d``; ``d`` is the factor known last.

    Factors are slopes there. In the user's own step, products keep their order.

    Ensures: in a derivative, no two terms of a sum are products with one last factor.
    """
    if not body.linear:
        return body
    levels = levels_of(body)

    def key(value: Value, uses: Uses) -> Value | None:
        term = term_of(value, uses, levels)
        return None if term is None else term.factor

    def join(values: list[Value], uses: Uses) -> list[Op]:
        terms = [term for v in values if (term := term_of(v, uses, levels)) is not None]
        first, *others = terms
        new: list[Op] = []
        total = first.signed(new)
        for term in others:
            new.append(builders.add(total, term.signed(new)))
            total = new[-1].out
        return [*new, builders.mul(total, first.factor)]

    return join_terms(body, levels, key, join)


@dataclass(frozen=True)
class Term:
    """A term of a sum as a product: ``coefficient`` times ``factor``, or minus that."""

    coefficient: Value
    factor: Value
    negative: bool

    def signed(self, new: list[Op]) -> Value:
        """The coefficient with its sign; the operation that negates it is added to ``new``."""
        if not self.negative:
            return self.coefficient
        new.append(builders.neg(self.coefficient))
        return new[-1].out


def term_of(value: Value, uses: Uses, levels: Levels) -> Term | None:
    """A term that is a product of two; the factor that is known first is the coefficient."""
    op = uses.producer.get(value)
    negative = False
    while op is not None and op.name == NEG and uses.single(op.out):
        negative = not negative
        op = uses.producer.get(op.inputs[0])
    if op is None or op.name != MUL or not uses.single(op.out):
        return None
    coefficient, last = sorted(op.inputs, key=levels.of)
    return Term(coefficient, last, negative)
