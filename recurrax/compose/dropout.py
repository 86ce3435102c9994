r"""The kinds of dropout, under the names of their papers.

With a mask m of independent zeros and ones (one with probability 1 - rate), and
d(v) = m * v / (1 - rate):

    Dropout               y = d(x)                                  a new mask at every step
    Dropout(per="run")    y = d(x)                                  one mask for all steps
    VariationalDropout    d(x) W_k and d(h) U_k in every product    one mask for all steps
    RecurrentDropout      c' = f * c + i * d(g)                     the candidate alone
    DropConnect           h d(U_k)                                  weights, once for a run

Every row of the batch has its own mask, except for masks of weights. A run without a key is
evaluation and uses no masks.
"""

from dataclasses import KW_ONLY, dataclass
from typing import Any

from jax import Array

from recurrax.cell import options
from recurrax.cell.cell import Cell, Noise
from recurrax.compose.masks import PER, dropped, mask


@dataclass(frozen=True)
class Dropout(Cell):
    """Dropout as a layer without parameters, for use between the cells of a stack.

    Zaremba et al. (2014, arXiv:1409.2329) and torch use ``per="step"``; Gal & Ghahramani (2016) and
    Keras' argument ``dropout`` use ``per="run"``.

    Attributes:
      rate: the probability that an entry is set to zero, at least 0 and below 1.
      per: ``"step"``, or ``"run"`` for one mask for all steps.
    """

    rate: float
    _: KW_ONLY
    per: str = "step"

    def __post_init__(self) -> None:
        options.rate(self, "rate")
        options.one_of(self, "per", PER)

    def init(self, key: Array, in_features: int) -> None:
        del key, in_features

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> tuple[()]:
        del batch_shape
        return ()

    def step(self, params: None, carry: tuple[()], x: Array) -> tuple[tuple[()], Array]:
        del params
        return carry, x

    def noise(self, key: Array, x: Any, steps: int) -> Noise:
        if self.per == "run":
            return Noise(run=mask(key, self.rate, x.shape))
        return Noise(step=mask(key, self.rate, (steps, *x.shape)))

    def training_step(self, params: None, carry: Any, x: Array, noise: Noise) -> tuple[Any, Array]:
        del params
        return carry, dropped(x, noise.run if self.per == "run" else noise.step, self.rate)

    def out_size(self, in_features: int) -> int:
        return in_features

    @property
    def out_features(self) -> int:
        raise ValueError(
            "rx.Dropout: it puts out as many features as come in; use out_size(in_features)."
        )

    @property
    def is_stochastic(self) -> bool:
        return True
