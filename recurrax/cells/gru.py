r"""Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078), in its two forms.

    r  = sigma(W_r x + U_r h + b_r)
    z  = sigma(W_z x + U_z h + b_z)
    n  = phi(W_n x + b_n + r * (U_n h + b_hn))     reset="after"
    n  = phi(W_n x + b_n + U_n (r * h))            reset="before"
    h' = (1 - z) * n + z * h

"after" and "before" say whether the reset gate is applied after or before the matmul. torch, cuDNN,
Flax and Keras (by default) apply it after; Chung et al. (2014, arXiv:1412.3555) and Haiku before.
The versions of the paper differ: version 3 of Cho et al. has "before", version 1 "after".

Conventions: z keeps the old state, as in torch, Keras, Flax and ONNX; Haiku, and the notation of
Cho and Chung, use 1 - z. With ``recurrent_bias=True`` the candidate has a recurrent bias ``b.hn``,
as in Keras and torch; ``flax.nnx.GRUCell`` has none.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array

from recurrax.cell import activations, options
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.operators import FULL, Operator, check_operator
from recurrax.cell.params import GateParams, init_gates
from recurrax.initializers import Preset


class GRUCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


@dataclass(frozen=True)
class GRU(Cell):
    """Gated recurrent unit; equations in :mod:`recurrax.cells.gru`.

    Attributes:
      features: size of h.
      reset: where the reset gate stands: ``"after"`` or ``"before"`` the product with U_n.
      recurrent_bias: whether U_n h has a bias of its own, ``b.hn`` (reset="after" only).
      recurrent: what U is: ``rx.Full()``, ``rx.Diagonal()`` (IndyGRU), ``rx.BlockDiagonal(n)``,
        ``rx.LowRank(r)`` or ``rx.Masked(mask)``.
      gate_fn: sigma, a name ("sigmoid", "tanh", "relu", "identity") or a function.
      candidate_fn: phi, a name or a function.
      preset: initial values; see :func:`recurrax.initializers.preset`.
    """

    features: int
    _: KW_ONLY
    reset: str = "after"
    recurrent_bias: bool | None = None
    recurrent: Operator = FULL
    gate_fn: Activation = "sigmoid"
    candidate_fn: Activation = "tanh"
    preset: str | Preset = "default"

    Carry = GRUCarry
    Params = GateParams

    def __post_init__(self) -> None:
        super().__post_init__()
        check_operator(self, self.features)
        options.one_of(self, "reset", ("after", "before"))
        options.one_of(self, "recurrent_bias", (None, False, True))
        if self.recurrent_bias is None:
            object.__setattr__(self, "recurrent_bias", self.reset == "after")
        if self.recurrent_bias and self.reset == "before":
            raise ValueError(
                "rx.GRU: recurrent_bias=True has no meaning with reset='before', where U_n has no "
                "product of its own with r; leave it out."
            )

    def init(self, key: Array, in_features: int) -> GateParams:
        return init_gates(
            key,
            in_features,
            self.features,
            "rzn",
            b=("r", "z", "n", "hn") if self.recurrent_bias else None,
            recurrent=self.recurrent,
            preset=self.preset,
        )

    def step(self, params: GateParams, carry: GRUCarry, x: Array) -> tuple[GRUCarry, Array]:
        W, U, b = params
        h = carry.h
        sigma, phi = activations.get(self.gate_fn), activations.get(self.candidate_fn)
        r = sigma(x @ W.r + h @ U.r + b.r)
        z = sigma(x @ W.z + h @ U.z + b.z)
        if self.reset == "before":
            n = phi(x @ W.n + b.n + (r * h) @ U.n)
        elif self.recurrent_bias:
            n = phi(x @ W.n + b.n + r * (h @ U.n + b.hn))
        else:
            n = phi(x @ W.n + b.n + r * (h @ U.n))
        h = (1 - z) * n + z * h
        return GRUCarry(h), h
