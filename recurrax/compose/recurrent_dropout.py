"""Recurrent dropout: only the candidate is dropped."""

import dataclasses
from dataclasses import KW_ONLY, dataclass
from typing import Any

from jax import Array

from recurrax.cell import activations, options
from recurrax.cell.cell import Noise
from recurrax.cell.naming import name_of
from recurrax.compose.masks import PER, dropped, mask
from recurrax.compose.wrapper import Wrapper, apart, keys, together


@dataclass(frozen=True)
class RecurrentDropout(Wrapper):
    """Recurrent dropout without memory loss (Semeniuta et al. 2016, arXiv:1603.05118).

    Only the candidate is dropped, ``c' = f * c + i * d(g)`` in an LSTM and
    ``h' = (1 - z) * d(n) + z * h`` in a GRU, so that the memory of the cell is never masked.
    Where the new state is the candidate itself, as in an Elman cell, the state is masked.

    Attributes:
      cell: a cell with the option ``candidate_fn``, such as LSTM and GRU.
      rate: the probability that an entry of the candidate is set to zero.
      per: ``"step"``, a new mask at every step, or ``"run"``.
    """

    rate: float
    _: KW_ONLY
    per: str = "step"

    def __post_init__(self) -> None:
        super().__post_init__()
        options.rate(self, "rate")
        options.one_of(self, "per", PER)
        if not hasattr(self.cell, "candidate_fn"):
            raise TypeError(
                f"rx.RecurrentDropout: {name_of(self.cell)} has no option candidate_fn, whose "
                "result would be dropped; rx.LSTM and rx.GRU have one. Other wrappers go around "
                "this one."
            )

    def noise(self, key: Array, x: Any, steps: int) -> Noise:
        key, inner = keys(key, 2)
        shape = (*x.shape[:-1], self.cell.features)
        own = (
            Noise(run=mask(key, self.rate, shape))
            if self.per == "run"
            else Noise(step=mask(key, self.rate, (steps, *shape)))
        )
        return together([own, self.cell.noise(inner, x, steps)])

    def training_step(self, params: Any, carry: Any, x: Array, noise: Noise) -> tuple[Any, Array]:
        own, inner = apart(noise)
        keep = own.run if self.per == "run" else own.step
        cell: Any = self.cell  # a frozen dataclass
        phi = activations.get(cell.candidate_fn)

        def candidate(z: Array) -> Array:
            return dropped(phi(z), keep, self.rate)

        cell = dataclasses.replace(cell, candidate_fn=candidate)
        return cell.training_step(params, carry, x, inner)

    @property
    def is_stochastic(self) -> bool:
        return True
