"""``init_gates``: the parameters of a gated cell, drawn gate by gate."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
from jax import Array

from recurrax.cell.exportable import exportable
from recurrax.cell.operators import FULL, Operator
from recurrax.cell.params.gates import BIAS, INPUT, RECURRENT, Gates
from recurrax.initializers import GateInitializer, Preset, preset as find_preset


@exportable
class GateParams(NamedTuple):
    """The parameters of a plain gated cell."""

    W: Gates
    """Input kernels, (in_features, features)."""
    U: Gates
    """Recurrent kernels, (features, features)."""
    b: Gates
    """Biases, (features,)."""


def init_gates(
    key: Array,
    in_features: int,
    features: int,
    gates: Sequence[str],
    *,
    W: Sequence[str] | None = None,
    U: Sequence[str] | None = None,
    b: Sequence[str] | None = None,
    recurrent_features: int | None = None,
    recurrent: Operator = FULL,
    forget: str | None = None,
    preset: str | Preset = "default",
    family: str = "gru",
) -> GateParams:
    """Draws ``W``, ``U`` and ``b``, one array for every gate.

    Every gate sees x, sees h and has a bias, unless ``W``, ``U`` or ``b`` says otherwise. Only what
    is returned is drawn.

    Args:
      key: a JAX random key.
      in_features: size of the last axis of x.
      features: size of every gate.
      gates: gate names: a string of one-letter names such as ``"ifgo"``, or a sequence.
      W: the gates that have an input kernel; ``""`` for none.
      U: the gates that have a recurrent kernel; ``""`` for none.
      b: the gates that have a bias; ``""`` for none.
      recurrent_features: size of the h that the gates see, if it is not ``features``.
      recurrent: what stands in the place of a recurrent matrix, such as ``rx.Diagonal()``.
      forget: the gate that gets the forget bias of the preset, if there is one.
      preset: how to draw; see :func:`recurrax.initializers.preset`.
      family: ``"rnn"``, ``"gru"`` or ``"lstm"``, for presets that tell them apart; ``"lstm"`` also
        means that a gate ``f`` is the forget gate.

    Returns:
      ``GateParams(W, U, b)``, of JAX's default float dtype.

    Example:
      >>> import jax
      >>> import recurrax as rx
      >>> params = rx.init_gates(jax.random.key(0), 3, 4, gates="zn", U="z")
      >>> params.W.names, params.U.names, params.b.names
      (('z', 'n'), ('z',), ('z', 'n'))
    """
    how = find_preset(preset, family)
    names_W, names_U, names_b = (tuple(gates if names is None else names) for names in (W, U, b))
    h_features = features if recurrent_features is None else recurrent_features
    key_W, key_U, key_b = jax.random.split(key, 3)
    if how.U is None and recurrent == FULL and names_U == names_W:
        both = _draw(how.W, key_W, (in_features + h_features, features), names_W)
        kernels_W = {gate: kernel[:in_features] for gate, kernel in both.items()}
        kernels_U = {gate: kernel[in_features:] for gate, kernel in both.items()}
    else:
        kernels_W = _draw(how.W, key_W, (in_features, features), names_W)
        draw_U = how.U or how.W
        kernels_U = (
            recurrent.kernels(draw_U, key_U, h_features, features, names_U) if names_U else {}
        )
    biases = _draw(how.b, key_b, (features,), names_b)
    if forget is None and family == "lstm" and "f" in biases:
        forget = "f"
    if forget is not None:
        biases[forget] = biases[forget] + how.forget_bias
    return GateParams(
        Gates(INPUT, **kernels_W), Gates(RECURRENT, **kernels_U), Gates(BIAS, **biases)
    )


def _draw(
    draw: GateInitializer, key: Array, shape: tuple[int, ...], gates: tuple[str, ...]
) -> dict[str, Any]:
    """What an initialiser draws; no gates need none."""
    return draw(key, shape, gates, float) if gates else {}
