r"""Linear recurrent unit (Orvieto et al. 2023, arXiv:2303.06349).

    lambda = exp(-exp(nu) + i exp(theta))
    s'     = lambda * s + exp(gamma_log) * (B x)
    y      = Re(C s') + D * x

The recurrence is diagonal, complex, and stable by the parametrisation of lambda. It is linear in s,
so that it can run in parallel over time (``method="associative"``). D * x adds the input itself, so
x must have as many features as y. The nonlinearities of the paper are between the layers.

Conventions: s = re + i im is carried as two real arrays, and B and C are kept as their real and
imaginary parts, so that the cell runs in any precision and the parameters are real. The complex
products are written out. D is a vector, as in minimal-LRU; the paper prints a matrix. |lambda| is
drawn from a ring between ``r_min`` and ``r_max``, its phase up to ``max_phase``; gamma_log starts
at log sqrt(1 - |lambda|^2), and is learned.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import Gates
from recurrax.initializers import normal, per_gate


class LRUCarry(NamedTuple):
    re: Array
    """(*batch, state)"""
    im: Array
    """(*batch, state)"""


class LRUParams(NamedTuple):
    nu: Array
    """(state,)"""
    theta: Array
    """(state,)"""
    gamma_log: Array
    """(state,)"""
    B: Gates
    """re, im: (in_features, state)"""
    C: Gates
    """re, im: (state, features)"""
    D: Gates
    """d: (features,)"""


@dataclass(frozen=True)
class LRU(Cell):
    """Linear recurrent unit; equations in :mod:`recurrax.cells.lru`.

    Attributes:
      features: size of y, and of x.
      state: number of complex numbers in s; ``features`` if not given.
      r_min, r_max: bounds of the modulus of lambda in a new cell, from 0 to 1.
      max_phase: bound of the phase of lambda in a new cell, in radians.
    """

    features: int
    _: KW_ONLY
    state: int | None = None
    r_min: float = 0.0
    r_max: float = 1.0
    max_phase: float = 6.283

    Carry = LRUCarry
    Params = LRUParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_int(self, "state", optional=True)
        options.number(self, "r_min", "r_max")
        options.positive_float(self, "max_phase")
        if not 0 <= self.r_min < self.r_max <= 1:
            raise ValueError(
                "rx.LRU: r_min and r_max must be 0 <= r_min < r_max <= 1; "
                f"got {self.r_min!r} and {self.r_max!r}."
            )

    @property
    def size(self) -> int:
        """Number of complex numbers in s."""
        return self.features if self.state is None else self.state

    def init(self, key: Array, in_features: int) -> LRUParams:
        options.same_size(self, in_features, "D * x adds x itself to y")
        keys = jax.random.split(key, 5)
        tiny = jnp.finfo(float).tiny
        u = jax.random.uniform(keys[0], (self.size,), float, tiny, 1.0)
        nu = jnp.log(-0.5 * jnp.log(self.r_min**2 + u * (self.r_max**2 - self.r_min**2)))
        phase = jax.random.uniform(keys[1], (self.size,), float, tiny, 1.0)
        gamma_log = 0.5 * jnp.log1p(-jnp.exp(-2 * jnp.exp(nu)))
        B = per_gate(normal((2 * in_features) ** -0.5))
        C = per_gate(normal(self.size**-0.5))
        return LRUParams(
            nu=nu,
            theta=jnp.log(self.max_phase * phase),
            gamma_log=gamma_log,
            B=Gates(("x", "s"), **B(keys[2], (in_features, self.size), ("re", "im"), float)),
            C=Gates(("s", "y"), **C(keys[3], (self.size, self.features), ("re", "im"), float)),
            D=Gates(("y",), d=jax.random.normal(keys[4], (self.features,), float)),
        )

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> LRUCarry:
        re, im = (jnp.zeros((*batch_shape, self.size)) for _ in range(2))
        return LRUCarry(re, im)

    def step(self, params: LRUParams, carry: LRUCarry, x: Array) -> tuple[LRUCarry, Array]:
        nu, theta, gamma_log, B, C, D = params
        re, im = carry
        modulus, phase, gamma = jnp.exp(-jnp.exp(nu)), jnp.exp(theta), jnp.exp(gamma_log)
        a, b = modulus * jnp.cos(phase), modulus * jnp.sin(phase)  # lambda = a + i b
        re_new = a * re - b * im + gamma * (x @ B.re)
        im_new = a * im + b * re + gamma * (x @ B.im)
        y = re_new @ C.re - im_new @ C.im + D.d * x
        return LRUCarry(re_new, im_new), y
