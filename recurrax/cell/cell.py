"""What a cell is: a frozen specification with three pure functions."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from recurrax.cell import checks, options


class Noise(NamedTuple):
    """What a cell draws for one run over time."""

    run: Any = ()
    """Arrays that stay the same at every step."""
    step: Any = ()
    """Arrays with time in front, ``(time, *batch, features)``, one entry for each step."""


class Layer:
    """What runs over time: a :class:`Cell`, or what is composed of cells.

    A layer is a specification, hashable, and equal to an equal layer. It has parameters
    (``init``), a carry (``initial_carry``) and outputs of one size (``out_features``).
    """

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        for name, guard in checks.GUARDS.items():
            if name in vars(cls):
                setattr(cls, name, guard(vars(cls)[name]))

    def init(self, key: Array, in_features: Any) -> Any:
        """Fresh parameters.

        Args:
          key: a JAX random key.
          in_features: size of the last axis of x (for a pytree x, the pytree of these sizes).

        Returns:
          A pytree of arrays of JAX's default float dtype (float64 under ``jax_enable_x64``).
        """
        raise NotImplementedError(
            f"{options.name_of(self)} does not define init(key, in_features)."
        )

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> Any:
        """The zero carry, ``(*batch_shape, features)``, in ``dtype`` if that is given."""
        raise NotImplementedError(
            f"{options.name_of(self)} does not define initial_carry(batch_shape)."
        )

    def initial_carry_from(self, params: Any, batch_shape: tuple[int, ...]) -> Any:
        """The carry that a run starts from if none is given: ``initial_carry``, or learned."""
        del params
        return self.initial_carry(batch_shape)

    @property
    def out_features(self) -> int:
        """Size of the last axis of y."""
        raise NotImplementedError(f"{options.name_of(self)} does not define out_features.")

    def out_size(self, in_features: Any) -> Any:
        """Size of the last axis of y for inputs of this size."""
        del in_features
        return self.out_features

    def out_batch_shape(self, batch_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The leading axes of y, those before its features, for an x with these."""
        return batch_shape

    @property
    def num_feature_axes(self) -> int:
        """How many axes of x come after batch and time: 1, and more where x has axes of space."""
        return 1

    @property
    def has_step(self) -> bool:
        """Whether it has a ``step``, and so can be driven one step at a time."""
        return isinstance(self, Cell)

    @property
    def is_stochastic(self) -> bool:
        """Whether training draws random numbers, so that a run takes a ``key``."""
        return False

    @property
    def learns_carry(self) -> bool:
        """Whether ``initial_carry_from`` reads the parameters."""
        return False

    def params_like(self, in_features: Any) -> Any:
        """The structure of the parameters: ``jax.ShapeDtypeStruct`` in place of arrays."""
        return checks.params_like(self, in_features)

    def step(self, params: Any, carry: Any, x: Any) -> tuple[Any, Any]:
        """One step in time, of a :class:`Cell`."""
        raise ValueError(
            f"{options.name_of(self)}.step: it runs in both directions, which needs the whole "
            "sequence; use rx.unroll."
        )

    def over_time(self, run: Any, params: Any, xs: Any, carry: Any) -> Any:
        """Runs the parts of a layer that is not a cell over time.

        Args:
          run: a ``recurrax.sequence.options.Run``.
          params, xs, carry: the parameters, the sequence, and the carry or ``None``.

        Returns:
          A ``recurrax.sequence.options.RunResult``.
        """
        raise NotImplementedError(f"{options.name_of(self)} does not define over_time.")


class Cell(Layer):
    """A recurrent cell: sizes and options, no arrays; hashable, and equal to an equal cell.

    A subclass is a ``@dataclass(frozen=True)`` with

    - ``init(key, in_features)``, the parameters, any pytree; :func:`init_gates` draws the common
      ones;
    - ``step(params, carry, x) -> (carry, y)``, its equations in plain ``jax.numpy``;
    - a carry: a NamedTuple called as the cell with ``Carry`` behind it, every field of which is
      an array ``(*batch, features)`` that starts at zero. A cell with another carry overrides
      ``initial_carry(batch_shape)``.

    These functions are checked at their entrance: a subclass writes equations only, and a caller
    with a wrong shape reads which argument it was, what was expected and what came.

    Example:
      >>> from dataclasses import dataclass
      >>> from typing import NamedTuple
      >>> import jax, jax.numpy as jnp
      >>> import recurrax as rx
      >>> class LeakyCarry(NamedTuple):
      ...     h: jax.Array
      >>> @dataclass(frozen=True)
      ... class Leaky(rx.Cell):
      ...     features: int
      ...     rate: float = 0.1
      ...     def init(self, key, in_features):
      ...         return rx.init_gates(key, in_features, self.features, gates="h")
      ...     def step(self, params, carry, x):
      ...         W, U, b = params
      ...         new = jnp.tanh(x @ W.h + carry.h @ U.h + b.h)
      ...         h = (1 - self.rate) * carry.h + self.rate * new
      ...         return LeakyCarry(h), h
      >>> cell = Leaky(4)
      >>> params = cell.init(jax.random.key(0), 3)
      >>> carry, ys = rx.unroll(cell, params, jnp.ones((2, 5, 3)))
      >>> ys.shape
      (2, 5, 4)
    """

    features: int

    def __post_init__(self) -> None:
        if hasattr(self, "features"):  # a cell made of other cells may have no size of its own
            options.positive_int(self, "features")
        options.by_type(self)

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> Any:
        """The zero carry.

        Args:
          batch_shape: the leading axes of x, those before its features.
          dtype: (accepted by every cell) of the floating leaves; JAX's default if not given.

        Returns:
          The cell's NamedTuple of arrays ``(*batch_shape, features)``.
        """
        zero = jnp.zeros((*batch_shape, self.features))
        carry = checks.carry_type(type(self))
        return carry(*[zero for _ in carry._fields])

    def step(self, params: Any, carry: Any, x: Any) -> tuple[Any, Any]:
        """One step in time.

        Args:
          params: what ``init`` returned.
          carry: the state before the step, leaves ``(*batch, features)``.
          x: the input, ``(*batch, in_features)``, floating.

        Returns:
          ``(carry, y)``: the state after the step, and the output ``(*batch, out_features)``. The
          dtype is what JAX's promotion makes of the arguments.
        """
        raise NotImplementedError(
            f"{options.name_of(self)} does not define step(params, carry, x)."
        )

    def noise(self, key: Array, x: Any, steps: int) -> Noise | None:
        """Draws the random numbers of a run in training; ``None`` for a cell without any.

        Args:
          key: a JAX random key.
          x: shape and dtype of one step's input, ``(*batch, in_features)``.
          steps: the number of steps.
        """
        del key, x, steps
        return None

    def training_step(self, params: Any, carry: Any, x: Any, noise: Noise) -> tuple[Any, Any]:
        """One step in training, with the entry of ``noise`` for it; ``step`` is evaluation."""
        del noise
        return checks.unguarded(self)(params, carry, x)

    @property
    def out_features(self) -> int:
        if not hasattr(self, "features"):
            raise NotImplementedError(
                f"{options.name_of(self)} does not define out_features, the size of its output."
            )
        return self.features
