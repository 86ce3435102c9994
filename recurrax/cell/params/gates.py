"""Gates: the arrays of one kind of parameter, one entry per gate, by the names of the paper."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax

from recurrax.cell.exportable import exportable_node
from recurrax.cell.naming import describe

INPUT = ("x", "gate")
RECURRENT = ("h", "gate")
BIAS = ("gate",)


@exportable_node
@jax.tree_util.register_pytree_with_keys_class
class Gates:
    """The kernels (or biases) of all gates, one array each, read as ``W.i`` or ``W["i"]``.

    ``axes`` names the axes of every array. recurrax multiplies from the right, ``x @ W.i``, so an
    input kernel has the axes ``("x", "gate")``, a recurrent kernel ``("h", "gate")`` and a bias
    ``("gate",)``. A cell rejects a group with other axes even if the sizes fit, which detects
    exchanged or transposed square kernels.

    A JAX pytree: the arrays are its leaves; names and axes are part of its structure.

    Example:
      >>> import jax.numpy as jnp
      >>> W = Gates(("x", "gate"), f=jnp.zeros((3, 4)), n=jnp.ones((3, 4)))
      >>> W
      Gates(f=float32[3,4], n=float32[3,4], axes=('x', 'gate'))
      >>> W.n.shape, W.T.n.shape, W.T.axes
      ((3, 4), (4, 3), ('gate', 'x'))
    """

    __slots__ = ("_arrays", "axes")
    _arrays: dict[str, Any]
    axes: tuple[str, ...]

    def __init__(self, axes: Sequence[str], /, **arrays: Any):
        for name in arrays:
            if hasattr(type(self), name):
                raise ValueError(f"Gates: {name!r} cannot name a gate; it has a meaning here.")
        object.__setattr__(self, "_arrays", arrays)
        object.__setattr__(self, "axes", tuple(axes))

    @property
    def names(self) -> tuple[str, ...]:
        """The gates, in order."""
        return tuple(self._arrays)

    @property
    def T(self) -> "Gates":
        """Every array transposed, and the names of the axes with them."""
        return Gates(self.axes[::-1], **{name: array.T for name, array in self.items()})

    def items(self) -> Iterator[tuple[str, Any]]:
        """Pairs of gate name and array."""
        yield from self._arrays.items()

    def replace(self, **arrays: Any) -> "Gates":
        """A copy with the arrays of some gates replaced."""
        for name in arrays:
            self[name]  # an unknown gate is an error, not a new gate
        return Gates(self.axes, **{**self._arrays, **arrays})

    def __getitem__(self, name: str) -> Any:
        try:
            return self._arrays[name]
        except KeyError:
            raise KeyError(f"no gate {name!r} here; there are {', '.join(self.names)}") from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # not a gate; copy and pickle ask for such names
            raise AttributeError(name)
        try:
            return self._arrays[name]
        except KeyError:
            raise AttributeError(
                f"no gate {name!r} here; there are {', '.join(self.names)}"
            ) from None

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"Gates cannot be changed; use .replace({name}=...) for a copy.")

    def __repr__(self) -> str:
        arrays = (f"{name}={describe(array)}" for name, array in self.items())
        return f"Gates({', '.join(arrays)}, axes={self.axes})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _gates_from_dict, (self.axes, self._arrays)

    def tree_flatten_with_keys(self) -> tuple[list[tuple[Any, Any]], Any]:
        keyed = [(jax.tree_util.GetAttrKey(name), array) for name, array in self.items()]
        return keyed, (self.axes, self.names)

    @classmethod
    def tree_unflatten(cls, aux: tuple[Any, Any], arrays: Sequence[Any]) -> "Gates":
        axes, names = aux
        return cls(axes, **dict(zip(names, arrays, strict=True)))


def _gates_from_dict(axes: tuple[str, ...], arrays: dict[str, Any]) -> Gates:
    return Gates(axes, **arrays)
