r"""GRU with layer normalisation (Ba, Kiros & Hinton 2016, arXiv:1607.06450).

    [r, z] = sigma(s_x * LN([W_r, W_z] x) + s_h * LN([U_r, U_z] h) + b)
    n  = phi(s_x * LN(W_n x) + b_n + r * (s_h * LN(U_n h) + b_hn))
    h' = (1 - z) * n + z * h

    LN(z) = (z - mean(z)) / sqrt(variance(z) + eps)

This is the GRU of the paper's supplement. The two gates are normalised as one vector, with the mean
and variance over both. The candidate is normalised separately; its reset gate comes after the
matmul and the norm. The gains s are ``gain_x`` and ``gain_h``. The offsets of the paper's norms are
the biases: the two offsets of a gate only enter as their sum, ``b.r`` or ``b.z``, and those of the
candidate are ``b.n`` and ``b.hn``.

Conventions: z keeps the old state, as in :class:`recurrax.GRU` and the authors' code; the paper
prints h' = (1 - z) * h + z * n. haste (LayerNormGRU) normalises the products of r, z and n as one
vector. Dreamer's GRU (Hafner et al. 2021, arXiv:2010.02193) normalises the sums W x + U h of all
three as one vector, and r multiplies the whole candidate. The paper has no eps; the default 1e-6 is
that of Flax, while the authors' code and torch have 1e-5 and Keras 1e-3. eps is added to the
variance, which matters most for a zero state, whose variance is 0.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

from jax import Array

from recurrax.cell import activations, options
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.normalisation import joint_layer_norm, layer_norm, unit_gains
from recurrax.cell.params import Gates, init_gates
from recurrax.initializers import Preset


class LayerNormGRUCarry(NamedTuple):
    h: Array
    """(*batch, features)"""


class LayerNormGRUParams(NamedTuple):
    W: Gates
    """r, z, n: (in_features, features)"""
    U: Gates
    """r, z, n: (features, features)"""
    b: Gates
    """r, z, n, hn: (features,)"""
    gain_x: Gates
    """of the norms of W x; r, z, n: (features,)"""
    gain_h: Gates
    """of the norms of U h; r, z, n: (features,)"""


@dataclass(frozen=True)
class LayerNormGRU(Cell):
    """GRU with layer normalisation; equations in :mod:`recurrax.cells.layer_norm_gru`.

    Attributes:
      features: size of h.
      eps: added to every variance.
      gate_fn: sigma, a name ("sigmoid", "tanh", "relu", "identity") or a function.
      candidate_fn: phi, a name or a function.
      preset: initial values of W, U and b; see :func:`recurrax.initializers.preset`. Gains start at
        1.
    """

    features: int
    _: KW_ONLY
    eps: float = 1e-6
    gate_fn: Activation = "sigmoid"
    candidate_fn: Activation = "tanh"
    preset: str | Preset = "default"

    Carry = LayerNormGRUCarry
    Params = LayerNormGRUParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_float(self, "eps")

    def init(self, key: Array, in_features: int) -> LayerNormGRUParams:
        W, U, b = init_gates(
            key,
            in_features,
            self.features,
            "rzn",
            b=("r", "z", "n", "hn"),
            preset=self.preset,
        )
        return LayerNormGRUParams(
            W,
            U,
            b,
            gain_x=unit_gains("rzn", self.features),
            gain_h=unit_gains("rzn", self.features),
        )

    def step(
        self, params: LayerNormGRUParams, carry: LayerNormGRUCarry, x: Array
    ) -> tuple[LayerNormGRUCarry, Array]:
        W, U, b, gain_x, gain_h = params
        h = carry.h
        sigma, phi = activations.get(self.gate_fn), activations.get(self.candidate_fn)
        Wx = joint_layer_norm({k: x @ W[k] for k in "rz"}, self.eps)
        Uh = joint_layer_norm({k: h @ U[k] for k in "rz"}, self.eps)
        r = sigma(gain_x.r * Wx.r + gain_h.r * Uh.r + b.r)
        z = sigma(gain_x.z * Wx.z + gain_h.z * Uh.z + b.z)
        Wx_n, Uh_n = layer_norm(x @ W.n, self.eps), layer_norm(h @ U.n, self.eps)
        n = phi(gain_x.n * Wx_n + b.n + r * (gain_h.n * Uh_n + b.hn))
        h = (1 - z) * n + z * h
        return LayerNormGRUCarry(h), h
