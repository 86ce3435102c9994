r"""MUT1, MUT2, MUT3: the best of ten thousand evolved cells (Jozefowicz, Zaremba & Sutskever 2015).

    variant=1                                   z = sigma(W_z x + b_z)
                                                r = sigma(W_r x + U_r h + b_r)
                                                n = tanh(U_n (r * h) + tanh(x) + b_n)
    variant=2                                   z = sigma(W_z x + U_z h + b_z)
                                                r = sigma(x + U_r h + b_r)
                                                n = tanh(U_n (r * h) + W_n x + b_n)
    variant=3                                   z = sigma(W_z x + U_z tanh(h) + b_z)
                                                r = sigma(W_r x + U_r h + b_r)
                                                n = tanh(U_n (r * h) + W_n x + b_n)
    h' = n * z + h * (1 - z)

From "An empirical exploration of recurrent network architectures", section 3.3. In variants 1 and 2
x is used without a kernel, so it must have as many features as the cell; implementations that
project x there (torchrecurrent) are a different cell. z is the weight of the new state; in a GRU it
is that of the old one.
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


class MUTCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


SEE_X = {1: "zr", 2: "zn", 3: "zrn"}
SEE_H = {1: "rn", 2: "zrn", 3: "zrn"}


@dataclass(frozen=True)
class MUT(Cell):
    """One of three evolved cells; equations in :mod:`recurrax.cells.mut`.

    Attributes:
      features: size of h, and of x with variants 1 and 2.
      variant: 1, 2 or 3.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    variant: int = 1
    preset: str | Preset = "default"

    Carry = MUTCarry
    Params = GateParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.one_of(self, "variant", (1, 2, 3))

    def init(self, key: Array, in_features: int) -> GateParams:
        if self.variant in (1, 2):
            options.same_size(self, in_features, f"variant={self.variant} adds x itself")
        return init_gates(
            key,
            in_features,
            self.features,
            "zrn",
            W=SEE_X[self.variant],
            U=SEE_H[self.variant],
            preset=self.preset,
        )

    def step(self, params: GateParams, carry: MUTCarry, x: Array) -> tuple[MUTCarry, Array]:
        W, U, b = params
        h = carry.h
        if self.variant == 1:
            z = sigmoid(x @ W.z + b.z)
            r = sigmoid(x @ W.r + h @ U.r + b.r)
            n = tanh((r * h) @ U.n + tanh(x) + b.n)
        elif self.variant == 2:
            z = sigmoid(x @ W.z + h @ U.z + b.z)
            r = sigmoid(x + h @ U.r + b.r)
            n = tanh((r * h) @ U.n + x @ W.n + b.n)
        else:
            z = sigmoid(x @ W.z + tanh(h) @ U.z + b.z)
            r = sigmoid(x @ W.r + h @ U.r + b.r)
            n = tanh((r * h) @ U.n + x @ W.n + b.n)
        h = n * z + h * (1 - z)
        return MUTCarry(h), h
