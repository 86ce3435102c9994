"""The representation: values, operations, and a flat list of operations with its inputs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, cast

import jax
import numpy as np
from jax.extend import core


class Value:
    """An array inside the step: its shape and dtype. Identity is what tells two values apart."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    def like(self, shape: Sequence[int] | None = None) -> "Value":
        """A new value of this dtype."""
        return Value(self.shape if shape is None else tuple(shape), self.dtype)


class Constant(Value):
    """A literal in the step."""

    __slots__ = ("value",)

    def __init__(self, value: Any, shape: tuple[int, ...], dtype: Any) -> None:
        super().__init__(shape, dtype)
        self.value = value


@dataclass(eq=False)
class Op:
    """One primitive applied to values."""

    primitive: Any
    params: dict[str, Any]
    inputs: list[Value]
    outputs: list[Value]

    @property
    def name(self) -> str:
        return self.primitive.name

    @property
    def out(self) -> Value:
        return self.outputs[0]


@dataclass
class Body:
    """A step as one flat list: what it takes, what it does, what it returns."""

    inputs: list[Value]
    ops: list[Op]
    outputs: list[Value]

    def copy(self) -> "Body":
        """The same operations as objects of their own: rewrites change them in place."""
        return Body(self.inputs, [replace(op) for op in self.ops], self.outputs)


@dataclass
class Uses:
    """Who makes a value, and how often it is read (an output counts as a reader)."""

    maker: dict[Value, Op] = field(default_factory=dict)
    count: Counter[Value] = field(default_factory=Counter)

    @classmethod
    def of(cls, ops: Iterable[Op], outputs: Iterable[Value]) -> "Uses":
        uses = cls()
        for op in ops:
            for value in op.outputs:
                uses.maker[value] = op
            uses.count.update(op.inputs)
        uses.count.update(outputs)
        return uses

    def single(self, value: Value) -> bool:
        return self.count[value] == 1


INLINED = {"jit", "pjit", "closed_call", "core_call", "remat2", "checkpoint", "custom_jvp_call"}


def inner_jaxpr(eqn: core.JaxprEqn) -> core.ClosedJaxpr:
    """The jaxpr that a call primitive calls."""
    jaxpr = eqn.params.get("jaxpr", eqn.params.get("call_jaxpr"))
    if isinstance(jaxpr, core.ClosedJaxpr):
        return jaxpr
    assert isinstance(jaxpr, core.Jaxpr)
    return core.ClosedJaxpr(jaxpr, ())


def flatten(closed: core.ClosedJaxpr) -> Body:
    """One flat list of operations; calls, ``remat`` and ``custom_jvp`` are inlined."""
    ops: list[Op] = []

    def run(jaxpr: core.Jaxpr, consts: Sequence[Value], args: Sequence[Value]) -> list[Value]:
        env = dict(zip(jaxpr.constvars, consts, strict=True))
        env.update(zip(jaxpr.invars, args, strict=True))

        def read(atom: Any) -> Value:
            if isinstance(atom, core.Literal):
                like = value_like(atom)
                return Constant(np.asarray(atom.val, like.dtype), like.shape, like.dtype)
            return env[atom]

        for eqn in jaxpr.eqns:
            inputs = [read(atom) for atom in eqn.invars]
            if eqn.primitive.name in INLINED:
                inner = inner_jaxpr(eqn)
                outputs = run(inner.jaxpr, [as_constant(c) for c in inner.consts], inputs)
            else:
                outputs = [value_like(v) for v in eqn.outvars]
                ops.append(Op(eqn.primitive, dict(eqn.params), inputs, outputs))
            env.update(zip(eqn.outvars, outputs, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    jaxpr = closed.jaxpr
    inputs = [value_like(v) for v in jaxpr.invars]
    captured = [as_constant(c) for c in closed.consts]
    outputs = run(jaxpr, captured, inputs)
    return Body(inputs, ops, outputs)


def value_like(atom: Any) -> Value:
    """A value of the shape and dtype of a variable of a jaxpr."""
    return Value(atom.aval.shape, atom.aval.dtype)


def as_constant(array: Any) -> Constant:
    aval = cast(Any, jax.typeof(array))
    return Constant(array, aval.shape, aval.dtype)


def evaluate(ops: Iterable[Op], env: dict[Value, Any]) -> None:
    """Runs ``ops`` on the arrays in ``env``, which it extends."""

    def read(value: Value) -> Any:
        return value.value if isinstance(value, Constant) else env[value]

    for op in ops:
        out = op.primitive.bind(*[read(v) for v in op.inputs], **op.params)
        env.update(zip(op.outputs, out if op.primitive.multiple_results else [out], strict=True))
