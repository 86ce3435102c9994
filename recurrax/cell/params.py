"""How the parameters of a cell are kept: one entry per gate, by name, as the paper has them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array

from recurrax.cell.operators import FULL, Kernel, Operator, arrays_of
from recurrax.initializers import Preset, preset as find_preset

INPUT = ("x", "gate")
RECURRENT = ("h", "gate")
BIAS = ("gate",)


@jax.tree_util.register_pytree_with_keys_class
class Gates:
    """The kernels (or biases) of all gates, one array each, read as ``W.i`` or ``W["i"]``.

    ``axes`` names the axes of every array. recurrax multiplies from the right, ``x @ W.i``, so an
    input kernel has the axes ``("x", "gate")``, a recurrent kernel ``("h", "gate")`` and a bias
    ``("gate",)``. A group with other names is refused by a cell, also where the sizes would fit:
    this is how two exchanged or transposed square kernels are told apart.

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


class GateParams(NamedTuple):
    """The parameters of a plain gated cell."""

    W: Gates
    """Input kernels, (in_features, features)."""
    U: Gates
    """Recurrent kernels, (features, features)."""
    b: Gates
    """Biases, (features,)."""


def init_gates(
    key: Array,
    in_features: int,
    features: int,
    gates: Sequence[str],
    *,
    recurrent_features: int | None = None,
    recurrent_gates: Sequence[str] | None = None,
    recurrent: Operator = FULL,
    extra_biases: Sequence[str] = (),
    forget: str | None = None,
    preset: str | Preset = "default",
    family: str = "gru",
) -> GateParams:
    """Draws ``W``, ``U`` and ``b`` for every gate.

    Args:
      key: a JAX random key.
      in_features: size of the last axis of x.
      features: size of every gate.
      gates: gate names: a string of one-letter names such as ``"ifgo"``, or a sequence.
      recurrent_features: size of the h that the gates see, if it is not ``features``.
      recurrent_gates: the gates that see h, if not all do.
      recurrent: what stands in the place of a recurrent matrix, such as ``rx.Diagonal()``.
      extra_biases: names of biases that have no kernel.
      forget: the gate that gets the forget bias of the preset, if there is one.
      preset: how to draw; see :func:`recurrax.initializers.preset`.
      family: ``"rnn"``, ``"gru"`` or ``"lstm"``, for presets that tell them apart; ``"lstm"`` also
        means that a gate ``f`` is the forget gate.

    Returns:
      ``GateParams(W, U, b)``, of JAX's default float dtype.
    """
    how = find_preset(preset, family)
    seen = features if recurrent_features is None else recurrent_features
    key_W, key_U, key_b = jax.random.split(key, 3)
    seeing = gates if recurrent_gates is None else recurrent_gates
    if how.U is None and recurrent == FULL and seeing == gates:
        both = how.W(key_W, (in_features + seen, features), gates, float)
        W = {gate: kernel[:in_features] for gate, kernel in both.items()}
        U = {gate: kernel[in_features:] for gate, kernel in both.items()}
    else:
        W = how.W(key_W, (in_features, features), gates, float)
        U = recurrent.kernels(how.U or how.W, key_U, seen, features, seeing)
    b = how.b(key_b, (features,), (*gates, *extra_biases), float)
    if forget is None and family == "lstm" and "f" in b:
        forget = "f"
    if forget is not None:
        b[forget] = b[forget] + how.forget_bias
    return GateParams(Gates(INPUT, **W), Gates(RECURRENT, **U), Gates(BIAS, **b))


def input_params(
    key: Array,
    in_features: int,
    features: int,
    gates: Sequence[str],
    preset: str | Preset = "default",
    forget: str | None = None,
) -> tuple[Gates, Gates]:
    """``W`` and ``b`` for every gate of a cell whose gates do not see the state."""
    how = find_preset(preset, "gru")
    key_W, key_b = jax.random.split(key)
    W = how.W(key_W, (in_features, features), gates, float)
    b = how.b(key_b, (features,), gates, float)
    if forget is not None:
        b[forget] = b[forget] + how.forget_bias
    return Gates(INPUT, **W), Gates(BIAS, **b)


def params_to_dict(params: Any) -> Any:
    """The parameters as nested dicts of arrays, as Flax modules and checkpoints keep them.

    Items of plain tuples and lists are named by their number. Absent parts (``None``) are left out.
    :func:`params_from_dict` is the way back.
    """
    parts = _parts(params)
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
    parts = _parts(like)
    if parts is None:
        return tree
    wanted = [name for name, part in parts.items() if part is not None]
    if not isinstance(tree, Mapping):
        raise ValueError(f"{where}: expected a dict with {_listed(wanted)}; got {describe(tree)}.")
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


def _parts(node: Any) -> dict[str, Any] | None:
    """The children of a container by name; ``None`` for an array, or what only JAX can open."""
    if isinstance(node, Gates | Mapping):
        return dict(node.items())
    if isinstance(node, Kernel):
        return {name: getattr(node, name) for name in arrays_of(node)}
    if isinstance(node, tuple | list):
        return dict(zip(getattr(node, "_fields", map(str, range(len(node)))), node, strict=True))
    return None


def check_names(where: str, wanted: Any, got: Any) -> None:
    """Raises unless ``got`` has exactly the names of ``wanted``."""
    missing = [name for name in wanted if name not in got]
    extra = [str(name) for name in got if name not in wanted]
    if missing or extra:
        complaints = [f"missing {', '.join(missing)}"] if missing else []
        complaints += [f"unexpected {', '.join(extra)}"] if extra else []
        raise ValueError(f"{where}: expected {_listed(wanted)}; {'; '.join(complaints)}.")


def _listed(names: Any) -> str:
    return ", ".join(str(name) for name in names)


def describe(value: Any) -> str:
    """``float32[3,4]`` for an array, the type for anything else."""
    if isinstance(value, jax.Array | np.ndarray | jax.ShapeDtypeStruct):
        return f"{value.dtype}[{','.join(str(n) for n in value.shape)}]"
    if isinstance(value, Mapping):
        return f"dict({_listed(value)})"
    return type(value).__name__
