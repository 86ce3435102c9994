"""What the linen and the nnx layer share: Flax's arguments, mapped onto a scan over time."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from recurrax.cells.cell import Cell
from recurrax.cells.checks import arguments
from recurrax.cells.params import params_from_dict, params_to_dict
from recurrax.scan import check_method
from recurrax.sequence import (
    check_flag,
    check_sequence,
    check_step_keeps_carry,
    first_step,
    not_available,
    scan_over_time,
)


def to_tree(params: Any) -> dict[str, Any]:
    """Parameters as named entries of a module; those without names become one entry."""
    tree = params_to_dict(params)
    return tree if isinstance(tree, dict) else {"value": tree}


def from_tree(like: Any, tree: Any, where: str = "params") -> Any:
    """The inverse of :func:`to_tree`."""
    named = isinstance(params_to_dict(like), dict)
    return params_from_dict(like, tree if named else tree["value"], where)


class Call(NamedTuple):
    """One call of a layer: the flags it runs with, and its inputs."""

    inputs: Any
    time_axis: int
    return_carry: bool
    reverse: bool
    keep_order: bool

    @property
    def x0(self) -> Any:
        """Shapes and dtypes of one step."""
        return first_step(self.inputs, self.time_axis)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """What Flax's ``initialize_carry`` takes: the shape of one step."""
        return jax.tree.leaves(self.x0)[0].shape


def prepare(who: str, layer: Any, inputs: Any, seq_lengths: Any, **overrides: Any) -> Call:
    """Checks a call, and fills the flags that it leaves open from the layer's attributes."""
    not_available(who, seq_lengths=seq_lengths)
    check_method(who, layer.method, layer.chunk, layer.keep)
    flags = {n: getattr(layer, n) if flag is None else flag for n, flag in overrides.items()}
    for name, flag in flags.items():
        check_flag(who, name, flag)
    time_axis = 0 if flags.pop("time_major") else -(layer.cell.num_feature_axes + 1)
    check_sequence(who, "inputs", inputs, time_axis)
    return Call(inputs, time_axis, **flags)


def check(who: str, cell: Cell, params: Any, carry: Any, call: Call) -> None:
    """Checks a recurrax cell against the call, so that errors name the layer's arguments."""
    arguments(cell, who, params, carry, call.x0, "inputs")
    check_step_keeps_carry(who, cell, params, carry, call.x0)


def run(who: str, layer: Any, step: Any, carry: Any, call: Call) -> tuple[Any, Any]:
    """The scan; outputs of a reversed run in the order of processing, as Flax has them."""
    carry, outputs = scan_over_time(
        who,
        step,
        carry,
        call.inputs,
        call.time_axis,
        reverse=call.reverse,
        method=layer.method,
        chunk=layer.chunk,
        keep=layer.keep,
    )
    if call.reverse and not call.keep_order:
        position = call.time_axis % jax.tree.leaves(call.inputs)[0].ndim
        outputs = jax.tree.map(lambda a: jnp.flip(a, position), outputs)
    return carry, outputs
