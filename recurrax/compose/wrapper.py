"""What wrappers share, and how the random numbers of several parts travel together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jax
from jax import Array

from recurrax.cell.cell import Cell, Layer, Noise
from recurrax.cell.naming import describe, instead, name_of
from recurrax.cell.params import RECURRENT, Gates


@dataclass(frozen=True)
class LayerWrapper(Layer):
    """A layer around a layer, which has its parameters, carry and outputs unless overridden."""

    cell: Any

    def __post_init__(self) -> None:
        check_part(self, "cell", self.cell, Layer)

    def init(self, key: Array, in_features: Any) -> Any:
        return self.cell.init(key, in_features)

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> Any:
        return self.cell.initial_carry(batch_shape)

    def initial_carry_from(self, params: Any, batch_shape: tuple[int, ...]) -> Any:
        return self.cell.initial_carry_from(params, batch_shape)

    def out_size(self, in_features: Any) -> Any:
        return self.cell.out_size(in_features)

    def out_batch_shape(self, batch_shape: tuple[int, ...]) -> tuple[int, ...]:
        return self.cell.out_batch_shape(batch_shape)

    @property
    def input_kinds(self) -> tuple[Any, ...]:
        return self.cell.input_kinds

    @property
    def num_feature_axes(self) -> int:
        return self.cell.num_feature_axes

    @property
    def out_features(self) -> Any:
        return self.cell.out_features

    @property
    def is_stochastic(self) -> bool:
        return self.cell.is_stochastic

    @property
    def learns_carry(self) -> bool:
        return self.cell.learns_carry


@dataclass(frozen=True)
class Wrapper(LayerWrapper, Cell):
    """A cell around a cell, which has its step too unless it is overridden."""

    cell: Cell

    def __post_init__(self) -> None:
        check_part(self, "cell", self.cell, Cell)

    def step(self, params: Any, carry: Any, x: Any) -> tuple[Any, Any]:
        return self.cell.step(params, carry, x)

    def noise(self, key: Array, x: Any, steps: int) -> Noise | None:
        return self.cell.noise(key, x, steps)

    def training_step(self, params: Any, carry: Any, x: Any, noise: Noise) -> tuple[Any, Any]:
        return self.cell.training_step(params, carry, x, noise)


def choose_class(
    layer: Layer, parts: Iterable[Layer], kinds: tuple[type[Layer], type[Layer]]
) -> None:
    """Makes a layer a cell if all its parts are cells; called from its ``__post_init__``.

    ``kinds`` are the two classes of the layer, the one with a step first. The class is chosen here
    and not in ``__new__``, so that ``dataclasses.replace`` with other parts chooses again.
    """
    with_step, without = kinds
    if type(layer) in kinds:
        kind = with_step if all(isinstance(part, Cell) for part in parts) else without
        object.__setattr__(layer, "__class__", kind)


def check_part(whole: Any, option: str, part: Any, kind: type[Layer]) -> None:
    """Rejects a part that is not a recurrax cell or layer."""
    if isinstance(part, kind):
        return
    hint = instead(part, Layer)
    if isinstance(part, Layer):
        hint = " It runs in both directions and has no step; wrap its cells."
    raise TypeError(
        f"{name_of(whole)}: {option} must be a recurrax cell; got {describe(part)}.{hint}"
    )


def check_params(whole: Any, params: Any, kind: Any) -> None:
    """Rejects parameters of another type, before a learned carry is read from them."""
    if not isinstance(params, kind):
        raise TypeError(
            f"{name_of(whole)}: params must be {kind.__name__}({', '.join(kind._fields)}); "
            f"got {describe(params)}."
        )


def together(noises: Iterable[Noise | None]) -> Noise:
    """Combines the random numbers of several parts into one ``Noise``."""
    found = [Noise() if noise is None else noise for noise in noises]
    return Noise(tuple(n.run for n in found), tuple(n.step for n in found))


def apart(noise: Noise) -> list[Noise]:
    """The inverse of :func:`together`."""
    return [Noise(run, step) for run, step in zip(noise.run, noise.step, strict=True)]


def recurrent_kernels(whole: Any, params: Any) -> dict[str, Gates]:
    """The groups of recurrent kernels, by the name of the field of the parameters."""
    fields = getattr(params, "_fields", ())
    groups = {name: getattr(params, name) for name in fields}
    found = {
        name: group
        for name, group in groups.items()
        if isinstance(group, Gates) and group.axes == RECURRENT
    }
    if not found:
        raise TypeError(
            f"{name_of(whole)}: the parameters of {name_of(whole.cell)} have no recurrent kernels, "
            "a field that holds Gates with axes ('h', 'gate'). A stack has them in its cells, and "
            "rx.WeightNorm and rx.LearnedCarry one level below: put this wrapper inside."
        )
    return found


def keys(key: Array, count: int) -> list[Array]:
    """A list of new keys."""
    return list(jax.random.split(key, count))
