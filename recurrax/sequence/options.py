"""The record of a run over time: its static options, its arrays, and what it returns."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax

from recurrax.program.step import Policy

PADS = ("zero", "hold")
ORDERS = ("input", "processing")


class RunOptions(NamedTuple):
    """Everything about a run that is not an array; hashable, so that equal runs share a trace."""

    time: int
    """The axis of time, counted from the front."""
    reverse: bool = False
    pad: str = "zero"
    order: str = "input"
    every_carry: bool = False
    """Whether the carry after every step is returned as well."""
    dtype: str | None = None
    carry_dtype: Any = None
    """``None``, one dtype, or pairs of a field of the carry and its dtype."""
    policy: Policy = Policy()

    @property
    def sets_precision(self) -> bool:
        """Whether a dtype is given for the computation or for the carry."""
        return self.dtype is not None or self.carry_dtype is not None


class RunInputs(NamedTuple):
    """The arrays of a run beside its sequence: valid steps, boundaries, and the random key."""

    lengths: Any = None
    mask: Any = None
    resets: Any = None
    reset_carry: Any = None
    key: Any = None

    @property
    def selects_rows(self) -> bool:
        """Whether carries are held or replaced row by row."""
        return not (self.lengths is self.mask is self.resets is None)

    def rows(self, time: int) -> tuple[int, ...]:
        """The batch axes that lengths, mask or resets have."""
        flags = self.mask if self.resets is None else self.resets
        if flags is None:
            return self.lengths.shape
        return flags.shape[:time] + flags.shape[time + 1 :]


@dataclass(frozen=True)
class Run:
    """A run over time after its entrance checks; a pytree whose arrays are those of ``inputs``."""

    caller: str
    """The public function that was called, for errors that only a trace can find."""
    options: RunOptions
    inputs: RunInputs

    def with_options(self, **changes: Any) -> "Run":
        return replace(self, options=self.options._replace(**changes))

    def with_inputs(self, **changes: Any) -> "Run":
        return replace(self, inputs=self.inputs._replace(**changes))


jax.tree_util.register_dataclass(Run, data_fields=["inputs"], meta_fields=["caller", "options"])


class RunResult(NamedTuple):
    """What a run over time returns."""

    carry: Any
    """The carry after the last step."""
    ys: Any
    """The outputs, with time where the sequence has it."""
    carries: Any = None
    """The carry after every step, with time as in ``ys``; ``None`` without ``every_carry``."""
