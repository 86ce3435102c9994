r"""Recurrent highway network (Zilly, Srivastava, Koutnik & Schmidhuber 2017, arXiv:1607.03474).

    s_0 = h
    n_l = tanh ([W_h x] + U_h[l] s_(l-1) + b_h[l])      l = 1 .. depth; [] if l = 1
    t_l = sigma([W_t x] + U_t[l] s_(l-1) + b_t[l])
    s_l = n_l * t_l + s_(l-1) * (1 - t_l)
    h'  = s_depth

Every time step has ``depth`` highway layers, whose carry gate is coupled, c = 1 - t.

Conventions: the bias of the transform gate is initially -2, as in the paper.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import Gates, init_gates
from recurrax.initializers import Preset


class RHNCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


class RHNParams(NamedTuple):
    W: Gates
    """h, t: (in_features, features)"""
    U: tuple[Gates, ...]
    """for every layer h, t: (features, features)"""
    b: tuple[Gates, ...]
    """for every layer h, t: (features,)"""


@dataclass(frozen=True)
class RHN(Cell):
    """Recurrent highway network; equations in :mod:`recurrax.cells.rhn`.

    Attributes:
      features: size of h.
      depth: number of highway layers in a step.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    depth: int = 3
    preset: str | Preset = "default"

    Carry = RHNCarry
    Params = RHNParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_int(self, "depth")

    def init(self, key: Array, in_features: int) -> RHNParams:
        H = self.features
        first, *others = jax.random.split(key, self.depth)
        layers = [
            init_gates(first, in_features, H, "ht", preset=self.preset),
            *(init_gates(k, in_features, H, "ht", W="", preset=self.preset) for k in others),
        ]
        b = tuple(layer.b.replace(t=layer.b.t - 2) for layer in layers)
        return RHNParams(layers[0].W, tuple(layer.U for layer in layers), b)

    def step(self, params: RHNParams, carry: RHNCarry, x: Array) -> tuple[RHNCarry, Array]:
        W, U, b = params
        s = carry.h
        for layer in range(self.depth):
            U_l, b_l = U[layer], b[layer]
            if layer == 0:  # only the first layer sees x
                n = tanh(s @ U_l.h + b_l.h + x @ W.h)
                t = sigmoid(s @ U_l.t + b_l.t + x @ W.t)
            else:
                n = tanh(s @ U_l.h + b_l.h)
                t = sigmoid(s @ U_l.t + b_l.t)
            s = n * t + s * (1 - t)
        return RHNCarry(s), s
