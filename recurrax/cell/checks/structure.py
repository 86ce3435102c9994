"""The first place where two pytrees differ, as an error that names it."""

from collections.abc import Mapping
from typing import Any

import jax

from recurrax.cell.naming import check_names, describe
from recurrax.cell.params.gates import Gates


def explain_structure(who: str, where: str, got: Any, like: Any, hint: str = "") -> None:
    """Raises for the first place where two trees differ, naming it."""
    if like is None:
        raise ValueError(f"{who}: {where} must be None for this cell; got {describe(got)}.")
    plain = type(like) in (tuple, list)
    if type(got) is not type(like) or (plain and len(got) != len(like)):
        came = _kind(got) if plain and type(got) in (tuple, list) else describe(got)
        raise TypeError(f"{who}: {where} must be {_kind(like)}; got {came}.{hint}")
    if isinstance(like, Gates):
        if got.axes != like.axes and got.axes == like.axes[::-1]:
            raise ValueError(
                f"{who}: {where} is stored with axes {got.axes}, recurrax multiplies from the "
                f"right and expects {like.axes}; pass {where}.T."
            )
        if got.axes != like.axes:
            raise ValueError(
                f"{who}: {where} must have axes {like.axes}; got {got.axes}, "
                "which is another kind of parameter. Are two of them exchanged?"
            )
        check_names(f"{who}: {where}", like.names, got.names)
        if got.names != like.names:
            raise ValueError(
                f"{who}: {where} must have its gates in the order {', '.join(like.names)}; "
                f"got {', '.join(got.names)}."
            )
    if isinstance(like, Mapping):
        check_names(f"{who}: {where}", like, got)
    for place, (got_part, like_part) in _parts(got, like).items():
        if jax.tree.structure(got_part) != jax.tree.structure(like_part):
            explain_structure(who, where + place, got_part, like_part)
    raise TypeError(
        f"{who}: {where} must have the structure {jax.tree.structure(like)}; "
        f"got {jax.tree.structure(got)}."
    )


def _parts(got: Any, like: Any) -> dict[str, tuple[Any, Any]]:
    """The parts of two containers of one kind, by their place."""
    if type(like) in (tuple, list):
        return {f"[{i}]": parts for i, parts in enumerate(zip(got, like, strict=True))}
    if isinstance(like, Mapping):
        return {f"[{name!r}]": (got[name], like[name]) for name in like}
    names = getattr(like, "_fields", None) or getattr(like, "names", ())
    return {f".{name}": (getattr(got, name), getattr(like, name)) for name in names}


def _kind(value: Any) -> str:
    """``LSTMCarry(h, c)`` for a container with names, ``tuple(LSTMCarry, GRUCarry)`` without."""
    names = getattr(value, "_fields", None) or getattr(value, "names", None)
    if names is None and type(value) in (tuple, list):
        names = ["None" if part is None else describe(part) for part in value]
    if names is None:
        return "an array" if hasattr(value, "dtype") else describe(value)
    return f"{type(value).__name__}({', '.join(names)})"
