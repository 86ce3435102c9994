"""Lengths, masks and resets: which steps are valid, and where new sequences begin."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from recurrax.cell import checks
from recurrax.sequence.checks.names import ArgumentNames
from recurrax.sequence.checks.sequence import Layout, check_concrete
from recurrax.sequence.lengths import clamped


def as_lengths(names: ArgumentNames, lengths: Any, layout: Layout) -> Any:
    """Lengths must be whole numbers from 0 to the number of steps, one for each row."""
    caller, name = names.caller, names.lengths
    if type(lengths) is int:
        lengths = np.asarray(lengths)
    check_concrete(caller, name, lengths)
    if not jnp.issubdtype(lengths.dtype, jnp.integer):
        hint = " A boolean array is a mask." if lengths.dtype == bool else ""
        raise TypeError(f"{caller}: {name} must be integer; got {lengths.dtype}.{hint}")
    if lengths.shape != layout.batch:
        raise ValueError(
            f"{caller}: {name} must have shape {layout.batch}, the batch axes of {names.xs}; "
            f"got {checks.describe_shape(lengths)}."
        )
    if not has_known_values(lengths):
        return clamped(jnp.asarray(lengths), layout.steps, f"{caller}: {name}")
    # As NumPy's: inside jax.jit every operation on a JAX array is traced, also on a constant.
    found = np.asarray(lengths)
    lowest, highest = int(found.min()), int(found.max())
    if lowest < 0 or highest > layout.steps:
        raise ValueError(
            f"{caller}: {name} must be from 0 to {layout.steps}, the number of steps of "
            f"{names.xs}; got {lowest if lowest < 0 else highest}."
        )
    return lengths


def has_known_values(array: Any) -> bool:
    """Whether the values of an array can be read, here and now."""
    if isinstance(array, Tracer) or not array.size:
        return False
    return not isinstance(array, jax.Array) or array.is_fully_addressable


def check_flags(caller: str, name: str, flags: Any, shape: tuple[int, ...], axes: str) -> None:
    """A mask or resets must be boolean, of ``shape``; ``axes`` says which axes these are."""
    check_concrete(caller, name, flags)
    if flags.dtype != bool:
        raise TypeError(
            f"{caller}: {name} must be boolean; got {flags.dtype}. Convert it with "
            f"{name}.astype(bool)."
        )
    if flags.shape != shape:
        swapped = flags.shape == shape[::-1] and len(shape) == 2
        hint = " The batch and time axes are swapped." if swapped else ""
        raise ValueError(
            f"{caller}: {name} must have shape {shape}, the {axes}; "
            f"got {checks.describe_shape(flags)}.{hint}"
        )
