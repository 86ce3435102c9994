r"""GRU whose products are convolutions, ConvGRU (Ballas et al. 2016, arXiv:1511.06432).

With * the convolution and . the product of entries:

    r  = sigma(W_r * x + U_r * h + b_r)
    z  = sigma(W_z * x + U_z * h + b_z)
    n  = tanh(W_n * x + b_n + r . (U_n * h + b_hn))        reset="after"
    n  = tanh(W_n * x + b_n + U_n * (r . h))               reset="before"
    h' = (1 - z) . n + z . h

x is ``(*batch, *space, in_features)`` with one, two or three axes of space, the length of
``kernel_size``. Time comes before the axes of space: ``rx.unroll(cell, params, xs, time_axis=1)``
for ``(batch, time, height, width, in_features)``.

Conventions: a convolution does not flip its kernel, as usual in deep learning. ``strides``,
``padding`` and ``dilation`` apply to the convolution of x; the convolution of h has strides of 1
and keeps the size.
"""

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell import options
from recurrax.cell.convolutional import Convolutional
from recurrax.cell.params import GateParams
from recurrax.initializers import Preset


class ConvGRUCarry(NamedTuple):
    h: Array
    """(*batch, *space, features)"""


@dataclass(frozen=True)
class ConvGRU(Convolutional):
    """Convolutional GRU; equations in :mod:`recurrax.cells.conv_gru`.

    Attributes:
      features: number of channels of h.
      kernel_size: of both convolutions, one number for each axis of space.
      strides: of the convolution of x, one number or one for each axis; they shrink the state.
      padding: ``"SAME"`` or ``"VALID"``, of the convolution of x.
      dilation: of the kernel of x, one number or one for each axis.
      reset: where the reset gate stands: ``"after"`` or ``"before"`` the convolution with U_n.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    kernel_size: Any = (3, 3)
    _: KW_ONLY
    strides: Any = 1
    padding: str = "SAME"
    dilation: Any = 1
    reset: str = "after"
    preset: str | Preset = "default"

    Carry = ConvGRUCarry
    Params = GateParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.one_of(self, "reset", ("after", "before"))

    def init(self, key: Array, in_features: int) -> GateParams:
        b = ("r", "z", "n", "hn") if self.reset == "after" else None
        return self.init_convolutions(key, in_features, "rzn", b=b)

    def step(self, params: GateParams, carry: ConvGRUCarry, x: Array) -> tuple[ConvGRUCarry, Array]:
        W, U, b = params
        h = carry.h
        r = sigmoid(self.of_x(x, W.r) + self.of_h(h, U.r) + b.r)
        z = sigmoid(self.of_x(x, W.z) + self.of_h(h, U.z) + b.z)
        if self.reset == "after":
            n = tanh(self.of_x(x, W.n) + b.n + r * (self.of_h(h, U.n) + b.hn))
        else:
            n = tanh(self.of_x(x, W.n) + b.n + self.of_h(r * h, U.n))
        h = (1 - z) * n + z * h
        return ConvGRUCarry(h), h
