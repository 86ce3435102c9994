"""Options that are one of several values: names, flags, activations and presets."""

import difflib
from dataclasses import fields, is_dataclass
from typing import Any

from recurrax.cell.activations import ACTIVATIONS, Activation, name_of_activation
from recurrax.cell.naming import name_of
from recurrax.initializers import Preset, preset as find_preset


def by_type(cell: Any) -> None:
    """Checks the options that only need a check of their type: activations, presets, flags."""
    for option in fields(cell) if is_dataclass(cell) else ():
        if option.type == Activation:
            activation(cell, option.name)
        elif option.type == str | Preset:
            preset(cell, option.name)
        elif option.type is bool:
            one_of(cell, option.name, (False, True))


def one_of(cell: Any, option: str, allowed: tuple[Any, ...]) -> None:
    """Checks that an option has one of its documented values."""
    value = getattr(cell, option)
    if not any(type(value) is type(a) and value == a for a in allowed):
        names = " or ".join(repr(a) for a in allowed)
        raise ValueError(f"{name_of(cell)}: {option} must be {names}; got {value!r}.")


def activation(cell: Any, *options: str) -> None:
    """Checks activations; known functions become their names, so ``jnp.tanh`` equals ``"tanh"``."""
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


def preset(cell: Any, option: str) -> None:
    """Checks that the preset exists."""
    try:
        find_preset(getattr(cell, option))
    except ValueError as error:
        raise ValueError(f"{name_of(cell)}: {error}") from None
