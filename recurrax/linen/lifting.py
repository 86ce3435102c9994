"""The collections and random streams of a linen cell over time: the arguments of ``nn.scan``."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
from flax.core.scope import in_filter

from recurrax.cell.cell import Layer
from recurrax.cell.options import name_of
from recurrax.cell.params import describe


class ScanArguments(NamedTuple):
    """What ``flax.linen.RNN`` passes on to ``nn.scan``."""

    variable_axes: Any
    variable_broadcast: Any
    variable_carry: Any
    split_rngs: Any


def check_scan_arguments(caller: str, cell: Any, arguments: ScanArguments) -> None:
    """Parameters are the same at every step, and no collection has an entry for each step."""
    for name in ("variable_axes", "split_rngs"):
        value = getattr(arguments, name)
        if not isinstance(value, Mapping):
            raise TypeError(f"{caller}: {name} must be a dict; got {describe(value)}.")
    for collection, axis in arguments.variable_axes.items():
        if axis is not None:
            raise ValueError(
                f"{caller}: variable_axes={{{collection!r}: {axis!r}}} asks for a collection with "
                "an entry for each step; here a collection is the same at every step, or in "
                "variable_carry. Return such values as outputs, or use flax.linen.RNN."
            )
    broadcast = in_filter(arguments.variable_broadcast, "params")
    if not broadcast or in_filter(arguments.variable_carry, "params"):
        raise ValueError(
            f"{caller}: the parameters must be in variable_broadcast and not in variable_carry, "
            "because a recurrent cell has the same parameters at every step."
        )
    if arguments.split_rngs.get("params"):
        raise ValueError(
            f"{caller}: split_rngs={{'params': True}} would draw other parameters at every step; "
            "leave 'params' False."
        )
    if isinstance(cell, Layer):
        check_scan_of_recurrax_cell(caller, cell, arguments)


def check_scan_of_recurrax_cell(caller: str, cell: Layer, arguments: ScanArguments) -> None:
    """A recurrax cell has parameters alone, and options of its own for random numbers."""
    if arguments.variable_carry:
        raise ValueError(
            f"{caller}: variable_carry={arguments.variable_carry!r} has no meaning with "
            f"{name_of(cell)}, which has parameters and no other collection."
        )
    for stream in arguments.split_rngs:
        if stream != "params":
            raise ValueError(
                f"{caller}: split_rngs names {stream!r}, but {name_of(cell)} decides by its own "
                "options what is new at every step, as in rx.Dropout(0.5, per='run')."
            )


class Lifted(NamedTuple):
    """A linen cell as pure functions of what is carried and what is new at every step."""

    cell: nn.Module
    """The cell without its variables."""
    variables: Any
    """All collections before the first step."""
    carried: tuple[str, ...]
    """The collections that the steps change."""
    streams: dict[str, Any]
    """The random streams that the steps read, with what Flax folds into their keys."""
    keys_of_steps: dict[str, Any]
    """For streams that are new at every step: keys, with an entry for each on the axis of time."""

    @property
    def collections(self) -> Any:
        """The first value of the collections that the steps change; ``None`` without any."""
        return {name: self.variables[name] for name in self.carried} or None

    def step(self, collections: Any, now: Any, *arguments: Any) -> tuple[Any, Any]:
        """``(new collections, result)`` of the cell; ``now`` holds the keys of this step."""
        now = {
            name: self.streams[name].replace(rng=key.reshape(self.streams[name].rng.shape))
            for name, key in now.items()
        }
        result = self.cell.apply(
            {**self.variables, **(collections or {})},
            *arguments,
            rngs={**self.streams, **now},
            mutable=list(self.carried) if self.carried else False,
        )
        if not self.carried:
            return None, result
        result, changed = result  # type: ignore[misc]
        return {name: changed[name] for name in self.carried}, result


def lifted(cell: nn.Module, arguments: ScanArguments, time: int, steps: int) -> Lifted:
    """A bound cell for a run of ``steps`` steps, with time on the axis ``time``."""
    unbound, variables = cell.unbind()
    carried = tuple(
        name
        for name in variables
        if in_filter(arguments.variable_carry, name) and cell.is_mutable_collection(name)
    )
    streams, keys_of_steps = {}, {}
    for stream, is_split in arguments.split_rngs.items():
        source = stream if cell.has_rng(stream) else "params"  # as Flax does in init
        if stream == "params" or not cell.has_rng(source):
            continue
        assert cell.scope is not None
        streams[stream] = cell.scope.rngs[source]
        if is_split:
            keys = jax.random.split(streams[stream].rng, steps)
            keys_of_steps[stream] = keys.reshape((1,) * time + keys.shape)
    return Lifted(unbound, variables, carried, streams, keys_of_steps)


def store(cell: nn.Module, collections: Any) -> None:
    """Puts the last value of the carried collections back into a bound cell."""
    for name, entries in (collections or {}).items():
        for entry, value in entries.items():
            cell.put_variable(name, entry, value)
