"""The parameters that a caller hands to a cell: their structure, shapes and dtypes."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from recurrax.cell.checks.arrays import array
from recurrax.cell.checks.structure import explain_structure
from recurrax.cell.naming import describe_shape
from recurrax.cell.params.gates import Gates
from recurrax.initializers import only_shapes


def params_like(cell: Any, in_features: Any) -> Any:
    """Shapes and dtypes of the parameters, cached for equal cells and sizes."""
    sizes, treedef = jax.tree.flatten(in_features)
    return _params_like(cell, treedef, tuple(sizes), jnp.result_type(float))


@functools.lru_cache
def _params_like(cell: Any, treedef: Any, sizes: tuple[Any, ...], dtype: Any) -> Any:
    del dtype  # the default float dtype; init depends on it
    in_features = jax.tree.unflatten(treedef, sizes)
    with only_shapes():
        return jax.eval_shape(lambda: cell.init(jax.random.key(0), in_features))


def check_params(who: str, params: Any, like: Any, x_name: str) -> None:
    """Rejects parameters whose structure, shapes or kind of dtype differ from ``like``."""
    if jax.tree.structure(params) != jax.tree.structure(like):
        hint = " Use cell.init, or rx.params_from_dict for nested dicts."
        explain_structure(who, "params", params, like, hint)
    for (path, got), want in zip(
        jax.tree_util.tree_leaves_with_path(params), jax.tree.leaves(like), strict=True
    ):
        where = f"{who}: params{jax.tree_util.keystr(path)}"
        array(who, where.removeprefix(f"{who}: "), got)
        if got.shape != want.shape:
            axis = _axis_of_x(_group(params, path), got, want)
            if axis is not None:
                sees_x_itself = not any(getattr(key, "idx", 0) for key in path)
                _explain_in_features(where, got, want, axis, x_name if sees_x_itself else None)
            _explain_shape(where, got, want)
        if not jnp.issubdtype(got.dtype, jnp.inexact):
            raise TypeError(f"{where} must be floating; got {got.dtype}.")


def _group(params: Any, path: tuple[Any, ...]) -> Gates | None:
    """The innermost ``Gates`` on the way to a leaf."""
    found: Gates | None = None
    node: Any = params
    for key in path:
        found = node if isinstance(node, Gates) else found
        if hasattr(key, "name"):
            node = getattr(node, key.name)
        elif isinstance(node, tuple | list | Mapping):
            node = node[key.idx if hasattr(key, "idx") else key.key]
        else:
            node = None
    return found


def _axis_of_x(group: Gates | None, got: Any, want: Any) -> int | None:
    """The axis of x in a kernel, if the two shapes differ in that axis alone."""
    if group is None or "x" not in group.axes or got.ndim != want.ndim:
        return None
    axis = group.axes.index("x")
    differ = [
        i for i, sizes in enumerate(zip(got.shape, want.shape, strict=True)) if len({*sizes}) > 1
    ]
    return axis if differ == [axis] else None


def _explain_in_features(where: str, got: Any, want: Any, axis: int, x_name: str | None) -> None:
    """Raises for a kernel that was made for another ``in_features``.

    ``x_name`` is what the caller calls x, or ``None`` for a part that sees the output of another.
    """
    who, _, kernel = where.partition(": ")
    given, made_for = want.shape[axis], got.shape[axis]
    shapes = f"expected {describe_shape(want)}, got {describe_shape(got)}."
    if x_name is None:
        raise ValueError(
            f"{where} was made for in_features={made_for}, but sees {given} features there; "
            f"{shapes} Make params with cell.init of the whole."
        )
    raise ValueError(
        f"{who}: {x_name} has {given} features, but {kernel} was made for "
        f"in_features={made_for}; {shapes} "
        f"Give {x_name} with {made_for} features, or make params with init(key, {given})."
    )


def _explain_shape(where: str, got: Any, want: Any) -> None:
    """Raises for any other wrong shape."""
    transposed = got.shape == want.shape[::-1] and len(want.shape) == 2
    hint = " It looks transposed: kernels are stored (in, out)." if transposed else ""
    raise ValueError(
        f"{where} must have shape {describe_shape(want)}; got {describe_shape(got)}.{hint}"
    )
