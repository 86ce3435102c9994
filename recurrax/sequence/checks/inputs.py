"""The arrays of a run beside its sequence."""

from typing import Any

import jax

from recurrax.cell import checks
from recurrax.cell.cell import Layer
from recurrax.cell.options import name_of
from recurrax.sequence.checks.lengths import as_lengths, check_flags
from recurrax.sequence.checks.names import ArgumentNames
from recurrax.sequence.checks.sequence import Layout
from recurrax.sequence.options import RunInputs


def as_inputs(names: ArgumentNames, cell: Any, inputs: RunInputs, layout: Layout) -> RunInputs:
    """The arrays after their checks, with traced lengths clamped.

    ``cell`` may be one of Flax's, whose reset carry is checked where its carry is known.
    """
    caller = names.caller
    lengths, mask, resets, reset_carry, key = inputs
    if lengths is not None and mask is not None:
        raise ValueError(
            f"{caller}: {names.lengths} and mask both say which steps are valid; pass one of them."
        )
    if lengths is not None:
        lengths = as_lengths(names, lengths, layout)
    axes = f"batch and time axes of {names.xs}"
    if mask is not None:
        check_flags(caller, "mask", mask, layout.flags, axes)
    if resets is not None:
        check_flags(caller, "resets", resets, layout.flags, axes)
    if reset_carry is not None:
        if resets is None:
            raise ValueError(
                f"{caller}: reset_carry replaces the carry where resets are true; pass resets too, "
                "or leave reset_carry out."
            )
        if isinstance(cell, Layer):
            row = checks.carry_like(cell, layout.space)
            rows = checks.carry_like(cell, layout.batch + layout.space)
            check_reset_carry(caller, reset_carry, row, rows)
    if key is not None:
        check_key(caller, cell, key)
    return inputs._replace(lengths=lengths)


def check_reset_carry(
    caller: str, carry: Any, row: Any, rows: Any, hint: str = checks.MADE
) -> None:
    """A reset carry must be the carry of one row, or of all rows."""
    is_one_row = all(
        a.ndim == b.ndim
        for a, b in zip(jax.tree.leaves(carry), jax.tree.leaves(row), strict=False)
        if hasattr(a, "ndim")
    )
    checks.check_carry(caller, carry, row if is_one_row else rows, "reset_carry", hint)


def check_key(caller: str, cell: Layer, key: Any) -> None:
    """A key must be one random key, and the cell must use it."""
    checks.random_key(caller, key)
    if not cell.is_stochastic:
        raise ValueError(
            f"{caller}: key has no meaning with {name_of(cell)}, which draws no random numbers; "
            "leave it out."
        )
