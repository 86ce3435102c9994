r"""LSTM with layer normalisation (Ba, Kiros & Hinton 2016, arXiv:1607.06450).

    [i, f, g, o] = s_x * LN([W_i, W_f, W_g, W_o] x) + s_h * LN([U_i, U_f, U_g, U_o] h) + b
    i, f, o, g   = sigma(i), sigma(f), sigma(o), phi(g)
    c' = f * c + i * g
    h' = o * psi(s_c * LN(c') + b_c)

    LN(z) = (z - mean(z)) / sqrt(variance(z) + eps)

These are equations 20 to 22 of the paper's supplement. The four products with x are normalised as
one vector, and so are the four with h: mean and variance are over all gates. The normalised c' is
only used for h'; the carry holds c' itself. The gains s are ``gain_x``, ``gain_h`` and ``gain_c``,
and b_c is ``offset_c``. The paper also has an offset for each of the first two norms; both would
only be added to b, so they are omitted.

Conventions: as in the paper and in haste (LayerNormLSTM). TensorFlow Addons carries the normalised
c'. praxis normalises the sum W x + U h of every gate separately and does not normalise c'. The
paper has no eps; the default 1e-6 is that of Flax, while the authors' code and torch have 1e-5 and
Keras 1e-3. eps is added to the variance, which matters most for a zero state, whose variance is 0.
"""

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from recurrax.cell import activations, options
from recurrax.cell.activations import Activation
from recurrax.cell.cell import Cell
from recurrax.cell.normalisation import joint_layer_norm, layer_norm, unit_gains
from recurrax.cell.params import Gates, init_gates
from recurrax.initializers import Preset


class LayerNormLSTMCarry(NamedTuple):
    h: Array
    """(*batch, features)"""
    c: Array
    """(*batch, features), not normalised"""


class LayerNormLSTMParams(NamedTuple):
    W: Gates
    """i, f, g, o: (in_features, features)"""
    U: Gates
    """i, f, g, o: (features, features)"""
    b: Gates
    """i, f, g, o: (features,)"""
    gain_x: Gates
    """of the norm of W x; i, f, g, o: (features,)"""
    gain_h: Gates
    """of the norm of U h; i, f, g, o: (features,)"""
    gain_c: Gates
    """of the norm of c'; c: (features,)"""
    offset_c: Gates
    """of the norm of c'; c: (features,)"""


@dataclass(frozen=True)
class LayerNormLSTM(Cell):
    """LSTM with layer normalisation; equations in :mod:`recurrax.cells.layer_norm_lstm`.

    Attributes:
      features: size of h and c.
      eps: added to every variance.
      gate_fn: sigma, a name ("sigmoid", "tanh", "relu", "identity") or a function.
      candidate_fn: phi, a name or a function.
      output_fn: psi, a name or a function.
      preset: initial values of W, U and b; see :func:`recurrax.initializers.preset`. Gains start at
        1, the offset at 0.
    """

    features: int
    _: KW_ONLY
    eps: float = 1e-6
    gate_fn: Activation = "sigmoid"
    candidate_fn: Activation = "tanh"
    output_fn: Activation = "tanh"
    preset: str | Preset = "default"

    Carry = LayerNormLSTMCarry
    Params = LayerNormLSTMParams

    def __post_init__(self) -> None:
        super().__post_init__()
        options.positive_float(self, "eps")

    def init(self, key: Array, in_features: int) -> LayerNormLSTMParams:
        W, U, b = init_gates(
            key, in_features, self.features, gates="ifgo", preset=self.preset, family="lstm"
        )
        return LayerNormLSTMParams(
            W,
            U,
            b,
            gain_x=unit_gains("ifgo", self.features),
            gain_h=unit_gains("ifgo", self.features),
            gain_c=Gates(("c",), c=jnp.ones(self.features)),
            offset_c=Gates(("c",), c=jnp.zeros(self.features)),
        )

    def step(
        self, params: LayerNormLSTMParams, carry: LayerNormLSTMCarry, x: Array
    ) -> tuple[LayerNormLSTMCarry, Array]:
        W, U, b, gain_x, gain_h, gain_c, offset_c = params
        h, c = carry
        sigma, phi, psi = map(activations.get, (self.gate_fn, self.candidate_fn, self.output_fn))
        Wx = joint_layer_norm({k: x @ W[k] for k in "ifgo"}, self.eps)
        Uh = joint_layer_norm({k: h @ U[k] for k in "ifgo"}, self.eps)
        i = sigma(gain_x.i * Wx.i + gain_h.i * Uh.i + b.i)
        f = sigma(gain_x.f * Wx.f + gain_h.f * Uh.f + b.f)
        g = phi(gain_x.g * Wx.g + gain_h.g * Uh.g + b.g)
        o = sigma(gain_x.o * Wx.o + gain_h.o * Uh.o + b.o)
        c = f * c + i * g
        h = o * psi(gain_c.c * layer_norm(c, self.eps) + offset_c.c)
        return LayerNormLSTMCarry(h, c), h
