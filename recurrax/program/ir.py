"""The representation of a step: named values, operations, and a body that lists them in order."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from math import prod
from typing import Any, Generic, NamedTuple, TypeVar

import jax

from recurrax.program import jax_internals
from recurrax.program.jax_internals import Origin
from recurrax.program.text import body_text

T = TypeVar("T")
S = TypeVar("S")


class Value:
    """An array inside the step. Two values are equal only if they are the same object.

    The name is for people: the path of an argument, such as ``params.W.f``, or empty.
    """

    __slots__ = ("dtype", "name", "shape")

    def __init__(self, shape: Sequence[int], dtype: Any, name: str = "") -> None:
        self.shape = tuple(shape)
        self.dtype = dtype
        self.name = name

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def struct(self) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(self.shape, self.dtype)

    def like(self, shape: Sequence[int] | None = None) -> "Value":
        """A new value of the same dtype, and of the same shape unless another is given."""
        return Value(self.shape if shape is None else shape, self.dtype)


class Constant(Value):
    """A literal of the step, or an array that a function inside the step closes over."""

    __slots__ = ("value",)

    def __init__(self, value: Any, shape: Sequence[int], dtype: Any) -> None:
        super().__init__(shape, dtype)
        self.value = value


@dataclass(frozen=True, eq=False)
class Op:
    """One primitive applied to values. Passes never change an operation; they make new ones."""

    primitive: Any
    params: Mapping[str, Any]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    origin: Origin | None = None  # the user's line and named scopes

    @property
    def name(self) -> str:
        return self.primitive.name

    @property
    def out(self) -> Value:
        return self.outputs[0]

    def with_inputs(self, inputs: Iterable[Value]) -> "Op":
        """The same operation on other values; itself if they are the same."""
        inputs = tuple(inputs)
        if inputs == self.inputs:
            return self
        return Op(self.primitive, self.params, inputs, self.outputs, self.origin)

    def with_outputs(self, outputs: Iterable[Value]) -> "Op":
        return Op(self.primitive, self.params, self.inputs, tuple(outputs), self.origin)

    def from_line_of(self, op: "Op") -> "Op":
        """The same operation, attributed to the user's line that ``op`` comes from."""
        return Op(self.primitive, self.params, self.inputs, self.outputs, op.origin)

    def substituted(self, alias: Mapping[Value, Value]) -> "Op":
        """The same operation, with other values in place of those that have an alias."""
        if alias.keys().isdisjoint(self.inputs):
            return self
        return self.with_inputs(alias.get(v, v) for v in self.inputs)


class Inputs(NamedTuple, Generic[T]):
    """One entry for every input of a step, by the part that the input plays."""

    consts: tuple[T, ...] = ()  # the same at every step: parameters
    carry: tuple[T, ...] = ()
    lagged: tuple[T, ...] = ()  # entries of sequences that are read with a lag of one step
    xs: tuple[T, ...] = ()  # entries of sequences at this step

    @property
    def flat(self) -> tuple[T, ...]:
        return (*self.consts, *self.carry, *self.lagged, *self.xs)

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        return (len(self.consts), len(self.carry), len(self.lagged), len(self.xs))

    def unflatten(self, values: Iterable[S]) -> "Inputs[S]":
        """Other entries, in the order of ``flat``."""
        return Inputs(*split(values, self.sizes))

    def map(self, f: Callable[[T], S]) -> "Inputs[S]":
        return self.unflatten(map(f, self.flat))

    def where(self, flags: "Inputs[bool]") -> "Inputs[T]":
        """The entries whose flag is set."""
        return Inputs(*map(take, self, flags))


@dataclass(frozen=True, eq=False)
class Body:
    """A step as a flat list of operations: from its inputs to the new carry and the outputs."""

    inputs: Inputs[Value]
    ops: tuple[Op, ...]
    new_carry: tuple[Value, ...]
    ys: tuple[Value, ...]
    linear: bool = False  # in its carry, and in what a transposition asks for: a derivative

    @property
    def outputs(self) -> tuple[Value, ...]:
        return (*self.new_carry, *self.ys)

    @cached_property
    def uses(self) -> "Uses":
        """Who produces and who reads the values; the outputs of the step are readers, too."""
        return Uses.of(self.ops, self.outputs)

    def with_ops(self, ops: Iterable[Op]) -> "Body":
        """Other operations; the body itself if they are the same."""
        ops = tuple(ops)
        return self if ops == self.ops else replace(self, ops=ops)

    def with_outputs(self, outputs: Sequence[Value]) -> "Body":
        """Other outputs, the new carry first."""
        n = len(self.new_carry)
        return replace(self, new_carry=tuple(outputs[:n]), ys=tuple(outputs[n:]))

    def substituted(self, alias: Mapping[Value, Value]) -> "Body":
        """Other outputs in place of those that have an alias."""
        return self.with_outputs([alias.get(v, v) for v in self.outputs]) if alias else self

    def __call__(self, *arrays: Any) -> list[Any]:
        """Runs the step on arrays, or on tracers."""
        env = dict(zip(self.inputs.flat, arrays, strict=True))
        evaluate(self.ops, env)
        return [read(env, v) for v in self.outputs]

    def __str__(self) -> str:
        return body_text(self)


@dataclass(frozen=True)
class Uses:
    """Which operation produces a value, and how often the value is read (outputs count)."""

    producer: Mapping[Value, Op]
    count: Mapping[Value, int]

    @classmethod
    def of(cls, ops: Iterable[Op], outputs: Iterable[Value] = ()) -> "Uses":
        ops = tuple(ops)
        producer = {value: op for op in ops for value in op.outputs}
        return cls(producer, Counter(chain(*[op.inputs for op in ops], outputs)))

    def single(self, value: Value) -> bool:
        return self.count.get(value) == 1


def evaluate(
    ops: Iterable[Op],
    env: dict[Value, Any],
    replaced: Callable[[Op, Sequence[Any], list[Any]], list[Any]] | None = None,
) -> None:
    """Runs operations on the arrays in ``env``, and adds their results to it.

    This is the only interpreter. Each operation runs under the named scopes and the source line of
    the user's own, so that both reach the jaxpr, the HLO and error traces. ``replaced`` may put
    other values in place of the results of an operation; it is given the operation, its operands
    and its results.
    """
    for op in ops:
        operands = [read(env, v) for v in op.inputs]
        results = jax_internals.bind(op.primitive, operands, op.params, op.origin)
        if replaced is not None:
            results = replaced(op, operands, results)
        env.update(zip(op.outputs, results, strict=True))


def read(env: Mapping[Value, Any], value: Value) -> Any:
    """The array of a value."""
    return value.value if isinstance(value, Constant) else env[value]


def ordered(values: Iterable[T]) -> list[T]:
    """Each value once, in the order of first appearance."""
    return list(dict.fromkeys(values))


def take(values: Iterable[T], flags: Iterable[bool]) -> tuple[T, ...]:
    """The values whose flag is set."""
    return tuple(v for v, flag in zip(values, flags, strict=True) if flag)


def split(values: Iterable[T], sizes: Sequence[int]) -> Iterator[tuple[T, ...]]:
    """Consecutive groups of these sizes."""
    values = tuple(values)
    assert len(values) == sum(sizes)
    start = 0
    for size in sizes:
        yield values[start : start + size]
        start += size
