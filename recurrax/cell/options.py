"""The options of a cell, checked once when it is made."""

import difflib
from dataclasses import fields, is_dataclass
from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np

from recurrax.cell.activations import ACTIVATIONS, Activation, name_of_activation
from recurrax.initializers import Preset, preset as find_preset


def name_of(cell: Any) -> str:
    """``rx.LSTM`` for a built-in cell, the bare class name for a user's."""
    cls = cell if isinstance(cell, type) else type(cell)
    return f"rx.{cls.__name__}" if cls.__module__.startswith("recurrax.") else cls.__name__


def instead(value: Any, kinds: Any) -> str:
    """What to write in place of the class of a cell."""
    if not isinstance(value, type) or not issubclass(value, kinds):
        return ""
    sized = "features" in getattr(value, "__dataclass_fields__", ())
    return f" Did you mean {value.__name__}({'features' if sized else '...'})?"


def by_type(cell: Any) -> None:
    """Checks the options whose type says all there is to check: activations, presets, flags."""
    for option in fields(cell) if is_dataclass(cell) else ():
        if option.type == Activation:
            activation(cell, option.name)
        elif option.type == str | Preset:
            preset(cell, option.name)
        elif option.type is bool:
            one_of(cell, option.name, (False, True))


def number(cell: Any, *options: str) -> None:
    """Checks that options are finite numbers; NumPy's become Python's."""
    for option in options:
        value = getattr(cell, option)
        if isinstance(value, np.integer | np.floating):
            value = value.item()
            object.__setattr__(cell, option, value)
        if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
            raise wrong(value, int | float)(
                f"{name_of(cell)}: {option} must be a finite number; got {value!r}."
            )


def positive_int(cell: Any, option: str, optional: bool = False) -> None:
    """Checks that an option is a positive whole number; NumPy's become Python's."""
    value = getattr(cell, option, None)
    if value is None and optional:
        return
    if isinstance(value, np.integer):
        value = int(value)
        object.__setattr__(cell, option, value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        kind = "a positive whole number or None" if optional else "a positive whole number"
        raise wrong(value, int)(f"{name_of(cell)}: {option} must be {kind}; got {value!r}.")


def increasing_ints(cell: Any, option: str) -> None:
    """Checks that an option is a tuple of positive whole numbers, each above the one before."""
    value = getattr(cell, option)
    numbers = tuple(value) if isinstance(value, tuple | list) else ()
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in numbers)
    if not numbers or not whole or any(b <= a for a, b in pairwise((0, *numbers))):
        raise wrong(value, tuple | list)(
            f"{name_of(cell)}: {option} must be increasing positive whole numbers such as "
            f"(1, 2, 4); got {value!r}."
        )
    object.__setattr__(cell, option, tuple(map(int, numbers)))


def counts_exactly(cell: Any, field: str, most: int, dtype: Any) -> None:
    """Checks that a field of the carry, of this dtype, can count so far."""
    if most > 2 / float(jnp.finfo(dtype).eps):  # as a bfloat16, 257 would be 256
        raise ValueError(
            f"{name_of(cell)}: {jnp.dtype(dtype)} cannot count to {most}; use "
            f'carry_dtype={{"{field}": "float32"}}.'
        )


def positive_float(cell: Any, option: str, optional: bool = False) -> None:
    """Checks that an option is a finite number above zero; NumPy's become Python's."""
    value = getattr(cell, option)
    if value is None and optional:
        return
    if isinstance(value, np.integer | np.floating):
        value = value.item()
        object.__setattr__(cell, option, value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < float("inf"):  # type: ignore[operator]
        kind = "a finite number above 0 or None" if optional else "a finite number above 0"
        raise wrong(value, int | float)(f"{name_of(cell)}: {option} must be {kind}; got {value!r}.")


def rate(cell: Any, option: str) -> None:
    """Checks that an option is a probability below 1; NumPy's numbers become Python's."""
    value = getattr(cell, option)
    if isinstance(value, np.floating):
        value = float(value)
        object.__setattr__(cell, option, value)
    check_rate(f"{name_of(cell)}: {option}", value)


def check_rate(what: str, value: Any) -> None:
    """Refuses what is not a probability below 1."""
    number = isinstance(value, int | float | np.floating) and not isinstance(value, bool)
    if not number or not 0 <= value < 1:
        kinds = int | float | np.floating
        raise wrong(value, kinds)(f"{what} must be from 0 to below 1; got {value!r}.")


def one_of(cell: Any, option: str, allowed: tuple[Any, ...]) -> None:
    """Checks that an option has one of its documented values."""
    value = getattr(cell, option)
    if not any(type(value) is type(a) and value == a for a in allowed):
        names = " or ".join(repr(a) for a in allowed)
        raise ValueError(f"{name_of(cell)}: {option} must be {names}; got {value!r}.")


def activation(cell: Any, *options: str) -> None:
    """Checks activations, and names the well-known ones: ``jnp.tanh`` and ``"tanh"`` are equal."""
    for option in options:
        value = name_of_activation(getattr(cell, option))
        object.__setattr__(cell, option, value)
        if callable(value) or (isinstance(value, str) and value in ACTIVATIONS):
            continue
        close = difflib.get_close_matches(str(value), ACTIVATIONS)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"{name_of(cell)}: {option} must be a function or one of "
            f"{', '.join(map(repr, ACTIVATIONS))}; got {value!r}.{hint}"
        )


def needs(cell: Any, option: str, other: str) -> None:
    """Checks that an option that only means something with another is not set without it."""
    default = type(cell).__dataclass_fields__[option].default
    if getattr(cell, other) is None and getattr(cell, option) != default:
        raise ValueError(
            f"{name_of(cell)}: {option}={getattr(cell, option)!r} has no meaning without {other}; "
            f"set {other}, or leave {option} out."
        )


def preset(cell: Any, option: str) -> None:
    """Checks that the preset exists."""
    try:
        find_preset(getattr(cell, option))
    except ValueError as error:
        raise ValueError(f"{name_of(cell)}: {error}") from None


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


def wrong(value: Any, kinds: Any) -> type[Exception]:
    """``ValueError`` for a value of the right kind, ``TypeError`` for one of another."""
    right_type = isinstance(value, kinds) and not isinstance(value, bool)
    return ValueError if right_type else TypeError
