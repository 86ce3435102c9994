r"""Coupled oscillatory network (Rusch & Mishra 2021, arXiv:2010.00951).

    z' = z + dt * (tanh(W_z x + U_y y + U_z z + b_z) - gamma * y - epsilon * z)
    y' = y + dt * z'

This is a discretised network of damped, driven oscillators with positions y and velocities z. gamma
is the square of their frequency, and epsilon is the damping. For a small dt, gradients neither
vanish nor explode.

Conventions: the defaults are the authors' for the adding problem. Kernels and biases are uniform on
+-1/sqrt(features), close to the default of torch that the authors use.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.numpy import tanh

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class CoRNNCarry(NamedTuple):
    y: Array
    """(*batch, features)"""
    z: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class CoRNN(Cell):
    """Coupled oscillatory network; equations in :mod:`recurrax.cells.co_rnn`.

    Attributes:
      features: size of y and z.
      dt: time step, above 0.
      gamma: frequency squared.
      epsilon: damping.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    dt: float = 0.06
    gamma: float = 66.0
    epsilon: float = 15.0
    preset: str | Preset = "torch"

    Carry = CoRNNCarry
    Params = GateParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_float(self, "dt")
        options.number(self, "gamma", "epsilon")

    def init(self, key: Array, in_features: int) -> GateParams:
        return init_gates(
            key,
            in_features,
            self.features,
            "z",
            U="yz",
            preset=self.preset,
            family="rnn",
        )

    def step(self, params: GateParams, carry: CoRNNCarry, x: Array) -> tuple[CoRNNCarry, Array]:
        W, U, b = params
        y, z = carry
        force = tanh(x @ W.z + y @ U.y + z @ U.z + b.z)
        z = z + self.dt * (force - self.gamma * y - self.epsilon * z)
        y = y + self.dt * z
        return CoRNNCarry(y, z), y
