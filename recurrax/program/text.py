"""Bodies and plans as text: names, shapes, dtypes, and the user's line of every operation."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from recurrax.program.jax_internals import is_key
from recurrax.program.primitives import SHORT

# The representation prints itself with these functions, so they take it as it comes.
Value: TypeAlias = Any
Op: TypeAlias = Any
Body: TypeAlias = Any

# Parameters that say nothing about the operation to a reader of the text.
SILENT = {
    "out_sharding", "precision", "preferred_element_type", "sharding", "weak_type", "accuracy",
    "unique_indices", "indices_are_sorted", "mode", "batch_group_count", "feature_group_count",
    "lhs_dilation", "rhs_dilation", "strides", "out_format", "shape", "new_sizes", "dimensions",
}  # fmt: skip


class Namer:
    """Unique names for values: their own, or the operation and a number."""

    def __init__(self, inputs: Iterable[Value] = ()) -> None:
        self.names: dict[Value, str] = {}
        self.taken: set[str] = set()
        for value in inputs:
            self.add(value, value.name or "input")

    def add(self, value: Value, wanted: str) -> None:
        name, n = wanted, 1
        while name in self.taken:
            n += 1
            name = f"{wanted}_{n}"
        self.taken.add(name)
        self.names[value] = name

    def add_ops(self, ops: Sequence[Op]) -> None:
        """Names the results of operations; those without a name by their primitive."""
        for op in ops:
            for value in op.outputs:
                if value not in self.names:
                    self.add(value, value.name or str(SHORT.get(op.name, op.name)))

    def of(self, value: Value) -> str:
        if hasattr(value, "value"):
            return constant_text(value)
        return self.names.get(value, value.name or "?")

    def typed(self, value: Value) -> str:
        return f"{self.of(value)}:{type_text(value)}"


def type_text(value: Value) -> str:
    """The dtype and shape, as JAX abbreviates them: ``f32[4,8]``."""
    if is_key(value.dtype):
        return f"{value.dtype}[{','.join(map(str, value.shape))}]"
    dtype = np.dtype(value.dtype)
    kind = {"float": "f", "int": "i", "uint": "u", "complex": "c", "bfloat": "bf"}
    name = dtype.name.rstrip("0123456789")
    short = kind[name] + dtype.name[len(name) :] if name in kind else dtype.name
    return f"{short}[{','.join(map(str, value.shape))}]"


def constant_text(value: Value) -> str:
    if value.shape == () and isinstance(value.value, np.ndarray):
        return f"{value.value.item():.6g}" if value.dtype != bool else str(bool(value.value))
    return f"constant:{type_text(value)}"


def params_text(op: Op) -> str:
    """The parameters that tell what an operation does, in brackets."""
    params = {k: p for k, p in op.params.items() if k not in SILENT and p is not None}
    if "start_indices" in params:
        bounds = zip(params.pop("start_indices"), params.pop("limit_indices"), strict=True)
        params[""] = ",".join(f"{start}:{stop}" for start, stop in bounds)
    for name in ("dimension", "permutation", "broadcast_dimensions", "axes", "dimension_numbers"):
        if name in params:
            params[""] = params.pop(name)
    numbers = params.get("")
    if isinstance(numbers, tuple) and is_contraction_of_axes(numbers):
        params[""], batch = numbers
        if batch != ((), ()):
            params["batch"] = batch
    shown = [(name, parameter_text(p)) for name, p in params.items()]
    text = " ".join(f"{name}={text}" if name else text for name, text in shown if text)
    return f"[{text}]" if text else ""


def is_contraction_of_axes(numbers: tuple[Any, ...]) -> bool:
    """Whether these are the dimension numbers of a matmul: contracted axes, batch axes."""
    return len(numbers) == 2 and all(isinstance(n, tuple) and len(n) == 2 for n in numbers)


def parameter_text(value: Any) -> str:
    """A short text of a parameter; empty for one that has none."""
    if isinstance(value, tuple | list):
        return "(" + ",".join(map(parameter_text, value)) + ")"
    text = getattr(value, "__name__", None) or str(value)
    return text if len(text) <= 40 else ""


def location(op: Op) -> str:
    """The user's line, and the user's named scopes: ``gru.py:88 encoder/gate``."""
    if op.origin is None:
        return ""
    frame = op.origin.frame
    where = f"{Path(frame.file_name).name}:{frame.start_line}" if frame else ""
    scope = op.origin.scope
    named = re.sub(r"\b(jvp|transpose|vmap)\(|[()/]", "", scope)
    return " ".join(part for part in (where, scope if named else "") if part)


def op_lines(ops: Sequence[Op], namer: Namer, indent: str) -> list[str]:
    """One line per operation, with the user's line behind it."""
    namer.add_ops(ops)
    lines = []
    for op in ops:
        results = ", ".join(map(namer.typed, op.outputs))
        operands = " ".join(map(namer.of, op.inputs))
        line = f"{indent}{results} = {op.name}{params_text(op)} {operands}"
        where = location(op)
        lines.append(f"{line}  # {where}" if where else line)
    return lines


def body_text(body: Body) -> str:
    """A body: its inputs by part, its operations, its outputs."""
    namer = Namer(body.inputs.flat)
    parts = [
        f"{part} {', '.join(map(namer.typed, values))}"
        for part, values in zip(body.inputs._fields, body.inputs, strict=True)
        if values
    ]
    lines = ["step(" + "; ".join(parts) + "):", *op_lines(body.ops, namer, "  ")]
    lines.append(f"  new carry: {', '.join(map(namer.of, body.new_carry)) or 'none'}")
    lines.append(f"  outputs: {', '.join(map(namer.of, body.ys)) or 'none'}")
    return "\n".join(lines)
