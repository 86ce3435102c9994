"""A traced step and how to run it over time: everything static about a recurrence."""

from dataclasses import dataclass
from typing import Any

import jax
from jax.extend import core


@dataclass(frozen=True)
class Step:
    """A step function as a jaxpr, with the layout of its sequences.

    The jaxpr takes ``(*consts, *carry, *past, *xs)`` and returns ``(*carry, *ys)``, all without a
    time axis. ``past`` are sequences read one place off: step ``t`` sees entry ``t + lag`` of the
    array, and a given edge where there is none. That is how a backward pass reads the
    carry *before* each step from the outputs stored *after* each step, without a copy.
    """

    jaxpr: core.ClosedJaxpr  # compared by identity
    consts: int
    carry: int
    past: int
    length: int
    reverse: bool
    lags: tuple[int, ...]  # of past, each -1 or +1: places in the array, not in the run
    past_axes: tuple[int, ...]
    x_axes: tuple[int, ...]
    y_axes: tuple[int, ...]
    chunk: int | None = None
    keep_gates: bool = True  # whether the derivative may read what long products made
    method: str = "auto"  # "associative": linear loops in parallel; "chunked": none; "auto"
    derived: bool = False  # a derivative of a step: linear in its carry

    def split(self, flat: Any) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        """Inputs of the jaxpr by their part: consts, carry, past, xs."""
        flat = list(flat)
        a = self.consts
        b = a + self.carry
        c = b + self.past
        return flat[:a], flat[a:b], flat[b:c], flat[c:]

    def split_operands(
        self, flat: Any
    ) -> tuple[list[Any], list[Any], list[Any], list[Any], list[Any]]:
        """Operands of the recurrence: consts, first carry, edges of past, past, xs."""
        flat = list(flat)
        consts, init, first, rest = self.split(flat)
        return consts, init, first, rest[: self.past], rest[self.past :]

    def inputs(self) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        """Shapes and dtypes of the inputs of one step."""
        return self.split([struct(a) for a in self.jaxpr.in_avals])

    def outputs(self) -> tuple[list[Any], list[Any]]:
        """Shapes and dtypes of what one step returns."""
        flat = [struct(a) for a in self.jaxpr.out_avals]
        return flat[: self.carry], flat[self.carry :]

    def __call__(self, *args: Any) -> list[Any]:
        """One step."""
        return core.jaxpr_as_fun(self.jaxpr)(*args)


def struct(aval: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype)


def with_time(aval: Any, axis: int, length: int) -> tuple[int, ...]:
    """The shape of a sequence whose entries look like ``aval``."""
    return (*aval.shape[:axis], length, *aval.shape[axis:])
