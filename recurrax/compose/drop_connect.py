"""DropConnect: recurrent weights are dropped."""

from dataclasses import dataclass
from typing import Any

import jax
from jax import Array

from recurrax.cell import options
from recurrax.cell.cell import Noise
from recurrax.compose.masks import dropped, mask
from recurrax.compose.wrapper import Wrapper, apart, keys, recurrent_kernels, together


@dataclass(frozen=True)
class DropConnect(Wrapper):
    """Recurrent weights set to zero (Wan et al. 2013; Merity et al. 2017, arXiv:1708.02182).

    One mask is drawn for a whole run and for all rows of the batch.

    Attributes:
      cell: a cell with recurrent kernels ``U``.
      rate: the probability that a weight is dropped.
    """

    rate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        options.rate(self, "rate")

    def noise(self, key: Array, x: Any, steps: int) -> Noise:
        key, inner = keys(key, 2)
        kernels = recurrent_kernels(self, self.cell.params_like(x.shape[-1]))
        leaves, treedef = jax.tree.flatten(kernels)
        draws = keys(key, len(leaves))
        masks = [mask(k, self.rate, leaf.shape) for k, leaf in zip(draws, leaves, strict=True)]
        own = Noise(run=jax.tree.unflatten(treedef, masks))
        return together([own, self.cell.noise(inner, x, steps)])

    def training_step(self, params: Any, carry: Any, x: Array, noise: Noise) -> tuple[Any, Array]:
        own, inner = apart(noise)
        kernels = jax.tree.map(
            lambda U, keep: dropped(U, keep, self.rate), recurrent_kernels(self, params), own.run
        )
        return self.cell.training_step(params._replace(**kernels), carry, x, inner)

    @property
    def is_stochastic(self) -> bool:
        return True
