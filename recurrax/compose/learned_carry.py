"""An initial carry that is learned."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recurrax.cell.cell import Noise
from recurrax.cell.checks import carry_like
from recurrax.cell.exportable import exportable
from recurrax.compose.wrapper import Wrapper, check_params


@exportable
class LearnedCarryParams(NamedTuple):
    cell: Any
    """The parameters of the cell."""
    carry: Any
    """The initial carry of every row; its leaves are (features,)."""


@dataclass(frozen=True)
class LearnedCarry(Wrapper):
    """A cell whose initial carry is a parameter: initially zero, and the same for all rows.

    A run without a ``carry`` starts from it, and a reset restores it. For a run that continues from
    a carry, pass ``reset_carry=cell.initial_carry_from(params, batch_shape)``.

    Attributes:
      cell: any cell.
    """

    Params = LearnedCarryParams

    @property
    def learns_carry(self) -> bool:
        return True

    def init(self, key: Array, in_features: Any) -> LearnedCarryParams:
        space = (1,) * (self.cell.num_feature_axes - 1)  # all positions in space share one carry
        carry = jax.tree.map(
            lambda a: a.reshape(a.shape[-1:]) if space else a, self.cell.initial_carry(space)
        )
        return LearnedCarryParams(self.cell.init(key, in_features), carry)

    def initial_carry_from(self, params: LearnedCarryParams, batch_shape: tuple[int, ...]) -> Any:
        check_params(self, params, LearnedCarryParams)
        like = carry_like(self.cell, batch_shape)
        return jax.tree.map(lambda a, c: jnp.broadcast_to(a, c.shape), params.carry, like)

    def step(self, params: LearnedCarryParams, carry: Any, x: Any) -> tuple[Any, Any]:
        return self.cell.step(params.cell, carry, x)

    def training_step(self, params: Any, carry: Any, x: Any, noise: Noise) -> tuple[Any, Any]:
        return self.cell.training_step(params.cell, carry, x, noise)
