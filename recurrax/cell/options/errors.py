"""The exception for a wrong value."""

from typing import Any


def wrong(value: Any, kinds: Any) -> type[Exception]:
    """``ValueError`` for a value of the right kind, ``TypeError`` for one of another."""
    right_type = isinstance(value, kinds) and not isinstance(value, bool)
    return ValueError if right_type else TypeError
