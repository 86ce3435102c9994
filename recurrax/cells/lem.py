r"""Long expressive memory (Rusch, Mishra, Erichson & Mahoney 2022, arXiv:2110.04744).

    dz = dt * sigma(W_tz x + U_tz y + b_tz)
    dy = dt * sigma(W_ty x + U_ty y + b_ty)
    z' = (1 - dz) * z + dz * tanh(W_z x + U_z y  + b_z)
    y' = (1 - dy) * y + dy * tanh(W_y x + U_y z' + b_y)

The two states have learned time scales, dz and dy. y sees the new z, so a step has two matmuls that
depend on one another.

Conventions: kernels and biases are uniform on +-1/sqrt(features), as in the authors' code. In
torchrecurrent and RecurrentLayers.jl y sees the old z, which is a different cell.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class LEMCarry(NamedTuple):
    y: Array
    """(*batch, features)"""
    z: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class LEM(Cell):
    """Long expressive memory; equations in :mod:`recurrax.cells.lem`.

    Attributes:
      features: size of y and z.
      dt: the longest time step, above 0.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    dt: float = 1.0
    preset: str | Preset = "torch"

    Carry = LEMCarry
    Params = GateParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_float(self, "dt")

    def init(self, key: Array, in_features: int) -> GateParams:
        gates = ("tz", "ty", "z", "y")
        return init_gates(key, in_features, self.features, gates=gates, preset=self.preset)

    def step(self, params: GateParams, carry: LEMCarry, x: Array) -> tuple[LEMCarry, Array]:
        W, U, b = params
        y, z = carry
        dz = self.dt * sigmoid(x @ W.tz + y @ U.tz + b.tz)
        dy = self.dt * sigmoid(x @ W.ty + y @ U.ty + b.ty)
        z = (1 - dz) * z + dz * tanh(x @ W.z + y @ U.z + b.z)
        y = (1 - dy) * y + dy * tanh(x @ W.y + z @ U.y + b.y)
        return LEMCarry(y, z), y
