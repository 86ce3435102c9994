"""The parameters of a cell as nested dicts of arrays, and back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from recurrax.cell.naming import check_names, describe, listed
from recurrax.cell.operators import Kernel, arrays_of
from recurrax.cell.params.gates import Gates


def params_to_dict(params: Any) -> Any:
    """The parameters as nested dicts of arrays, as Flax modules and checkpoints keep them.

    Items of plain tuples and lists are named by their index. Absent parts (``None``) are omitted.
    :func:`params_from_dict` is the inverse.
    """
    parts = parts_by_name(params)
    if parts is None:
        return params
    return {name: params_to_dict(part) for name, part in parts.items() if part is not None}


def params_from_dict(like: Any, tree: Any, where: str = "params") -> Any:
    """Nested dicts of arrays as the parameters of a cell; the inverse of :func:`params_to_dict`.

    Args:
      like: parameters of the structure wanted, for instance ``cell.params_like(in_features)``.
      tree: nested dicts with the same names.
      where: what to call ``tree`` in errors.

    Raises:
      ValueError: if names are missing or left over.
    """
    parts = parts_by_name(like)
    if parts is None:
        return tree
    wanted = [name for name, part in parts.items() if part is not None]
    if not isinstance(tree, Mapping):
        raise ValueError(f"{where}: expected a dict with {listed(wanted)}; got {describe(tree)}.")
    check_names(where, wanted, tree)
    found = {name: params_from_dict(parts[name], tree[name], f"{where}.{name}") for name in wanted}
    if isinstance(like, Gates):
        return Gates(like.axes, **found)
    if isinstance(like, Mapping):
        return found
    if isinstance(like, Kernel):
        return replace(like, **found)  # type: ignore[type-var]
    items = [found.get(name) for name in parts]
    return type(like)(*items) if hasattr(like, "_fields") else type(like)(items)


def parts_by_name(node: Any) -> dict[str, Any] | None:
    """The children of a container by name; ``None`` for an array or an unknown pytree node."""
    if isinstance(node, Gates | Mapping):
        return dict(node.items())
    if isinstance(node, Kernel):
        return {name: getattr(node, name) for name in arrays_of(node)}
    if isinstance(node, tuple | list):
        return dict(zip(getattr(node, "_fields", map(str, range(len(node)))), node, strict=True))
    return None
