"""What error messages call a cell, an array and a shape."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np


def name_of(cell: Any) -> str:
    """``rx.LSTM`` for a built-in cell, the bare class name for a user's."""
    cls = cell if isinstance(cell, type) else type(cell)
    name = getattr(cls, "public_name", cls.__name__)
    return f"rx.{name}" if cls.__module__.startswith("recurrax.") else name


def instead(value: Any, kinds: Any) -> str:
    """A hint for a caller who passed the class of a cell where a cell is expected."""
    if not isinstance(value, type) or not issubclass(value, kinds):
        return ""
    sized = "features" in getattr(value, "__dataclass_fields__", ())
    return f" Did you mean {value.__name__}({'features' if sized else '...'})?"


def describe(value: Any) -> str:
    """``float32[3,4]`` for an array, the type for anything else."""
    if isinstance(value, jax.Array | np.ndarray | jax.ShapeDtypeStruct):
        return f"{value.dtype}[{','.join(str(n) for n in value.shape)}]"
    if isinstance(value, Mapping):
        return f"dict({listed(value)})"
    return type(value).__name__


def describe_shape(value: Any) -> str:
    """``(3, 4)``, also where a size is symbolic."""
    return f"({', '.join(str(n) for n in value.shape)}{',' if len(value.shape) == 1 else ''})"


def listed(names: Any) -> str:
    """The names with commas between them."""
    return ", ".join(str(name) for name in names)


def check_names(where: str, wanted: Any, got: Any) -> None:
    """Raises unless ``got`` has exactly the names of ``wanted``."""
    missing = [name for name in wanted if name not in got]
    extra = [str(name) for name in got if name not in wanted]
    if missing or extra:
        complaints = [f"missing {listed(missing)}"] if missing else []
        complaints += [f"unexpected {listed(extra)}"] if extra else []
        raise ValueError(f"{where}: expected {listed(wanted)}; {'; '.join(complaints)}.")
