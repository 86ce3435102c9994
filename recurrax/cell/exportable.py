"""Types of parameters and carries that ``jax.export`` can write into a file."""

import json
from typing import Any, TypeGuard, TypeVar

from jax import export

T = TypeVar("T", bound=type)


def is_namedtuple(cls: Any) -> TypeGuard[type]:
    return isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields")


def exportable(cls: T) -> T:
    """Makes a NamedTuple one that an exported function may take and return; a decorator.

    A class of the same name that is defined again, as in a notebook, is left out: a file names its
    types, and the name stands for the first one.
    """
    name = f"{cls.__module__}.{cls.__qualname__}"
    try:
        export.register_namedtuple_serialization(cls, serialized_name=name)
    except ValueError as error:
        if "already" not in str(error) and "Duplicate" not in str(error):
            raise
    return cls


def exportable_node(cls: T) -> T:
    """The same for another pytree class; its static part must consist of names and numbers."""
    export.register_pytree_node_serialization(
        cls,
        serialized_name=f"{cls.__module__}.{cls.__qualname__}",
        serialize_auxdata=lambda static: json.dumps(static).encode(),
        deserialize_auxdata=lambda data: as_tuples(json.loads(data)),
    )
    return cls


def as_tuples(value: Any) -> Any:
    """Lists, which JSON makes of tuples, as tuples."""
    return tuple(map(as_tuples, value)) if isinstance(value, list) else value
