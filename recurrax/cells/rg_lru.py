r"""Real-gated linear recurrent unit, of Griffin (De et al. 2024, arXiv:2402.19427).

    r  = sigma(W_r x + b_r)
    i  = sigma(W_i x + b_i)
    a  = exp(-8 softplus(Lambda) r)
    h' = a * h + sqrt(1 - a^2) * (i * x)       in the first step:  h' = a * h + i * x

The recurrence is linear in h, and its coefficients depend only on x, so that it can run in parallel
over time (``method="associative"``). x is used without a kernel, so it must have as many features
as the cell. W_r and W_i are block-diagonal with ``blocks`` blocks, as in the authors' code
(RecurrentGemma).

Conventions: the first step of a sequence, and after a reset, has the factor 1 in place of sqrt(1 -
a^2), as in the authors' code; the field ``started`` of the carry is 0 before the first step.
exp(-softplus(Lambda)) is drawn from a ring between 0.9 and 0.999. The sign of Lambda is that of the
code; the paper has sigma(Lambda) for exp(-softplus(Lambda)).
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid, softplus

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.operators import BlockDiagonal
from recurrax.cell.params import BIAS, INPUT, Gates
from recurrax.initializers import Preset, preset as find_preset


class RGLRUCarry(NamedTuple):
    h: Array
    """(*batch, features)"""
    started: Array
    """(*batch, 1): 0 before the first step, 1 after it"""


class RGLRUParams(NamedTuple):
    W: Gates
    """r, i: blocks (blocks, features / blocks, features / blocks)"""
    b: Gates
    """r, i: (features,)"""
    Lambda: Array
    """(features,)"""


@dataclass(frozen=True)
class RGLRU(Cell):
    """Real-gated linear recurrent unit; equations in :mod:`recurrax.cells.rg_lru`.

    Attributes:
      features: size of h, and of x.
      blocks: number of blocks of W_r and W_i, a divisor of ``features``.
      preset: initial values of W and b; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    blocks: int = 1
    preset: str | Preset = "default"

    Carry = RGLRUCarry
    Params = RGLRUParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_int(self, "blocks")
        options.divides(self, "blocks", "features")

    def init(self, key: Array, in_features: int) -> RGLRUParams:
        options.same_size(self, in_features, "x itself is added to h")
        key_W, key_b, key_L = jax.random.split(key, 3)
        how, H = find_preset(self.preset, "gru"), self.features
        W = BlockDiagonal(self.blocks).kernels(how.W, key_W, H, H, "ri")
        b = how.b(key_b, (H,), "ri", float)
        ring = jax.random.uniform(key_L, (H,), float, 0.9**2, 0.999**2)
        Lambda = jnp.log(jnp.expm1(-0.5 * jnp.log(ring)))  # exp(-softplus(Lambda))^2 = ring
        return RGLRUParams(Gates(INPUT, **W), Gates(BIAS, **b), Lambda)

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> RGLRUCarry:
        return RGLRUCarry(jnp.zeros((*batch_shape, self.features)), jnp.zeros((*batch_shape, 1)))

    def step(self, params: RGLRUParams, carry: RGLRUCarry, x: Array) -> tuple[RGLRUCarry, Array]:
        W, b, Lambda = params
        r = sigmoid(x @ W.r + b.r)
        i = sigmoid(x @ W.i + b.i)
        log_a = -8 * softplus(Lambda) * r
        scale = jnp.sqrt(-jnp.expm1(2 * log_a))  # 1 - a^2, exact also where a is nearly 1
        scale = jnp.where(carry.started == 0, jnp.ones_like(scale), scale)
        h = jnp.exp(log_a) * carry.h + scale * (i * x)
        return RGLRUCarry(h, jnp.ones_like(carry.started)), h
