"""Options that depend on another option, on the input, or on the dtype of the carry."""

from typing import Any

import jax.numpy as jnp

from recurrax.cell.naming import name_of


def needs(cell: Any, option: str, other: str) -> None:
    """Checks that an option is not set without the other option that gives it a meaning."""
    default = type(cell).__dataclass_fields__[option].default
    if getattr(cell, other) is None and getattr(cell, option) != default:
        raise ValueError(
            f"{name_of(cell)}: {option}={getattr(cell, option)!r} has no meaning without {other}; "
            f"set {other}, or leave {option} out."
        )


def divides(cell: Any, option: str, other: str) -> None:
    """Checks that an option is a divisor of another."""
    if getattr(cell, other) % getattr(cell, option):
        raise ValueError(
            f"{name_of(cell)}: {option} must divide {other}={getattr(cell, other)}; "
            f"got {getattr(cell, option)!r}."
        )


def same_size(cell: Any, in_features: int, why: str) -> None:
    """Checks that x has as many features as the cell."""
    if in_features != cell.features:
        raise ValueError(
            f"{name_of(cell)}: in_features must equal features={cell.features}, because {why}; "
            f"got {in_features}."
        )


def counts_exactly(cell: Any, field: str, most: int, dtype: Any) -> None:
    """Checks that a field of the carry can count to ``most`` in its dtype."""
    if most > 2 / float(jnp.finfo(dtype).eps):  # as a bfloat16, 257 would be 256
        raise ValueError(
            f"{name_of(cell)}: {jnp.dtype(dtype)} cannot count to {most}; use "
            f'carry_dtype={{"{field}": "float32"}}.'
        )
