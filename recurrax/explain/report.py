"""The report of one recurrence: plain data, and its text."""

from dataclasses import dataclass, field

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Matmul:
    """A matrix product or convolution of the plan."""

    shape: Shape  # of its result, for one step
    parts: int  # how many contractions of the step were fused into this one
    flops: int  # per step

    def __str__(self) -> str:
        shape = "(" + ", ".join(map(str, self.shape)) + ")"
        return shape + (f" (one matmul for {self.parts})" if self.parts > 1 else "")


@dataclass(frozen=True)
class LoopReport:
    """A loop over time, for one strongly connected component of the carry."""

    carry: tuple[str, ...]  # names of its entries
    stages: int  # matmul stages: each needs the result of the one before
    matmuls: tuple[Matmul, ...]
    pointwise: int  # all other operations
    live_in: tuple[Shape, ...]  # what each step reads from the work before the loop
    live_out: tuple[Shape, ...]  # what each step stores for the work after the loop
    linear: bool  # in its carry
    diagonal: bool  # each entry of its carry depends on itself alone
    evaluator: str  # which evaluator runs it
    others: dict[str, str] = field(hash=False)  # why the evaluators before it do not

    @property
    def operations(self) -> int:
        return len(self.matmuls) + self.pointwise

    def lines(self) -> list[str]:
        kind = "diagonal, " * self.diagonal + "linear, " * self.linear
        stages = "1 matmul stage" if self.stages == 1 else f"{self.stages} matmul stages"
        lines = [
            f"  loop over {', '.join(self.carry)}: {kind}{stages}, {self.operations} operations"
        ]
        if self.matmuls:
            lines.append("    matmuls " + ", ".join(map(str, self.matmuls)))
        lines.append(
            f"    reads {len(self.live_in)} and stores {len(self.live_out)} arrays per step"
        )
        lines.append(f"    evaluator: {self.evaluator}")
        lines += [f"      not {name}, because {why}" for name, why in self.others.items()]
        return lines


@dataclass(frozen=True)
class PassReport:
    """One direction: what runs once, for many steps at once, and step by step."""

    invariant: int  # operations that run once
    prelude: tuple[Matmul, ...]  # for many steps at once, before the last loop
    loops: tuple[LoopReport, ...]
    epilogue: tuple[Matmul, ...]  # for many steps at once, after the last loop
    reductions: tuple[Matmul, ...]  # that also sum over time: the weight gradients
    chunk: int  # the number of steps that are taken at once

    @property
    def bulk(self) -> tuple[Matmul, ...]:
        """All matmuls that run for many steps at once and keep the steps apart."""
        return self.prelude + self.epilogue

    def lines(self) -> list[str]:
        many = f"for {self.chunk} steps at once"
        lines = []
        if self.invariant:
            lines.append(f"  invariant: {self.invariant} operations, once")
        if self.prelude:
            lines.append(f"  prelude, {many}: matmuls " + ", ".join(map(str, self.prelude)))
        for loop in self.loops:
            lines += loop.lines()
        if self.epilogue:
            lines.append(f"  epilogue, {many}: matmuls " + ", ".join(map(str, self.epilogue)))
        if self.reductions:
            lines.append(f"  reductions, {many}: matmuls " + ", ".join(map(str, self.reductions)))
        return lines


@dataclass(frozen=True)
class Explanation:
    """What recurrax does with a step; ``print`` it, or read its fields."""

    method: str  # "chunked", "associative" or "scan"
    reason: str
    steps: int | None
    forward: PassReport | None = None
    backward: PassReport | None = None
    residual_bytes_per_step: int = 0  # saved for the backward pass, beyond inputs and outputs
    hoisted: tuple[str, ...] = ()  # opaque operations on parameters alone, which JAX runs once
    text: str = field(default="", repr=False)
    """The plans of both directions, or with ``after=`` the step after that pass: every operation,
    with names, shapes, dtypes and the user's line."""

    def __str__(self) -> str:
        lines = [f"method: {self.method} ({self.reason})"]
        if self.hoisted:
            lines.append(f"once, by JAX, on parameters alone: {', '.join(self.hoisted)}")
        if self.forward is not None:
            lines += ["forward", *self.forward.lines()]
        if self.backward is not None:
            lines += ["backward", *self.backward.lines()]
            lines.append(
                f"  residuals: {self.residual_bytes_per_step} bytes per step beyond inputs and "
                "outputs"
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class LayerExplanation:
    """What recurrax does with a layer: the explanation of each of its recurrences, in order."""

    recurrences: tuple[Explanation, ...]

    @property
    def text(self) -> str:
        """The plans of all recurrences."""
        return self.joined([part.text for part in self.recurrences])

    def __str__(self) -> str:
        return self.joined([str(part) for part in self.recurrences])

    def joined(self, parts: list[str]) -> str:
        if len(parts) == 1:
            return parts[0]
        return "\n".join(f"recurrence {i}\n{part}" for i, part in enumerate(parts, 1))
