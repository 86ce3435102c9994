r"""LSTM whose products are convolutions, ConvLSTM (Shi et al. 2015, arXiv:1506.04214).

With * the convolution and . the product of entries:

    i  = sigma(W_i * x + U_i * h + b_i)
    f  = sigma(W_f * x + U_f * h + b_f)
    g  = tanh (W_g * x + U_g * h + b_g)
    o  = sigma(W_o * x + U_o * h + b_o)
    c' = f . c + i . g
    h' = o . tanh(c')

x is ``(*batch, *space, in_features)`` with one, two or three axes of space, the length of
``kernel_size``. Time comes before the axes of space: ``rx.unroll(cell, params, xs, time_axis=1)``
for ``(batch, time, height, width, in_features)``.

Conventions: a convolution does not flip its kernel, as usual in deep learning. ``strides``,
``padding`` and ``dilation`` apply to the convolution of x; the convolution of h has strides of 1
and keeps the size. Shi et al. have peepholes with a weight for every position; this cell, Keras,
Flax and Haiku have none.
"""

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell.convolutional import Convolutional
from recurrax.cell.params import GateParams
from recurrax.initializers import Preset


class ConvLSTMCarry(NamedTuple):
    h: Array
    """(*batch, *space, features)"""
    c: Array
    """(*batch, *space, features)"""


@dataclass(frozen=True)
class ConvLSTM(Convolutional):
    """Convolutional LSTM; equations in :mod:`recurrax.cells.conv_lstm`.

    Attributes:
      features: number of channels of h and c.
      kernel_size: of both convolutions, one number for each axis of space.
      strides: of the convolution of x, one number or one for each axis; they shrink the state.
      padding: ``"SAME"`` or ``"VALID"``, of the convolution of x.
      dilation: of the kernel of x, one number or one for each axis.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    kernel_size: Any = (3, 3)
    _: KW_ONLY
    strides: Any = 1
    padding: str = "SAME"
    dilation: Any = 1
    preset: str | Preset = "default"

    Carry = ConvLSTMCarry
    Params = GateParams

    def init(self, key: Array, in_features: int) -> GateParams:
        return self.init_convolutions(key, in_features, "ifgo")

    def step(
        self, params: GateParams, carry: ConvLSTMCarry, x: Array
    ) -> tuple[ConvLSTMCarry, Array]:
        W, U, b = params
        h, c = carry
        i = sigmoid(self.of_x(x, W.i) + self.of_h(h, U.i) + b.i)
        f = sigmoid(self.of_x(x, W.f) + self.of_h(h, U.f) + b.f)
        g = tanh(self.of_x(x, W.g) + self.of_h(h, U.g) + b.g)
        o = sigmoid(self.of_x(x, W.o) + self.of_h(h, U.o) + b.o)
        c = f * c + i * g
        h = o * tanh(c)
        return ConvLSTMCarry(h, c), h
