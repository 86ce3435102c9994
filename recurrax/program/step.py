"""A step and the layout of its sequences: everything static about what a recurrence computes."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from jax.extend import core

from recurrax.program.frontend.jaxpr import jaxpr_of
from recurrax.program.ir import Body, split


@dataclass(frozen=True)
class Step:
    """A step function, and where time is in its sequences.

    The body takes ``(*consts, *carry, *lagged, *xs)`` and returns ``(*new_carry, *ys)``, all
    without a time axis. Lagged inputs are sequences that are read with a lag of one step: step
    ``t`` sees entry ``t + lag`` of the array, and an edge that is given apart where the array has
    no such entry. A backward pass reads the carry *before* each step in this way from the outputs
    stored *after* each step, without a copy.
    """

    body: Body  # compared by identity
    length: int
    reverse: bool
    lags: tuple[int, ...]  # of the lagged inputs, -1 or +1: places in the array, not in the run
    lagged_axes: tuple[int, ...]
    x_axes: tuple[int, ...]
    y_axes: tuple[int, ...]

    @property
    def jaxpr(self) -> core.ClosedJaxpr:
        return jaxpr_of(self.body)

    def operands(self, flat: Any) -> "Operands":
        """The operands of a recurrence, in their order, by the part that they play."""
        consts, carry, lagged, xs = self.body.inputs.sizes
        return Operands(*split(flat, (consts, carry, lagged, lagged, xs)))

    def __repr__(self) -> str:
        direction = "reverse" if self.reverse else "forward"
        return f"Step({self.length} steps {direction})"


class Operands(NamedTuple):
    """One entry for every operand of a recurrence."""

    consts: tuple[Any, ...]
    carry: tuple[Any, ...]  # before the first step
    edges: tuple[Any, ...]  # what the first reader of a lagged sequence sees
    lagged: tuple[Any, ...]
    xs: tuple[Any, ...]

    @property
    def flat(self) -> tuple[Any, ...]:
        return (*self.consts, *self.carry, *self.edges, *self.lagged, *self.xs)


def with_time(shape: tuple[int, ...], axis: int, length: int) -> tuple[int, ...]:
    """The shape of a sequence whose entries have this shape."""
    return (*shape[:axis], length, *shape[axis:])


@dataclass(frozen=True)
class Policy:
    """How a recurrence is to be evaluated. It never changes what is computed."""

    method: str = "auto"
    chunk: int | None = None
    residuals: str = "auto"
    unroll: int = 1  # steps per iteration of a loop; 0 for all of them
