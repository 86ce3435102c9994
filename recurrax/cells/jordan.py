r"""Jordan's network (Jordan 1986): the output is fed back, not the hidden layer.

    h  = phi(W_h x + U_h y + b_h)
    y' = psi(V_y h + b_y)

:class:`recurrax.Elman` feeds back h instead; its readout is not part of the recurrence.
"""

from dataclasses import KW_ONLY, dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recurrax.cell import activations, options
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.params import Gates, init_gates
from recurrax.initializers import Preset, preset as find_preset


class JordanCarry(NamedTuple):
    y: Array
    """(*batch, readout)"""


class JordanParams(NamedTuple):
    W: Gates
    """h: (in_features, features)"""
    U: Gates
    """h: (readout, features)"""
    b: Gates
    """h: (features,), y: (readout,)"""
    V: Gates
    """y: (features, readout)"""


@dataclass(frozen=True)
class Jordan(Cell):
    """Jordan's network; equations in :mod:`recurrax.cells.jordan`.

    Attributes:
      features: size of h.
      readout: size of y.
      candidate_fn: phi, a name ("tanh", "sigmoid", "relu", "identity") or a function.
      output_fn: psi, a name or a function.
      preset: initial values; see :func:`recurrax.initializers.preset`. U is drawn as W is: it need
        not be square.
    """

    features: int
    readout: int
    _: KW_ONLY
    candidate_fn: Activation = "tanh"
    output_fn: Activation = "identity"
    preset: str | Preset = "default"

    Carry = JordanCarry
    Params = JordanParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_int(self, "readout")

    @property
    def out_features(self) -> int:
        return self.readout

    def init(self, key: Array, in_features: int) -> JordanParams:
        key, key_V, key_b = jax.random.split(key, 3)
        how = find_preset(self.preset, "rnn")
        W, U, b = init_gates(
            key,
            in_features,
            self.features,
            gates="h",
            recurrent_features=self.readout,
            preset=replace(how, U=how.W),
        )
        V = how.V(key_V, (self.features, self.readout), "y", float)
        b_y = how.b(key_b, (self.readout,), "y", float)
        return JordanParams(W, U, Gates(b.axes, h=b.h, **b_y), Gates(("h", "y"), **V))

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> JordanCarry:
        return JordanCarry(jnp.zeros((*batch_shape, self.readout)))

    def step(self, params: JordanParams, carry: JordanCarry, x: Array) -> tuple[JordanCarry, Array]:
        W, U, b, V = params
        phi, psi = activations.get(self.candidate_fn), activations.get(self.output_fn)
        h = phi(x @ W.h + carry.y @ U.h + b.h)
        y = psi(h @ V.y + b.y)
        return JordanCarry(y), y
