r"""Zoneout (Krueger et al. 2016, arXiv:1606.01305): units randomly keep their previous value.

    h' = z * h + (1 - z) * new_h       z is one with probability ``rate``: training
    h' = rate * h + (1 - rate) * new_h                                     evaluation

Every component of the carry has its own rate, and every unit its own z at every step. As in the
paper, the new h of an LSTM is computed from the new c before zoneout.
"""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from recurrax.cell import options
from recurrax.cell.cell import Noise
from recurrax.cell.checks import carry_like, carry_shape, row_like
from recurrax.cell.naming import name_of
from recurrax.compose.masks import mask
from recurrax.compose.wrapper import Wrapper, apart, keys, together


@dataclass(frozen=True)
class Zoneout(Wrapper):
    """Zoneout on the carry of a cell; equations in :mod:`recurrax.compose.zoneout`.

    If the output is a component of the carry, as in most cells, it is that component after zoneout.

    Attributes:
      cell: any cell whose carry is a NamedTuple.
      rate: one rate for all components that are arrays, or a dict of rates by component, such as
        ``{"c": 0.5, "h": 0.05}`` for the paper's LSTM; other components have no zoneout.
    """

    rate: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        like = row_like(self.cell)
        fields = [k for k in getattr(like, "_fields", ()) if hasattr(getattr(like, k), "shape")]
        rates: Any = self.rate
        if isinstance(rates, int | float | np.floating):
            options.rate(self, "rate")
            rates = dict.fromkeys(fields, self.rate)
        if isinstance(rates, tuple) and all(type(r) is tuple and len(r) == 2 for r in rates):
            rates = dict(rates)  # the form in which the field is stored
        if not fields or not isinstance(rates, dict):
            raise TypeError(
                f"rx.Zoneout: rate must be a number or a dict for the carry of "
                f"{name_of(self.cell)}, a NamedTuple; got {self.rate!r}."
            )
        for name, value in rates.items():
            if name not in fields:
                raise ValueError(
                    f"rx.Zoneout: rate names {name!r}; the carry of {name_of(self.cell)} has "
                    f"{', '.join(fields)}."
                )
            options.check_rate(f"rx.Zoneout: rate[{name!r}]", value)
        kept = tuple((name, float(rates[name])) for name in fields if rates.get(name))
        object.__setattr__(self, "rate", kept)

    def step(self, params: Any, carry: Any, x: Any) -> tuple[Any, Any]:
        new, y = self.cell.step(params, carry, x)
        return self.mixed(carry, new, y, lambda name, rate: rate)

    def noise(self, key: Array, x: Any, steps: int) -> Noise:
        key, inner = keys(key, 2)
        batch = carry_shape(x, self.num_feature_axes)
        like = carry_like(self.cell, batch)
        draws = keys(key, max(len(self.rate), 1))
        stays = {
            name: ~mask(k, rate, (steps, *getattr(like, name).shape))
            for k, (name, rate) in zip(draws, self.rate, strict=False)
        }
        return together([Noise(step=stays), self.cell.noise(inner, x, steps)])

    def training_step(self, params: Any, carry: Any, x: Any, noise: Noise) -> tuple[Any, Any]:
        own, inner = apart(noise)
        new, y = self.cell.training_step(params, carry, x, inner)
        return self.mixed(carry, new, y, lambda name, rate: own.step[name])

    def mixed(self, old: Any, new: Any, y: Any, z: Any) -> tuple[Any, Any]:
        """The old carry where a boolean z is true; a mixture of old and new for a number z."""
        result = new
        for name, rate in self.rate:
            before, after = getattr(old, name), getattr(new, name)
            stay = z(name, rate)
            value = (
                stay * before + (1 - stay) * after
                if isinstance(stay, float)
                else jnp.where(stay, before, after)
            )
            result = result._replace(**{name: value})
            y = value if y is after else y
        return result, y

    @property
    def is_stochastic(self) -> bool:
        return True
