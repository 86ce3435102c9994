r"""The "GRU" of some blog posts, which is not a GRU.

    h  = sigma(c)
    r  = sigma(W_r x + U_r h + b_r)
    z  = sigma(W_z x + U_z h + b_z)
    c' = (1 - z) * c + z * tanh(x * r)
    y  = sigma(c')

It differs from :class:`recurrax.GRU` in three places: the reset gate acts on the input, the
candidate has neither a kernel nor a recurrent term (so x must have as many features as the cell),
and the output is sigma of the state, so that y is within (sigma(-1), sigma(1)) = (0.27, 0.73) if c
is within (-1, 1). Use this cell only to reproduce such a post.
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


class SquashedGRUCarry(NamedTuple):
    c: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class SquashedGRU(Cell):
    """Not a GRU; equations in :mod:`recurrax.cells.squashed_gru`.

    Attributes:
      features: size of c and y, and of x.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    preset: str | Preset = "default"

    Carry = SquashedGRUCarry
    Params = GateParams

    def init(self, key: Array, in_features: int) -> GateParams:
        options.same_size(self, in_features, "the candidate is tanh(x * r)")
        return init_gates(key, in_features, self.features, gates="rz", preset=self.preset)

    def step(
        self, params: GateParams, carry: SquashedGRUCarry, x: Array
    ) -> tuple[SquashedGRUCarry, Array]:
        W, U, b = params
        c = carry.c
        h = sigmoid(c)
        r = sigmoid(x @ W.r + h @ U.r + b.r)
        z = sigmoid(x @ W.z + h @ U.z + b.z)
        c = (1 - z) * c + z * tanh(x * r)
        return SquashedGRUCarry(c), sigmoid(c)
