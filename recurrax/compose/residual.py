"""A skip connection around one layer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jax import Array

from recurrax.cell.cell import Noise
from recurrax.cell.naming import name_of
from recurrax.compose.wrapper import LayerWrapper, Wrapper, choose_class
from recurrax.sequence.engine import with_zero_padding
from recurrax.sequence.options import Run, RunResult
from recurrax.sequence.run import run_layer

# Type checkers see the usual case, a residual connection around a cell.
Base = Wrapper if TYPE_CHECKING else LayerWrapper


@dataclass(frozen=True)
class Residual(Base):
    """``y = x + cell(x)``, for inputs as wide as the outputs (Wu et al. 2016, arXiv:1609.08144).

    Around a cell it is a :class:`recurrax.Cell`; around a layer without a ``step``, such as a
    :class:`recurrax.Bidirectional`, it is a layer without one.

    Attributes:
      cell: any cell or layer.
    """

    cell: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        choose_class(self, [self.cell], (ResidualCell, Residual))

    def __repr__(self) -> str:
        return f"Residual(cell={self.cell!r})"

    def init(self, key: Array, in_features: int) -> Any:
        out = self.cell.out_size(in_features)
        if out != in_features:
            raise ValueError(
                f"rx.Residual: {name_of(self.cell)} must put out as many features as it takes, "
                f"because x is added to them; it takes {in_features} and puts out {out}."
            )
        return self.cell.init(key, in_features)

    def over_time(self, run: Run, params: Any, xs: Any, carry: Any) -> RunResult:
        result = run_layer(self.cell, run, params, xs, carry)
        return result._replace(ys=with_zero_padding(run, xs) + result.ys)


class ResidualCell(Residual, Wrapper):
    """A residual connection around a cell; ``Residual(cell)`` makes one."""

    public_name = "Residual"

    def step(self, params: Any, carry: Any, x: Array) -> tuple[Any, Array]:
        carry, y = self.cell.step(params, carry, x)
        return carry, x + y

    def training_step(self, params: Any, carry: Any, x: Array, noise: Noise) -> tuple[Any, Array]:
        carry, y = self.cell.training_step(params, carry, x, noise)
        return carry, x + y
