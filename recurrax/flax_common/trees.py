"""Parameters as the tree of a Flax module, and the names of mesh axes for its arrays."""

from collections.abc import Callable, Mapping
from typing import Any

from recurrax.cell.checks import describe_shape
from recurrax.cell.params import describe, params_from_dict, params_to_dict


def to_tree(params: Any) -> dict[str, Any]:
    """Parameters as named entries of a module; those without names become one entry."""
    tree = params_to_dict(params)
    return tree if isinstance(tree, dict) else {"value": tree}


def from_tree(like: Any, tree: Any, where: str = "params") -> Any:
    """The inverse of :func:`to_tree`."""
    named = isinstance(params_to_dict(like), dict)
    return params_from_dict(like, tree if named else tree["value"], where)


def annotated(tree: Any, partitioning: Any, box: Callable[[Any, tuple[Any, ...]], Any]) -> Any:
    """The tree with the arrays of every named group boxed with the names of mesh axes."""
    if not partitioning:
        return tree

    def walk(node: Any, names: Any) -> Any:
        if isinstance(node, dict):
            return {k: walk(v, partitioning.get(k, names)) for k, v in node.items()}
        return node if names is None else box(node, tuple(names))

    return walk(tree, None)


def check_partitioning(caller: str, tree: Any, partitioning: Any) -> None:
    """Every group must exist, with as many axes as there are names."""
    if partitioning is None:
        return
    if not isinstance(partitioning, Mapping):
        raise TypeError(
            f"{caller}: partitioning must be a dict such as {{'U': (None, 'model')}}; "
            f"got {describe(partitioning)}."
        )

    def check_axes(array: Any, names: tuple[Any, ...]) -> Any:
        if array.ndim != len(names):
            raise ValueError(
                f"{caller}: partitioning names {len(names)} axes, {names}, for an array of shape "
                f"{describe_shape(array)}."
            )

    groups = group_names(tree)
    for name, names in partitioning.items():
        if name not in groups:
            raise ValueError(
                f"{caller}: partitioning names {name!r}; the parameters have "
                f"{', '.join(sorted(groups))}."
            )
        if not isinstance(names, tuple | list | None):
            raise TypeError(
                f"{caller}: partitioning[{name!r}] must be a tuple of names of mesh axes; "
                f"got {names!r}."
            )
    annotated(tree, partitioning, check_axes)


def group_names(tree: Any) -> set[str]:
    """The names of all entries of a tree, at every depth."""
    if not isinstance(tree, dict):
        return set()
    return set(tree).union(*map(group_names, tree.values()))
