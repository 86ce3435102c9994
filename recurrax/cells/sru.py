r"""Simple recurrent unit (Lei et al. 2017 and 2018, arXiv:1709.02755), in its two versions.

    f  = sigma(W_f x            + b_f)         version=1
    r  = sigma(W_r x            + b_r)
    f  = sigma(W_f x  + v_f * c + b_f)         version=2
    r  = sigma(W_r x  + v_r * c + b_r)
    c' = f * c + (1 - f) * (W_c x)
    h  = r * phi(c') + (1 - r) * alpha * x

There is no matmul with the state: the recurrence is elementwise. In version 1 it is also linear in
c, so that it can run in parallel over time (``method="associative"``). The last line is a highway
connection; if x is not of the cell's size, it is multiplied by a kernel W_x there.

Conventions: both gates see the old c. alpha is the option ``highway_scale``, which preserves the
variance in deep stacks: the second paper has sqrt(1 + 2 exp(b_r)), which is sqrt(3) for b_r = 0. W
is uniform of variance 1 / in_features, that of the gates halved in version 2, as v is (section 3.2
of the second paper).
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid

from recurrax.cell import activations, options
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.params import BIAS, INPUT, Gates
from recurrax.initializers import per_gate, uniform, variance_scaling


class SRUCarry(NamedTuple):
    c: Array
    """(*batch, features)"""


class SRUParams(NamedTuple):
    W: Gates
    """c, f, r, and x if in_features is not features: (in_features, features)"""
    b: Gates
    """f, r: (features,)"""
    v: Gates | None = None
    """f, r: (features,), in version 2"""


@dataclass(frozen=True)
class SRU(Cell):
    """Simple recurrent unit; equations in :mod:`recurrax.cells.sru`.

    Attributes:
      features: size of c and h.
      version: 1 (gates from x alone) or 2 (gates see c).
      output_fn: phi, a name ("identity", "tanh", "relu", "sigmoid") or a function.
      highway_scale: alpha.
    """

    features: int
    _: KW_ONLY
    version: int = 2
    output_fn: Activation = "identity"
    highway_scale: float = 1.0

    Carry = SRUCarry
    Params = SRUParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.one_of(self, "version", (1, 2))
        options.number(self, "highway_scale")

    def init(self, key: Array, in_features: int) -> SRUParams:
        key_W, key_v = jax.random.split(key)
        gates = "cfr" if in_features == self.features else "cfrx"
        draw = per_gate(variance_scaling(1.0, "fan_in", "uniform"))
        W = Gates(INPUT, **draw(key_W, (in_features, self.features), gates, float))
        b = Gates(BIAS, f=jnp.zeros(self.features), r=jnp.zeros(self.features))
        if self.version == 1:
            return SRUParams(W, b)
        W = W.replace(f=W.f * 0.5**0.5, r=W.r * 0.5**0.5)
        bound = 1.5**0.5  # of variance 1/2
        v = per_gate(uniform(-bound, bound))(key_v, (self.features,), "fr", float)
        return SRUParams(W, b, Gates(BIAS, **v))

    def step(self, params: SRUParams, carry: SRUCarry, x: Array) -> tuple[SRUCarry, Array]:
        W, b, v = params
        c = carry.c
        f = sigmoid(x @ W.f + b.f if v is None else x @ W.f + v.f * c + b.f)
        r = sigmoid(x @ W.r + b.r if v is None else x @ W.r + v.r * c + b.r)
        c = f * c + (1 - f) * (x @ W.c)
        passed = x @ W.x if "x" in W.names else x
        h = r * activations.get(self.output_fn)(c) + (1 - r) * self.highway_scale * passed
        return SRUCarry(c), h
