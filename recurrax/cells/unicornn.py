r"""UnICORNN, undamped independent controlled oscillators (Rusch & Mishra 2021, arXiv:2103.05487).

    d  = dt * sigma(c_h)
    z' = z - d * (tanh(u_h * y + W_h x + b_h) + alpha * y)
    y' = y + d * z'

Every unit is an independent oscillator with a learned time step d; the layers of a stack mix the
units. The scheme is symplectic and can be inverted in time.

Conventions: u is initially U(0, 1) and c U(-0.1, 0.1), as in the authors' code.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import BIAS, Gates, init_gates
from recurrax.initializers import Preset, per_gate, uniform


class UnICORNNCarry(NamedTuple):
    y: Array
    """(*batch, features)"""
    z: Array
    """(*batch, features)"""


class UnICORNNParams(NamedTuple):
    W: Gates
    """h: (in_features, features)"""
    u: Gates
    """h: (features,)"""
    b: Gates
    """h: (features,)"""
    c: Gates
    """h: (features,)"""


@dataclass(frozen=True)
class UnICORNN(Cell):
    """Undamped independent oscillators; equations in :mod:`recurrax.cells.unicornn`.

    Attributes:
      features: size of y and z.
      dt: the longest time step, above 0.
      alpha: frequency squared of an oscillator without input.
      preset: initial values of W and b; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    dt: float = 0.2
    alpha: float = 1.0
    preset: str | Preset = "default"

    Carry = UnICORNNCarry
    Params = UnICORNNParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_float(self, "dt")
        options.number(self, "alpha")

    def init(self, key: Array, in_features: int) -> UnICORNNParams:
        key, key_u, key_c = jax.random.split(key, 3)
        W, _, b = init_gates(key, in_features, self.features, "h", U="", preset=self.preset)
        u = per_gate(uniform(0.0, 1.0))(key_u, (self.features,), "h", float)
        c = per_gate(uniform(-0.1, 0.1))(key_c, (self.features,), "h", float)
        return UnICORNNParams(W, Gates(BIAS, **u), b, Gates(BIAS, **c))

    def step(
        self, params: UnICORNNParams, carry: UnICORNNCarry, x: Array
    ) -> tuple[UnICORNNCarry, Array]:
        W, u, b, c = params
        y, z = carry
        d = self.dt * sigmoid(c.h)
        z = z - d * (tanh(u.h * y + x @ W.h + b.h) + self.alpha * y)
        y = y + d * z
        return UnICORNNCarry(y, z), y
