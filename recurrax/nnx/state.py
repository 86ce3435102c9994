"""The state of an nnx cell over time: the arguments of ``nnx.scan``."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from flax import nnx
from flax.nnx.transforms.iteration import Carry

from recurrax.cell.cell import Layer
from recurrax.cell.options import name_of
from recurrax.cell.params import describe


def check_state_arguments(caller: str, cell: Any, state_axes: Any, broadcast_rngs: Any) -> None:
    """State goes from step to step or stays the same; a recurrax cell has none."""
    if state_axes is not None and not isinstance(state_axes, Mapping):
        raise TypeError(
            f"{caller}: state_axes must be a dict or nnx.StateAxes; got {describe(state_axes)}."
        )
    for state_filter, axis in (state_axes or {}).items():
        if axis is not None and axis is not Carry:
            raise ValueError(
                f"{caller}: state_axes={{{state_filter!r}: {axis!r}}} asks for state with an entry "
                "for each step; here state is nnx.Carry, from step to step, or None, the same at "
                "every step. Return such values as outputs, or use flax.nnx.RNN."
            )
    if isinstance(cell, Layer) and (state_axes is not None or broadcast_rngs is not None):
        name = "state_axes" if state_axes is not None else "broadcast_rngs"
        raise ValueError(
            f"{caller}: {name} has no meaning with {name_of(cell)}, which has parameters and no "
            "other state; its own options decide which random numbers are the same at every step, "
            "as in rx.Dropout(0.5, per='run')."
        )


class SplitState(NamedTuple):
    """An nnx cell as its definition, its parameters, and state by what happens to it over time."""

    graphdef: Any
    params: Any
    constant: tuple[Any, ...]
    """State that is the same at every step."""
    carried: tuple[Any, ...]
    """State that goes from step to step."""


def split_state(cell: Any, state_axes: Any, broadcast_rngs: Any) -> SplitState:
    """Splits a cell by Flax's rule: random state among ``broadcast_rngs`` first, then the axes."""
    axes = {nnx.All(nnx.RngState, broadcast_rngs): None, **(state_axes or {...: Carry})}
    graphdef, params, *states = nnx.split(cell, nnx.Param, *axes)
    groups: Any = list(zip(states, axes.values(), strict=True))
    constant = tuple(state for state, axis in groups if axis is None)
    return SplitState(
        graphdef, params, constant, tuple(state for state, axis in groups if axis is Carry)
    )
