r"""Weight normalisation of the recurrent kernels (Salimans & Kingma 2016, arXiv:1602.07868).

    U_k = g_k * V_k / |V_k|        the norm of every column, the weights into one unit

``params.cell`` holds V in place of U, and ``params.gain`` holds g. The normalisation depends on
parameters only, so a run over time computes it once. Initially ``g = |V|``, so that the cell starts
as it would without weight normalisation.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from recurrax.cell.cell import Noise
from recurrax.cell.exportable import exportable
from recurrax.cell.naming import name_of
from recurrax.cell.operators import Kernel
from recurrax.cell.params import BIAS, Gates
from recurrax.compose.wrapper import Wrapper, check_params, recurrent_kernels


@exportable
class WeightNormParams(NamedTuple):
    cell: Any
    """The parameters of the cell, with V in place of the recurrent kernels."""
    gain: dict[str, Gates]
    """For each group of recurrent kernels, by its name, g for every gate: (features,)."""


@dataclass(frozen=True)
class WeightNorm(Wrapper):
    """Weight normalisation; equations in :mod:`recurrax.compose.weight_norm`.

    Attributes:
      cell: a cell with recurrent kernels ``U``.
    """

    Params = WeightNormParams

    def init(self, key: Array, in_features: Any) -> WeightNormParams:
        params = self.cell.init(key, in_features)
        kernels = recurrent_kernels(self, params)
        for name, group in kernels.items():
            for gate, V in group.items():
                if isinstance(V, Kernel):
                    raise TypeError(
                        f"rx.WeightNorm: it scales the columns of matrices, but {name}.{gate} of "
                        f"{name_of(self.cell)} is a {type(V).__name__}."
                    )
        gain = {
            name: Gates(BIAS, **{k: column_norm(V) for k, V in group.items()})
            for name, group in kernels.items()
        }
        return WeightNormParams(params, gain)

    def initial_carry_from(self, params: WeightNormParams, batch_shape: tuple[int, ...]) -> Any:
        check_params(self, params, WeightNormParams)
        return self.cell.initial_carry_from(params.cell, batch_shape)

    def step(self, params: WeightNormParams, carry: Any, x: Any) -> tuple[Any, Any]:
        return self.cell.step(self.normalised(params), carry, x)

    def training_step(self, params: Any, carry: Any, x: Any, noise: Noise) -> tuple[Any, Any]:
        return self.cell.training_step(self.normalised(params), carry, x, noise)

    def normalised(self, params: WeightNormParams) -> Any:
        """The parameters of the cell, with U computed from g and V."""
        kernels = {
            name: Gates(
                group.axes,
                **{k: params.gain[name][k] * V / column_norm(V) for k, V in group.items()},
            )
            for name, group in recurrent_kernels(self, params.cell).items()
        }
        return params.cell._replace(**kernels)


def column_norm(V: Array) -> Array:
    """The norm of every column."""
    return jnp.sqrt(jnp.sum(V * V, axis=0))
