r"""Recurrent additive network (Lee, Levy & Zettlemoyer 2017, arXiv:1705.07393).

    i  = sigma(W_i x + U_i h + b_i)
    f  = sigma(W_f x + U_f h + b_f)
    c' = i * (W_c x) + f * c
    h' = phi(c')

The state is a weighted sum of linear projections of the inputs; the state only affects the weights.
The paper tries phi = tanh and phi = identity.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array
from jax.nn import sigmoid

from recurrax.cell import activations
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class RANCarry(NamedTuple):
    h: Array
    """(*batch, features)"""
    c: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class RAN(Cell):
    """Recurrent additive network; equations in :mod:`recurrax.cells.ran`.

    Attributes:
      features: size of h and c.
      output_fn: phi, a name ("tanh", "identity", "sigmoid", "relu") or a function.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    output_fn: Activation = "tanh"
    preset: str | Preset = "default"

    Carry = RANCarry
    Params = GateParams

    def init(self, key: Array, in_features: int) -> GateParams:
        return init_gates(
            key,
            in_features,
            self.features,
            "cif",
            U="if",
            b="if",
            forget="f",
            preset=self.preset,
        )

    def step(self, params: GateParams, carry: RANCarry, x: Array) -> tuple[RANCarry, Array]:
        W, U, b = params
        h, c = carry
        i = sigmoid(x @ W.i + h @ U.i + b.i)
        f = sigmoid(x @ W.f + h @ U.f + b.f)
        c = i * (x @ W.c) + f * c
        h = activations.get(self.output_fn)(c)
        return RANCarry(h, c), h
