"""What a cell is: a frozen specification with three pure functions."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from recurrax.cells import checks, options


class Cell:
    """A recurrent cell: sizes and options, no arrays; hashable, and equal to an equal cell.

    A subclass is a ``@dataclass(frozen=True)`` with

    - ``init(key, in_features)``, the parameters, any pytree; :func:`gate_params` draws the common
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
      ...         return rx.gate_params(key, in_features, self.features, gates="h")
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

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        for name, guard in checks.GUARDS.items():
            if name in vars(cls):
                setattr(cls, name, guard(vars(cls)[name]))

    def __post_init__(self) -> None:
        if hasattr(self, "features"):  # a cell made of other cells may have no size of its own
            options.positive_int(self, "features")

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

    @checks.guard_initial_carry
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

    @property
    def out_features(self) -> int:
        """Size of the last axis of y."""
        return self.features

    def params_like(self, in_features: Any) -> Any:
        """The structure of the parameters: ``jax.ShapeDtypeStruct`` in place of arrays."""
        return checks.params_like(self, in_features)
