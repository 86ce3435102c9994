r"""Long short-term memory with a forget gate (Gers, Schmidhuber & Cummins 2000), and its options.

    i  = sigma(W_i x + U_i h + P_i c + b_i)
    f  = sigma(W_f x + U_f h + P_f c + b_f)
    g  = phi  (W_g x + U_g h         + b_g)
    c' = f * c + i * g
    o  = sigma(W_o x + U_o h + P_o c' + b_o)
    h' = o * psi(c')

The peephole terms exist only with the option ``peephole``:

- ``"diagonal"``: P_i is a vector, P_i * c (Gers & Schmidhuber 2000; ONNX's P).
- ``"full"``: P_i is a matrix. Graves (2013, arXiv:1308.0850) prints a matrix and remarks that it is
  diagonal; articles that omit the remark use the full matrix.
- ``o_sees="new"``: the output gate sees c' as above; ``"prev"``: it sees c, as i and f do.

The vanilla LSTM (V) of "LSTM: A Search Space Odyssey" (Greff et al. 2017, arXiv:1503.04069) is
``peephole="diagonal"``. Its other variants are V with these changes:

- NIG, NFG, NOG: ``gates="fo"``, ``"io"``, ``"if"``; an absent gate is 1. NFG is the LSTM of 1997
  (Hochreiter & Schmidhuber) except for its activations;
- NIAF, NOAF: ``candidate_fn="identity"``, ``output_fn="identity"``;
- CIFG: ``couple=True``, i = 1 - f; there are no weights for i;
- NP: ``peephole=None``; FGR: :class:`recurrax.FGRLSTM`.

Other options: ``clip`` clips c' to [-clip, clip] before o and h' use it, and with ``projection`` a
smaller h' = V_h (o * psi(c')) (Sak et al. 2014, arXiv:1402.1128).

Conventions: sigma is the logistic function, phi and psi are tanh by default. The forget bias is an
initial value of ``b.f`` and not a constant in the equation (Haiku and TensorFlow 1 add 1 in the
step). torch has two biases per gate, which only enter as their sum; that sum is ``b`` here.
"""

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recurrax.cell import activations, options
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.operators import FULL, Operator, check_operator
from recurrax.cell.params import BIAS, Gates, init_gates
from recurrax.initializers import Preset, preset as find_preset


class LSTMCarry(NamedTuple):
    h: Array
    """(*batch, features), or (*batch, projection)"""
    c: Array
    """(*batch, features)"""


class LSTMParams(NamedTuple):
    W: Gates
    """i, f, g, o: (in_features, features)"""
    U: Gates
    """i, f, g, o: (features, features), or (projection, features)"""
    b: Gates
    """i, f, g, o: (features,)"""
    P: Gates | None = None
    """peepholes i, f, o: (features,) if diagonal, (features, features) if full"""
    V: Gates | None = None
    """projection h: (features, projection)"""


@dataclass(frozen=True)
class LSTM(Cell):
    """Long short-term memory; equations in :mod:`recurrax.cells.lstm`.

    Attributes:
      features: size of c, and of h unless there is a projection.
      gates: the gates, ``"ifo"`` or some of them; an absent gate is 1.
      recurrent: what U is: ``rx.Full()``, ``rx.Diagonal()`` (IndyLSTM), ``rx.BlockDiagonal(n)``,
        ``rx.LowRank(r)`` or ``rx.Masked(mask)``.
      gate_fn: sigma, a name ("sigmoid", "tanh", "relu", "identity") or a function.
      candidate_fn: phi, a name or a function.
      output_fn: psi, a name or a function.
      peephole: ``None``, ``"diagonal"`` or ``"full"``.
      o_sees: which cell state the output gate's peephole sees, ``"new"`` or ``"prev"``.
      couple: whether the input gate is coupled to the forget gate, i = 1 - f.
      clip: bound of the cell state, or ``None``.
      projection: size of h, or ``None`` for ``features``.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    gates: str = "ifo"
    recurrent: Operator = FULL
    gate_fn: Activation = "sigmoid"
    candidate_fn: Activation = "tanh"
    output_fn: Activation = "tanh"
    peephole: str | None = None
    o_sees: str = "new"
    couple: bool = False
    clip: float | None = None
    projection: int | None = None
    preset: str | Preset = "default"

    Carry = LSTMCarry
    Params = LSTMParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.one_of(self, "gates", ("ifo", "fo", "io", "if", "i", "f", "o", ""))
        options.one_of(self, "peephole", (None, "diagonal", "full"))
        options.one_of(self, "o_sees", ("new", "prev"))
        options.needs(self, "o_sees", "peephole")
        if self.couple and not {"i", "f"} <= set(self.gates):
            raise ValueError(
                "rx.LSTM: couple=True makes the input gate of the forget gate, and needs both; "
                f"got gates={self.gates!r}."
            )
        options.positive_float(self, "clip", optional=True)
        options.positive_int(self, "projection", optional=True)
        check_operator(self, self.out_features)

    def init(self, key: Array, in_features: int) -> LSTMParams:
        key, key_P, key_V = jax.random.split(key, 3)
        gates = self.gates.replace("i", "") if self.couple else self.gates
        W, U, b = init_gates(
            key,
            in_features,
            self.features,
            gates=[k for k in "ifgo" if k in gates or k == "g"],
            recurrent_features=self.out_features,
            recurrent=self.recurrent,
            preset=self.preset,
            family="lstm",
        )
        how = find_preset(self.preset, "lstm")
        P = V = None
        if self.peephole is not None:
            axes = BIAS if self.peephole == "diagonal" else ("c", "gate")
            P = Gates(axes, **how.P(key_P, (self.features,) * len(axes), gates, float))
        if self.projection is not None:
            V = Gates(("c", "h"), **how.V(key_V, (self.features, self.projection), "h", float))
        return LSTMParams(W, U, b, P, V)

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> LSTMCarry:
        h = jnp.zeros((*batch_shape, self.out_features))
        c = jnp.zeros((*batch_shape, self.features))
        return LSTMCarry(h, c)

    def step(self, params: LSTMParams, carry: LSTMCarry, x: Array) -> tuple[LSTMCarry, Array]:
        W, U, b, P, V = params
        h, c = carry
        sigma, phi, psi = map(activations.get, (self.gate_fn, self.candidate_fn, self.output_fn))
        i = f = o = 1.0  # an absent gate is 1

        if "i" in W.names:
            i = sigma(x @ W.i + h @ U.i + b.i + peephole(P, "i", c))
        if "f" in W.names:
            f = sigma(x @ W.f + h @ U.f + b.f + peephole(P, "f", c))
        if self.couple:
            i = 1 - f
        g = phi(x @ W.g + h @ U.g + b.g)
        c_new = clipped(f * c + i * g, self.clip)
        if "o" in W.names:
            seen = c_new if self.o_sees == "new" else c
            o = sigma(x @ W.o + h @ U.o + b.o + peephole(P, "o", seen))
        h_new = projected(o * psi(c_new), V)
        return LSTMCarry(h_new, c_new), h_new

    @property
    def out_features(self) -> int:
        return self.features if self.projection is None else self.projection


class Absent:
    """The peephole term of a cell without peepholes: ``z + Absent()`` is ``z``."""

    __array_ufunc__ = None  # makes NumPy defer to __radd__

    def __radd__(self, z: Array) -> Array:
        return z


def peephole(P: Gates | None, gate: str, c: Array) -> Any:
    """The peephole term ``P_k c`` of a gate."""
    if P is None:
        return Absent()
    return P[gate] * c if P.axes == BIAS else c @ P[gate]


def clipped(c: Array, clip: float | None) -> Array:
    """The cell state, clipped to [-clip, clip] if there is a clip."""
    return c if clip is None else jnp.clip(c, -clip, clip)


def projected(h: Array, V: Gates | None) -> Array:
    """``V_h h`` if there is a projection."""
    return h if V is None else h @ V.h
