r"""LSTM and GRU whose products are convolutions.

ConvLSTM (Shi et al. 2015, arXiv:1506.04214), with * the convolution and . the product of entries:

    i  = sigma(W_i * x + U_i * h + b_i)
    f  = sigma(W_f * x + U_f * h + b_f)
    g  = tanh (W_g * x + U_g * h + b_g)
    o  = sigma(W_o * x + U_o * h + b_o)
    c' = f . c + i . g
    h' = o . tanh(c')

ConvGRU (Ballas et al. 2016, arXiv:1511.06432):

    r  = sigma(W_r * x + U_r * h + b_r)
    z  = sigma(W_z * x + U_z * h + b_z)
    n  = tanh(W_n * x + b_n + r . (U_n * h + b_hn))        reset="after"
    n  = tanh(W_n * x + b_n + U_n * (r . h))               reset="before"
    h' = (1 - z) . n + z . h

x is ``(*batch, *space, in_features)`` with one, two or three axes of space, as many as
``kernel_size`` has; time comes before them: ``rx.unroll(cell, params, xs, time_axis=1)`` for
``(batch, time, height, width, in_features)``.

Conventions: a convolution does not flip its kernel, as everywhere in deep learning. ``strides``,
``padding`` and ``dilation`` are those of the convolution of x; that of h has strides of 1 and keeps
its size. Shi et al. have peepholes with a weight for every place; Keras, Flax and Haiku have none,
nor has this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import BIAS, GateParams, Gates
from recurrax.initializers import Preset, preset as find_preset


class ConvLSTMCarry(NamedTuple):
    h: Array
    """(*batch, *space, features)"""
    c: Array
    """(*batch, *space, features)"""


class ConvGRUCarry(NamedTuple):
    h: Array
    """(*batch, *space, features)"""


class Convolutional(Cell):
    """What the two cells share: their sizes, and the two convolutions."""

    features: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str
    dilation: tuple[int, ...]
    preset: str | Preset

    def __post_init__(self) -> None:
        super().__post_init__()
        as_sizes(self, "kernel_size", None)
        if len(self.kernel_size) > 3:
            raise ValueError(
                f"{options.name_of(self)}: kernel_size must have one, two or three entries; "
                f"got {self.kernel_size!r}."
            )
        as_sizes(self, "strides", len(self.kernel_size))
        as_sizes(self, "dilation", len(self.kernel_size))
        options.one_of(self, "padding", ("SAME", "VALID"))

    @property
    def num_feature_axes(self) -> int:
        return len(self.kernel_size) + 1

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> Any:
        """The zero carry for x of shape ``(*batch_shape, in_features)``, space included."""
        zero = jnp.zeros((*self.out_batch_shape(batch_shape), self.features))
        carry = ConvLSTMCarry if isinstance(self, ConvLSTM) else ConvGRUCarry
        return carry(*[zero for _ in carry._fields])

    def out_batch_shape(self, batch_shape: tuple[int, ...]) -> tuple[int, ...]:
        axes = len(self.kernel_size)
        if len(batch_shape) < axes:
            raise ValueError(
                f"{options.name_of(self)}: x must be (*batch, *space, in_features) with {axes} "
                f"axes of space, as kernel_size has; before its features it has {batch_shape}."
            )
        batch, space = batch_shape[: len(batch_shape) - axes], batch_shape[-axes:]
        reach = [(k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True)]
        seen = [
            n if self.padding == "SAME" else n - r + 1 for n, r in zip(space, reach, strict=True)
        ]
        size = [max(-(-n // s), 0) for n, s in zip(seen, self.strides, strict=True)]
        return (*batch, *size)

    def draw(
        self, key: Array, in_features: int, gates: str, extra: Sequence[str] = ()
    ) -> GateParams:
        """Kernels ``(*kernel_size, in, features)`` and biases ``(features,)`` of all gates."""
        how = find_preset(self.preset, "lstm" if "f" in gates else "gru")
        key_W, key_U, key_b = jax.random.split(key, 3)
        W = how.W(key_W, (*self.kernel_size, in_features, self.features), gates, float)
        U = (how.U or how.W)(key_U, (*self.kernel_size, self.features, self.features), gates, float)
        b = how.b(key_b, (self.features,), (*gates, *extra), float)
        if "f" in b:
            b["f"] = b["f"] + how.forget_bias
        space = ("depth", "height", "width")[-len(self.kernel_size) :]
        return GateParams(
            Gates((*space, "x", "gate"), **W), Gates((*space, "h", "gate"), **U), Gates(BIAS, **b)
        )

    def of_x(self, x: Array, kernel: Array) -> Array:
        """The convolution of x."""
        return convolution(x, kernel, self.strides, self.padding, self.dilation)

    def of_h(self, h: Array, kernel: Array) -> Array:
        """The convolution of h, which keeps its size."""
        one = (1,) * len(self.kernel_size)
        return convolution(h, kernel, one, "SAME", one)


@dataclass(frozen=True)
class ConvLSTM(Convolutional):
    """Convolutional LSTM; equations in :mod:`recurrax.cells.convolutional`.

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
    strides: Any = 1
    padding: str = "SAME"
    dilation: Any = 1
    preset: str | Preset = "default"

    def init(self, key: Array, in_features: int) -> GateParams:
        return self.draw(key, in_features, "ifgo")

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


@dataclass(frozen=True)
class ConvGRU(Convolutional):
    """Convolutional GRU; equations in :mod:`recurrax.cells.convolutional`.

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
    strides: Any = 1
    padding: str = "SAME"
    dilation: Any = 1
    reset: str = "after"
    preset: str | Preset = "default"

    def __post_init__(self) -> None:
        super().__post_init__()
        options.one_of(self, "reset", ("after", "before"))

    def init(self, key: Array, in_features: int) -> GateParams:
        return self.draw(key, in_features, "rzn", ("hn",) if self.reset == "after" else ())

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


def convolution(
    x: Array, kernel: Array, strides: Sequence[int], padding: str, dilation: Sequence[int]
) -> Array:
    """``x`` is ``(*batch, *space, in)``, ``kernel`` ``(*space, in, out)``."""
    axes = kernel.ndim - 2
    batch, rest = x.shape[: x.ndim - axes - 1], x.shape[x.ndim - axes - 1 :]
    space = "DHW"[-axes:]
    dtype = jnp.result_type(x, kernel)
    y = lax.conv_general_dilated(
        x.reshape(prod(batch), *rest).astype(dtype),
        kernel.astype(dtype),
        strides,
        padding,
        rhs_dilation=dilation,
        dimension_numbers=(f"N{space}C", f"{space}IO", f"N{space}C"),
    )
    return y.reshape(*batch, *y.shape[1:])


def as_sizes(cell: Any, option: str, axes: int | None) -> None:
    """Checks positive whole numbers, one for each axis; one number stands for all axes."""
    value = getattr(cell, option)
    sizes = value if isinstance(value, tuple | list) else (value,) * (axes or 1)
    if not sizes or any(
        isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1 for n in sizes
    ):
        raise options.wrong(value, int | tuple | list)(
            f"{options.name_of(cell)}: {option} must be positive whole numbers, one for each axis "
            f"of space; got {value!r}."
        )
    if axes is not None and len(sizes) != axes:
        raise ValueError(
            f"{options.name_of(cell)}: {option} must have {axes} entries, as kernel_size has; "
            f"got {value!r}."
        )
    object.__setattr__(cell, option, tuple(map(int, sizes)))
