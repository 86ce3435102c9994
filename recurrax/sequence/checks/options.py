"""The static options of a run: flags, names and dtypes."""

from collections.abc import Collection, Mapping
from typing import Any

import jax

from recurrax.cell import checks
from recurrax.cell.cell import Layer
from recurrax.cell.checks import as_dtype
from recurrax.cell.options import name_of
from recurrax.cell.params import describe
from recurrax.scan import check_policy
from recurrax.sequence.options import ORDERS, PADS, RunOptions
from recurrax.sequence.precision import field_of


def check_options(caller: str, options: RunOptions) -> None:
    """Flags must be booleans, and names must be among the documented ones."""
    check_flag(caller, "reverse", options.reverse)
    check_one_of(caller, "pad", options.pad, PADS)
    check_one_of(caller, "order", options.order, ORDERS)
    check_policy(caller, options.policy)


def check_flag(caller: str, name: str, value: Any) -> None:
    """A flag must be True or False, not an array that happens to be true."""
    if not isinstance(value, bool):
        raise TypeError(f"{caller}: {name} must be True or False; got {describe(value)}.")


def check_one_of(caller: str, name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in allowed:
        names = " or ".join(map(repr, allowed))
        raise ValueError(f"{caller}: {name} must be {names}; got {value!r}.")


def check_names(caller: str, given: Collection[str], allowed: tuple[str, ...]) -> None:
    """Keyword arguments must be among those that the caller documents."""
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        raise TypeError(
            f"{caller}: unknown arguments {', '.join(unknown)}; expected some of "
            f"{', '.join(allowed)}."
        )


def as_carry_dtype(caller: str, cell: Any, carry_dtype: Any) -> Any:
    """One dtype, or pairs ``(field, dtype)`` in place of a dict."""
    if not isinstance(carry_dtype, Mapping):
        return as_dtype(caller, "carry_dtype", carry_dtype)
    if not carry_dtype:
        return None
    if isinstance(cell, Layer):
        leaves = jax.tree_util.tree_leaves_with_path(checks.row_like(cell))
        fields = sorted({name for path, _ in leaves if (name := field_of(path))})
        for field in carry_dtype:
            if field not in fields:
                raise ValueError(
                    f"{caller}: carry_dtype names {field!r}; the carry of {name_of(cell)} has "
                    f"{', '.join(fields) or 'no fields'}."
                )
    return tuple(
        (field, as_dtype(caller, f"carry_dtype[{field!r}]", dtype))
        for field, dtype in sorted(carry_dtype.items())
    )
