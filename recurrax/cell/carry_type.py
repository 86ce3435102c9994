"""The type of the carry of a cell."""

import functools
import inspect
from typing import Any

from recurrax.cell.naming import name_of


@functools.cache
def carry_type(cls: type) -> Any:
    """The class attribute ``Carry``, or the NamedTuple called as the cell with ``Carry`` behind it.

    A class that defines ``Carry`` or ``step`` comes before the classes that it inherits from.
    """
    for base in cls.__mro__:
        if "Carry" in vars(base):
            return vars(base)["Carry"]
        found = _beside_step(base) if "step" in vars(base) else None
        if found is not None:
            return found
    raise TypeError(
        f"{name_of(cls)}: no carry type found. Set the class attribute Carry to a NamedTuple, "
        f"define a NamedTuple called {cls.__name__}Carry next to the cell, or override "
        "initial_carry(batch_shape)."
    )


def _beside_step(cls: type) -> Any:
    """The class ``<name of the cell>Carry`` that the ``step`` of the cell sees, if there is one."""
    step = inspect.unwrap(vars(cls)["step"])
    if not inspect.isfunction(step):  # Layer has no step, only a message
        return None
    scope = step.__globals__ | dict(inspect.getclosurevars(step).nonlocals)
    found = scope.get(f"{cls.__name__}Carry")
    return found if isinstance(found, type) else None
