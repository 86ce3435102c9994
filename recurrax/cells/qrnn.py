r"""Quasi-recurrent network (Bradbury, Merity, Xiong & Socher 2017, arXiv:1611.01576).

    z  = tanh (sum_j W_z[j] x_(t-j) + b_z)      j = 0 .. window - 1
    f  = sigma(sum_j W_f[j] x_(t-j) + b_f)
    o  = sigma(sum_j W_o[j] x_(t-j) + b_o)
    i  = sigma(sum_j W_i[j] x_(t-j) + b_i)
    c' = f * c + (1 - f) * z                    y = c'       pooling="f"
    c' = f * c + (1 - f) * z                    y = o * c'   pooling="fo"
    c' = f * c + i * z                          y = o * c'   pooling="ifo"

The gates are a causal convolution over time. The recurrence is elementwise and linear in c, so that
it can run in parallel over time (``method="associative"``).

Conventions: W[0] multiplies the input of the current step, W[j] the input j steps earlier. The
field ``pending`` of the carry holds what earlier inputs add to the gates of the next steps, so that
a sequence can be processed in chunks. In the authors' code (pytorch-qrnn) f has the opposite
meaning: c' = f * z + (1 - f) * c. For the paper's zoneout use :class:`recurrax.Zoneout`.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid
from jax.numpy import tanh

from recurrax.cell import options
from recurrax.cell.cell import Cell
from recurrax.cell.params import BIAS, INPUT, Gates
from recurrax.initializers import Preset, preset as find_preset


class QRNNCarry(NamedTuple):
    c: Array
    """(*batch, features)"""
    pending: tuple[Gates, ...]
    """for each of the next window - 1 steps, what is added to its gates: (*batch, features)"""


class QRNNParams(NamedTuple):
    W: tuple[Gates, ...]
    """for each lag from 0 to window - 1, every gate: (in_features, features)"""
    b: Gates
    """every gate: (features,)"""


GATES = {"f": "zf", "fo": "zfo", "ifo": "zfoi"}
PENDING = ("gate",)


@dataclass(frozen=True)
class QRNN(Cell):
    """Quasi-recurrent network; equations in :mod:`recurrax.cells.qrnn`.

    Attributes:
      features: size of c and y.
      pooling: ``"f"``, ``"fo"`` or ``"ifo"``: which gates there are.
      window: number of inputs that a gate sees.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    pooling: str = "fo"
    window: int = 2
    preset: str | Preset = "default"

    Carry = QRNNCarry
    Params = QRNNParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.one_of(self, "pooling", tuple(GATES))
        options.positive_int(self, "window")

    def init(self, key: Array, in_features: int) -> QRNNParams:
        gates, how = GATES[self.pooling], find_preset(self.preset, "gru")
        key_W, key_b = jax.random.split(key)
        rows = (self.window * in_features, self.features)  # a gate sees all of them
        W = how.W(key_W, rows, gates, float)
        lags = [{k: jnp.split(W[k], self.window)[j] for k in gates} for j in range(self.window)]
        b = how.b(key_b, (self.features,), gates, float)
        return QRNNParams(tuple(Gates(INPUT, **lag) for lag in lags), Gates(BIAS, **b))

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> QRNNCarry:
        shape = (*batch_shape, self.features)

        def nothing() -> Gates:
            return Gates(PENDING, **{k: jnp.zeros(shape) for k in GATES[self.pooling]})

        return QRNNCarry(jnp.zeros(shape), tuple(nothing() for _ in range(self.window - 1)))

    def step(self, params: QRNNParams, carry: QRNNCarry, x: Array) -> tuple[QRNNCarry, Array]:
        W, b = params
        s, pending = convolution(W, b, carry.pending, x)
        z = tanh(s.z)
        f = sigmoid(s.f)
        i = sigmoid(s.i) if self.pooling == "ifo" else 1 - f
        c = f * carry.c + i * z
        y = c if self.pooling == "f" else sigmoid(s.o) * c
        return QRNNCarry(c, pending), y


def convolution(
    W: tuple[Gates, ...], b: Gates, pending: tuple[Gates, ...], x: Array
) -> tuple[Gates, tuple[Gates, ...]]:
    """``sum_j W[j] x_(t-j) + b`` for every gate, and what is pending after this step.

    ``pending[0]`` is what the inputs before x add to this step, ``pending[j]`` what they add to the
    j-th step after it.
    """

    def plus_pending(sums: dict[str, Array], j: int) -> Gates:
        if j < len(pending):
            sums = {k: s + pending[j][k] for k, s in sums.items()}
        return Gates(PENDING, **sums)

    now = plus_pending({k: x @ W[0][k] + b[k] for k in b.names}, 0)
    later = [plus_pending({k: x @ W[j][k] for k in b.names}, j) for j in range(1, len(W))]
    return now, tuple(later)
