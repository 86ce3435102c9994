"""A check of a body: what every pass must keep."""

from recurrax.program import jax_internals
from recurrax.program.ir import Body, Constant, Op, Value


class InvalidBody(AssertionError):
    """A body that breaks a rule of the representation; the message shows where."""


def verify(body: Body, like: Body | None = None) -> None:
    """Raises :class:`InvalidBody` unless a body keeps the rules of the representation.

    - Every value is produced exactly once, and before it is used.
    - The shapes and dtypes of results are those of JAX's abstract evaluation.
    - The new carry has the types of the carry; with ``like``, inputs are those of that body, and
      outputs have the types of its outputs.
    """
    known: set[Value] = set()
    for value in body.inputs.flat:
        require(value not in known, body, f"the input {value.name} appears twice")
        known.add(value)
    for op in body.ops:
        for value in op.inputs:
            ready = isinstance(value, Constant) or value in known
            require(ready, body, f"{op.name} reads a value that has not been produced")
        verify_types(op, body)
        for value in op.outputs:
            require(value not in known, body, f"a result of {op.name} is produced twice")
            known.add(value)
    for value in body.outputs:
        ready = isinstance(value, Constant) or value in known
        require(ready, body, "an output is never produced")
    require(types(body.new_carry) == types(body.inputs.carry), body, "the carry changes its type")
    if like is not None:
        require(body.inputs.flat == like.inputs.flat, body, "the inputs have changed")
        require(types(body.outputs) == types(like.outputs), body, "outputs have changed their type")


def verify_types(op: Op, body: Body) -> None:
    """Raises unless the results have the types that JAX infers from the operands."""
    avals = [jax_internals.shaped(v.shape, v.dtype) for v in op.inputs]
    try:
        inferred = jax_internals.abstract_results(op.primitive, avals, op.params)
    except Exception as error:
        raise InvalidBody(f"{op.name} does not take its operands: {error}\n{body}") from error
    wanted = [(a.shape, a.dtype) for a in inferred]
    message = f"{op.name} returns {types(op.outputs)}; JAX infers {wanted}"
    require(types(op.outputs) == wanted, body, message)


def types(values: tuple[Value, ...]) -> list[tuple[tuple[int, ...], object]]:
    return [(v.shape, v.dtype) for v in values]


def require(condition: bool, body: Body, message: str) -> None:
    if not condition:
        raise InvalidBody(f"{message}\n{body}")
