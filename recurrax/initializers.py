r"""Initial values for the parameters of a cell: how each gate is drawn, and presets by name.

An ordinary JAX initialiser draws one array: ``init(key, shape, dtype)``. A *gate initialiser*
draws the arrays of all gates of a kernel or bias: ``draw(key, shape, gates, dtype)`` returns a
dict from gate name to an array of ``shape``. Two adapters make the second from the first:

- :func:`per_gate` draws every gate by itself (each recurrent kernel is orthogonal by itself);
- :func:`fused` draws one wide kernel ``(in, gates * out)`` and cuts it, as libraries do that store
  the gates side by side. Keras' kernels are Glorot and orthogonal in this sense only.

Factories return the same object for the same arguments, so that equal cells stay equal.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import Array

Initializer: TypeAlias = Callable[..., Array]
GateInitializer: TypeAlias = Callable[[Array, Sequence[int], Sequence[str], Any], dict[str, Array]]

# The standard ones are JAX's own; the cache makes two calls with equal arguments equal.
zeros: Initializer = jax.nn.initializers.zeros
normal = cache(jax.nn.initializers.normal)
glorot_uniform = cache(jax.nn.initializers.glorot_uniform)
glorot_normal = cache(jax.nn.initializers.glorot_normal)
lecun_uniform = cache(jax.nn.initializers.lecun_uniform)
lecun_normal = cache(jax.nn.initializers.lecun_normal)
orthogonal = cache(jax.nn.initializers.orthogonal)
constant = cache(jax.nn.initializers.constant)
variance_scaling = cache(jax.nn.initializers.variance_scaling)


@cache
def identity(scale: float = 1.0) -> Initializer:
    """``scale`` times the identity matrix (IRNN: Le et al. 2015, arXiv:1504.00941)."""

    def init(key: Array, shape: Sequence[int], dtype: Any = float) -> Array:
        del key
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(f"identity: expected a square kernel, got shape {tuple(shape)}.")
        return scale * jnp.eye(shape[0], dtype=dtype)

    return init


@cache
def torch_uniform(axis: int = -1) -> Initializer:
    """Uniform on ±1/√H, with H the size of ``axis``: all of ``torch.nn.LSTM``, biases too."""

    def init(key: Array, shape: Sequence[int], dtype: Any = float) -> Array:
        bound = shape[axis] ** -0.5
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


@cache
def uniform(low: float = 0.0, high: float = 1.0) -> Initializer:
    """Uniform between two bounds."""

    def init(key: Array, shape: Sequence[int], dtype: Any = float) -> Array:
        return jax.random.uniform(key, shape, dtype, low, high)

    return init


@cache
def truncated_fan_in() -> Initializer:
    """Normal of scale 1/√fan-in, cut at two scales and not rescaled (``hk.Linear``)."""

    def init(key: Array, shape: Sequence[int], dtype: Any = float) -> Array:
        return shape[0] ** -0.5 * jax.random.truncated_normal(key, -2.0, 2.0, shape, dtype)

    return init


_ONLY_SHAPES: ContextVar[bool] = ContextVar("only_shapes", default=False)


@contextmanager
def only_shapes() -> Iterator[None]:
    """Inside, kernels and biases are zeros of the right shape and dtype where that is certain.

    The shapes of the parameters are found by tracing ``init``. Random numbers and QR factorisations
    would take most of that time.
    """
    token = _ONLY_SHAPES.set(True)
    try:
        yield
    finally:
        _ONLY_SHAPES.reset(token)


def _array(init: Initializer, key: Array, shape: Sequence[int], dtype: Any) -> Array:
    """What ``init`` draws; an initialiser of the user's own is always called."""
    if _ONLY_SHAPES.get() and str(getattr(init, "__module__", "")).startswith(("jax.", __name__)):
        return jnp.zeros(shape, dtype)
    return init(key, shape, dtype)


@cache
def per_gate(init: Initializer) -> GateInitializer:
    """Every gate drawn by itself, with a key of its own."""

    def draw(
        key: Array, shape: Sequence[int], gates: Sequence[str], dtype: Any = float
    ) -> dict[str, Array]:
        keys = jax.random.split(key, len(gates))
        return {gate: _array(init, keys[i], shape, dtype) for i, gate in enumerate(gates)}

    return draw


@cache
def fused(init: Initializer) -> GateInitializer:
    """One wide array ``(..., gates * out)``, cut into the gates."""

    def draw(
        key: Array, shape: Sequence[int], gates: Sequence[str], dtype: Any = float
    ) -> dict[str, Array]:
        wide = _array(init, key, (*shape[:-1], shape[-1] * len(gates)), dtype)
        return dict(zip(gates, jnp.split(wide, len(gates), axis=-1), strict=True))

    return draw


@cache
def chrono(t_max: int, forget: str = "f", input: str | None = "i") -> GateInitializer:
    r"""Biases for memories of up to ``t_max`` steps (Tallec & Ollivier 2018, arXiv:1804.11188).

    .. math::
        b_f = \log u,\quad u \sim U(1, t_{max} - 1),\qquad b_i = -b_f

    All other gates start at zero. For a GRU write ``chrono(t_max, forget="z", input=None)``: its
    update gate is the one that keeps the state.
    """
    if t_max <= 2:
        raise ValueError(f"chrono: t_max must be at least 3 time steps; got {t_max!r}.")

    def draw(
        key: Array, shape: Sequence[int], gates: Sequence[str], dtype: Any = float
    ) -> dict[str, Array]:
        for role, gate in (("forget", forget), ("input", input)):
            if gate is not None and gate not in gates:
                raise ValueError(
                    f"chrono: {role}={gate!r} is not a gate of this cell, which has "
                    f"{', '.join(gates)}."
                )
        bias = {gate: jnp.zeros(shape, dtype) for gate in gates}
        bias[forget] = jnp.log(jax.random.uniform(key, shape, dtype, 1.0, t_max - 1.0))
        if input is not None:
            bias[input] = -bias[forget]
        return bias

    return draw


def torch_bias(
    key: Array, shape: Sequence[int], gates: Sequence[str], dtype: Any = float
) -> dict[str, Array]:
    """torch's two biases, each uniform, summed where its equation sums them.

    Only the candidate of a GRU keeps them apart (``n`` and ``hn``): the reset gate stands between.
    """
    first, second = jax.random.split(key)
    b_input = per_gate(torch_uniform())(first, shape, gates, dtype)
    b_recurrent = per_gate(torch_uniform())(second, shape, gates, dtype)
    apart = {"n", "hn"} if "hn" in gates else set()
    return {g: b_input[g] if g in apart else b_input[g] + b_recurrent[g] for g in gates}


_LECUN = per_gate(lecun_normal())
_ORTHOGONAL = per_gate(orthogonal())
_ZEROS = per_gate(zeros)


@dataclass(frozen=True)
class Preset:
    """How every kind of parameter is drawn.

    Attributes:
      W: input kernels, ``(in_features, features)``.
      U: recurrent kernels, ``(features, features)``; ``None`` draws ``W`` and ``U`` as the one
        kernel of the concatenation [x, h], whose fan-in is ``in_features + features``.
      b: biases, ``(features,)``.
      forget_bias: added to the bias of the forget gate of the LSTM family.
      P: peepholes.
      V: projections and readouts.
    """

    W: GateInitializer = _LECUN
    U: GateInitializer | None = _ORTHOGONAL
    b: GateInitializer = _ZEROS
    forget_bias: float = 0.0
    P: GateInitializer = _ZEROS
    V: GateInitializer = _LECUN


_TORCH = Preset(
    W=per_gate(torch_uniform()),
    U=per_gate(torch_uniform()),
    b=torch_bias,
    V=per_gate(torch_uniform(axis=0)),
)
_KERAS = Preset(
    W=fused(glorot_uniform()),
    U=fused(orthogonal()),
    forget_bias=1.0,
    V=per_gate(glorot_uniform()),
)
_HAIKU_RNN = Preset(
    W=per_gate(truncated_fan_in()),
    U=per_gate(truncated_fan_in()),
    V=per_gate(truncated_fan_in()),
)

# A preset may differ by family ("rnn", "gru", "lstm"), as Haiku's layers do.
_FAN_IN = per_gate(variance_scaling(1.0, "fan_in", "normal"))
_PRESETS: dict[str, Preset | dict[str, Preset]] = {
    "default": Preset(forget_bias=1.0),
    "torch": _TORCH,
    "keras": _KERAS,
    "linen": Preset(),
    "haiku": {
        "rnn": _HAIKU_RNN,
        "gru": replace(_HAIKU_RNN, W=per_gate(lecun_normal()), U=per_gate(lecun_normal())),
        "lstm": replace(_HAIKU_RNN, U=None, forget_bias=1.0),
    },
    "irnn": Preset(W=per_gate(normal(1e-3)), U=per_gate(identity())),
    "fan_in": Preset(W=_FAN_IN, U=_FAN_IN),
    "glorot": Preset(W=per_gate(glorot_uniform()), U=per_gate(glorot_uniform())),
    "edgeml": Preset(W=per_gate(normal(0.1)), U=per_gate(normal(0.1)), b=per_gate(constant(1.0))),
}
PRESETS = tuple(_PRESETS)


def preset(name: str | Preset, family: str = "lstm", **changes: Any) -> Preset:
    """The preset called ``name``, with some fields changed.

    ========= ==================== ============================ ======================== ===========
    name      input kernels W      recurrent kernels U          bias b                   forget bias
    ========= ==================== ============================ ======================== ===========
    default   LeCun normal         orthogonal per gate          0                        1
    torch     U(±1/√H)             U(±1/√H)                     sum of two U(±1/√H)      0
    keras     Glorot uniform,      orthogonal, fused gates      0                        1
              fused gates
    linen     LeCun normal         orthogonal per gate          0                        0
    haiku     truncated normal     truncated normal 1/√fan-in   0                        1
              1/√fan-in            (LSTM: of [x, h] together)
    irnn      N(0, 0.001²)         identity                     0                        0
    fan_in    N(0, 1/fan-in)       N(0, 1/fan-in)               0                        0
    glorot    Glorot uniform       Glorot uniform               0                        0
    edgeml    N(0, 0.1²)           N(0, 0.1²)                   1                        0
    ========= ==================== ============================ ======================== ===========

    Args:
      name: one of :data:`PRESETS`, or a :class:`Preset`, which is returned with the changes.
      family: ``"rnn"``, ``"gru"`` or ``"lstm"``; only ``"haiku"`` tells them apart.
      **changes: fields of :class:`Preset` to replace. Biases of one's own, ``b=``, bring their own
        forget bias: ``forget_bias`` is 0 then, unless it is given too.

    Example:
      >>> import recurrax as rx
      >>> patient = rx.initializers.preset("torch", forget_bias=1.0)
      >>> rx.LSTM(32, preset=patient) == rx.LSTM(32, preset=patient)
      True
    """
    found = _PRESETS.get(name) if isinstance(name, str) else name
    if not isinstance(found, Preset | dict):
        raise ValueError(
            f"preset: expected one of {', '.join(PRESETS)} or an rx.initializers.Preset; "
            f"got {name!r}."
        )
    if isinstance(found, dict):
        found = found[family]
    if "b" in changes:
        changes.setdefault("forget_bias", 0.0)
    return replace(found, **changes)
