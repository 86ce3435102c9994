"""A dense layer."""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.exportable import exportable
from recurrax.initializers import lecun_normal


@exportable
class DenseParams(NamedTuple):
    W: Array
    """(in_features, features)"""
    b: Array | None
    """(features,)"""


@dataclass(frozen=True)
class Dense(Cell):
    """``y = x W + b`` at every step; it has no carry.

    Attributes:
      features: size of y.
      use_bias: whether there is a bias b, initially zero. W is initialised LeCun normal.
    """

    features: int
    _: KW_ONLY
    use_bias: bool = True

    Params = DenseParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.one_of(self, "use_bias", (False, True))

    def init(self, key: Array, in_features: int) -> DenseParams:
        W = lecun_normal()(key, (in_features, self.features), float)
        return DenseParams(W, jnp.zeros(self.features) if self.use_bias else None)

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> tuple[()]:
        del batch_shape
        return ()

    def step(self, params: DenseParams, carry: tuple[()], x: Array) -> tuple[tuple[()], Array]:
        y = x @ params.W
        return carry, y if params.b is None else y + params.b
