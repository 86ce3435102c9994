"""A skip connection around one layer."""

from dataclasses import dataclass
from typing import Any

from jax import Array

from recurrax.cell.cell import Layer, Noise
from recurrax.cell.options import name_of
from recurrax.compose.wrapper import Wrapper, check_part
from recurrax.sequence.engine import with_zero_padding
from recurrax.sequence.options import Run, RunResult
from recurrax.sequence.run import run_layer


@dataclass(frozen=True)
class Residual(Wrapper):
    """``y = x + cell(x)``, for inputs as wide as the outputs (Wu et al. 2016, arXiv:1609.08144).

    Attributes:
      cell: any cell, or a stack, or one with two directions.
    """

    cell: Any

    def __post_init__(self) -> None:
        check_part(self, "cell", self.cell, Layer)

    def init(self, key: Array, in_features: int) -> Any:
        out = self.cell.out_size(in_features)
        if out != in_features:
            raise ValueError(
                f"rx.Residual: {name_of(self.cell)} must put out as many features as it takes, "
                f"because x is added to them; it takes {in_features} and puts out {out}."
            )
        return self.cell.init(key, in_features)

    def step(self, params: Any, carry: Any, x: Array) -> tuple[Any, Array]:
        carry, y = self.cell.step(params, carry, x)
        return carry, x + y

    def training_step(self, params: Any, carry: Any, x: Array, noise: Noise) -> tuple[Any, Array]:
        carry, y = self.cell.training_step(params, carry, x, noise)
        return carry, x + y

    def over_time(self, run: Run, params: Any, xs: Any, carry: Any) -> RunResult:
        result = run_layer(self.cell, run, params, xs, carry)
        return result._replace(ys=with_zero_padding(run, xs) + result.ys)
