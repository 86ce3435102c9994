r"""Elman's simple recurrent network (Elman 1990, "Finding structure in time").

    n  = phi(W_h x + U_h h + b_h)
    h' = n                           or, with a leak a,   h' = (1 - a) h + a n
    y  = h'                          or, with a readout,  y = psi(V_y h' + b_y)

Conventions: phi is tanh by default (Keras' SimpleRNN, ``torch.nn.RNN``); with relu and
``preset="irnn"`` this is the IRNN of Le, Jaitly & Hinton (2015, arXiv:1504.00941). torch has two
biases, which only enter as their sum; that sum is ``b.h`` here. The readout is not fed back;
Jordan's network (:class:`recurrax.Jordan`) feeds it back.

The leaky form is the leaky integrator of echo state networks (Jaeger 2001) and the continuous-time
RNN, tau dh/dt = -h + phi(W_h x + U_h h + b_h), by Euler's method with a = dt / tau.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
from jax import Array

from recurrax.cell import activations, options
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.operators import FULL, Operator, check_operator
from recurrax.cell.params import Gates, init_gates
from recurrax.initializers import Preset, preset as find_preset


class ElmanCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


class ElmanParams(NamedTuple):
    W: Gates
    """h: (in_features, features)"""
    U: Gates
    """h: (features, features), or what ``recurrent`` has in its place"""
    b: Gates
    """h: (features,), and with a readout y: (readout,)"""
    V: Gates | None = None
    """y: (features, readout), with a readout"""


@dataclass(frozen=True)
class Elman(Cell):
    """Simple RNN; equations in :mod:`recurrax.cells.elman`.

    Attributes:
      features: size of h.
      candidate_fn: phi, "tanh", "sigmoid", "relu", "identity" or a function.
      leak: a, above 0 and at most 1, or ``None`` for 1.
      recurrent: what U_h is: ``rx.Full()``, ``rx.Diagonal()``, ``rx.BlockDiagonal(n)``,
        ``rx.LowRank(r)`` or ``rx.Masked(mask)``.
      readout: size of y if it is a readout of h, ``None`` for y = h.
      output_fn: psi, a name or a function; "identity" is the usual linear readout.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    candidate_fn: Activation = "tanh"
    leak: float | None = None
    recurrent: Operator = FULL
    readout: int | None = None
    output_fn: Activation = "identity"
    preset: str | Preset = "default"

    Carry = ElmanCarry
    Params = ElmanParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_float(self, "leak", optional=True)
        if self.leak is not None and self.leak > 1:
            raise ValueError(f"rx.Elman: leak must be at most 1; got {self.leak!r}.")
        check_operator(self, self.features)
        options.positive_int(self, "readout", optional=True)
        options.needs(self, "output_fn", "readout")

    def init(self, key: Array, in_features: int) -> ElmanParams:
        key, key_V, key_b = jax.random.split(key, 3)
        W, U, b = init_gates(
            key,
            in_features,
            self.features,
            gates="h",
            recurrent=self.recurrent,
            preset=self.preset,
            family="rnn",
        )
        if self.readout is None:
            return ElmanParams(W, U, b)
        how = find_preset(self.preset, "rnn")
        V = how.V(key_V, (self.features, self.readout), "y", float)
        b_y = how.b(key_b, (self.readout,), "y", float)
        return ElmanParams(W, U, Gates(b.axes, h=b.h, **b_y), Gates(("h", "y"), **V))

    def step(self, params: ElmanParams, carry: ElmanCarry, x: Array) -> tuple[ElmanCarry, Array]:
        W, U, b, V = params
        phi, psi = activations.get(self.candidate_fn), activations.get(self.output_fn)
        h = phi(x @ W.h + carry.h @ U.h + b.h)
        if self.leak is not None:
            h = (1 - self.leak) * carry.h + self.leak * h
        y = h if V is None else psi(h @ V.y + b.y)
        return ElmanCarry(h), y

    @property
    def out_features(self) -> int:
        return self.features if self.readout is None else self.readout
