"""What convolutional cells share: their sizes, their parameters, and the two convolutions.

x is ``(*batch, *space, in_features)`` with one, two or three axes of space, as many as
``kernel_size`` has. ``strides``, ``padding`` and ``dilation`` are those of the convolution of x;
that of h has strides of 1 and keeps its size.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.naming import name_of
from recurrax.cell.options.errors import wrong
from recurrax.cell.params import BIAS, GateParams, Gates
from recurrax.initializers import Preset, preset as find_preset


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
                f"{name_of(self)}: kernel_size must have one, two or three entries; "
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
        return super().initial_carry(self.out_batch_shape(batch_shape))

    def out_batch_shape(self, batch_shape: tuple[int, ...]) -> tuple[int, ...]:
        axes = len(self.kernel_size)
        if len(batch_shape) < axes:
            raise ValueError(
                f"{name_of(self)}: x must be (*batch, *space, in_features) with {axes} "
                f"axes of space, as kernel_size has; before its features it has {batch_shape}."
            )
        batch, space = batch_shape[: len(batch_shape) - axes], batch_shape[-axes:]
        reach = [(k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True)]
        seen = [
            n if self.padding == "SAME" else n - r + 1 for n, r in zip(space, reach, strict=True)
        ]
        size = [max(-(-n // s), 0) for n, s in zip(seen, self.strides, strict=True)]
        return (*batch, *size)

    def init_convolutions(
        self, key: Array, in_features: int, gates: str, *, b: Sequence[str] | None = None
    ) -> GateParams:
        """Kernels ``(*kernel_size, in, features)`` and biases ``(features,)``.

        Args:
          key: a JAX random key.
          in_features: number of channels of x.
          gates: the gates, all of which see x and h.
          b: the gates that have a bias, if these are not ``gates``.
        """
        how = find_preset(self.preset, "lstm" if "f" in gates else "gru")
        key_W, key_U, key_b = jax.random.split(key, 3)
        W = how.W(key_W, (*self.kernel_size, in_features, self.features), gates, float)
        U = (how.U or how.W)(key_U, (*self.kernel_size, self.features, self.features), gates, float)
        biases = how.b(key_b, (self.features,), gates if b is None else b, float)
        if "f" in biases:
            biases["f"] = biases["f"] + how.forget_bias
        space = ("depth", "height", "width")[-len(self.kernel_size) :]
        return GateParams(
            Gates((*space, "x", "gate"), **W),
            Gates((*space, "h", "gate"), **U),
            Gates(BIAS, **biases),
        )

    def of_x(self, x: Array, kernel: Array) -> Array:
        """The convolution of x."""
        return convolution(x, kernel, self.strides, self.padding, self.dilation)

    def of_h(self, h: Array, kernel: Array) -> Array:
        """The convolution of h, which keeps its size."""
        one = (1,) * len(self.kernel_size)
        return convolution(h, kernel, one, "SAME", one)


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
        raise wrong(value, int | tuple | list)(
            f"{name_of(cell)}: {option} must be positive whole numbers, one for each axis "
            f"of space; got {value!r}."
        )
    if axes is not None and len(sizes) != axes:
        raise ValueError(
            f"{name_of(cell)}: {option} must have {axes} entries, as kernel_size has; "
            f"got {value!r}."
        )
    object.__setattr__(cell, option, tuple(map(int, sizes)))
