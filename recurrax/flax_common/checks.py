"""What a layer accepts with a recurrax cell and what with one of Flax's."""

from typing import Any

import jax.numpy as jnp

from recurrax.cell.cell import Layer
from recurrax.cell.options import name_of


def check_drivable(caller: str, cell: Layer) -> None:
    """A cell in one of Flax's own layers has no dropout key, and no parameters for its carry."""
    if cell.is_stochastic:
        raise ValueError(
            f"{caller}: {name_of(cell)} draws random numbers in training, and Flax's own layers "
            "pass no key to a cell; use the RNN of recurrax."
        )
    if cell.learns_carry:
        raise ValueError(
            f"{caller}: the initial carry of {name_of(cell)} is among its parameters, which "
            "initialize_carry does not see; use the RNN of recurrax."
        )


def check_options_of_flax_cell(caller: str, **given: Any) -> None:
    """A Flax cell has dtypes and names of mesh axes of its own."""
    for name, value in given.items():
        if name == "param_dtype" and value is jnp.float32:  # the default
            continue
        if value is not None:
            raise ValueError(
                f"{caller}: {name} is for recurrax cells; a Flax cell has its own, as in "
                "nn.LSTMCell(64, dtype=jnp.bfloat16)."
            )


def check_unroll(caller: str, unroll: Any) -> None:
    """How many steps Flax's loop takes at once: a positive whole number."""
    if isinstance(unroll, bool) or not isinstance(unroll, int) or unroll < 1:
        raise ValueError(f"{caller}: unroll must be a positive whole number; got {unroll!r}.")


def check_call_of_flax_cell(caller: str, deterministic: Any) -> None:
    """A Flax cell knows by attributes of its own whether it drops."""
    if deterministic is not None:
        raise ValueError(
            f"{caller}: deterministic is for recurrax cells; a Flax cell has its own attributes."
        )
