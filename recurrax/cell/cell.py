"""What a cell is: a frozen specification with three pure functions."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from recurrax.cell import checks, options
from recurrax.cell.carry_type import carry_type
from recurrax.cell.layer import Layer as Layer
from recurrax.cell.naming import name_of
from recurrax.cell.noise import Noise as Noise


class Cell(Layer):
    """A recurrent cell: sizes and options, no arrays; hashable, and equal to an equal cell.

    A subclass is a ``@dataclass(frozen=True)`` with

    - ``init(key, in_features)``, the parameters, any pytree; :func:`init_gates` draws the common
      ones;
    - ``step(params, carry, x) -> (carry, y)``, its equations in plain ``jax.numpy``;
    - ``Carry``, a NamedTuple, as a class attribute: every field is an array ``(*batch, features)``
      that starts at zero. Without the attribute, a NamedTuple called as the cell with ``Carry``
      behind it is taken. A cell with another carry overrides ``initial_carry(batch_shape)``.

    Sizes are positional, options are keyword-only: fields after ``_: KW_ONLY``. The parameters of a
    cell may have a type of their own, which is the class attribute ``Params``.

    These functions are checked at their entrance: a subclass writes equations only, and a caller
    with a wrong shape reads which argument it was, what was expected and what came.

    Example:
      >>> from dataclasses import KW_ONLY, dataclass
      >>> from typing import NamedTuple
      >>> import jax, jax.numpy as jnp
      >>> import recurrax as rx
      >>> class LeakyCarry(NamedTuple):
      ...     h: jax.Array
      >>> @dataclass(frozen=True)
      ... class Leaky(rx.Cell):
      ...     features: int
      ...     _: KW_ONLY
      ...     rate: float = 0.1
      ...     Carry = LeakyCarry
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
        carry = carry_type(type(self))
        return carry(*[jnp.zeros((*batch_shape, self.features)) for _ in carry._fields])

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
        raise NotImplementedError(f"{name_of(self)} does not define step(params, carry, x).")

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
    def has_step(self) -> bool:
        return True

    @property
    def out_features(self) -> int:
        if not hasattr(self, "features"):
            raise NotImplementedError(
                f"{name_of(self)} does not define out_features, the size of its output."
            )
        return self.features
