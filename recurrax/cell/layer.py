"""What runs over time: parameters, a carry and outputs, with or without a step."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import Array

from recurrax.cell import checks
from recurrax.cell.exportable import exportable, is_namedtuple
from recurrax.cell.naming import name_of


class Layer:
    """What runs over time: a :class:`recurrax.Cell`, or what is composed of cells.

    A layer is a specification, hashable, and equal to an equal layer. It has parameters
    (``init``), a carry (``initial_carry``) and outputs of one size (``out_features``). A layer with
    a ``step`` is a :class:`recurrax.Cell`; a :class:`recurrax.Bidirectional`, and what holds one,
    needs the whole sequence and has none.

    Layers are static under JAX: a layer is a pytree without leaves, so that it can be an argument
    of a jitted function, or part of one.

    Example:
      >>> import jax
      >>> import recurrax as rx
      >>> run = jax.jit(rx.unroll)
      >>> cell = rx.GRU(4)
      >>> carry, ys = run(cell, cell.init(jax.random.key(0), 3), jax.numpy.ones((2, 5, 3)))
      >>> ys.shape
      (2, 5, 4)
    """

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        for name, guard in checks.GUARDS.items():
            if name in vars(cls):
                setattr(cls, name, guard(vars(cls)[name]))
        jax.tree_util.register_static(cls)
        for kind in (vars(cls).get("Carry"), vars(cls).get("Params")):
            if is_namedtuple(kind):
                exportable(kind)

    def init(self, key: Array, in_features: Any) -> Any:
        """Fresh parameters.

        Args:
          key: a JAX random key.
          in_features: size of the last axis of x (for a pytree x, the pytree of these sizes).

        Returns:
          A pytree of arrays of JAX's default float dtype (float64 under ``jax_enable_x64``).
        """
        raise NotImplementedError(f"{name_of(self)} does not define init(key, in_features).")

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> Any:
        """The zero carry, ``(*batch_shape, features)``, in ``dtype`` if that is given."""
        raise NotImplementedError(f"{name_of(self)} does not define initial_carry(batch_shape).")

    def initial_carry_from(self, params: Any, batch_shape: tuple[int, ...]) -> Any:
        """The carry that a run starts from if none is given: ``initial_carry``, or learned."""
        del params
        return self.initial_carry(batch_shape)

    if not TYPE_CHECKING:  # a Layer has no step, which type checkers know; this is for people

        @property
        def step(self) -> Any:
            """Only a :class:`recurrax.Cell` has a ``step``."""
            raise AttributeError(
                f"{name_of(self)} has no step: it runs in both directions, which needs the whole "
                "sequence; use rx.unroll."
            )

        @property
        def initialize_carry(self) -> Any:
            """Flax's layers ask Flax's cells for it."""
            raise AttributeError(
                f"{name_of(self)} is a cell of recurrax, which nn.RNN and nnx.RNN do not run; use "
                "rx.linen.RNN or rx.nnx.RNN, which take the same arguments."
            )

    @property
    def out_features(self) -> Any:
        """Size of the last axis of y."""
        raise NotImplementedError(f"{name_of(self)} does not define out_features.")

    def out_size(self, in_features: Any) -> Any:
        """Size of the last axis of y for inputs of this size."""
        del in_features
        return self.out_features

    def out_batch_shape(self, batch_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The leading axes of y, those before its features, for an x with these."""
        return batch_shape

    @property
    def input_kinds(self) -> tuple[Any, ...]:
        """The kinds of dtype that x may have where it is one array, not a tree of several.

        A cell that looks up tokens overrides this by ``(jnp.integer,)``, and ``num_feature_axes``
        by 0; a complex cell by ``(jnp.complexfloating,)``.
        """
        return (jnp.floating,)

    @property
    def num_feature_axes(self) -> int:
        """How many axes of x come after batch and time: 1, and more where x has axes of space."""
        return 1

    @property
    def has_step(self) -> bool:
        """Whether the layer is a :class:`recurrax.Cell`, and can be driven one step at a time."""
        return False

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

    def over_time(self, run: Any, params: Any, xs: Any, carry: Any) -> Any:
        """Runs the parts of a layer that is not a cell over time.

        Args:
          run: a ``recurrax.sequence.options.Run``.
          params, xs, carry: the parameters, the sequence, and the carry or ``None``.

        Returns:
          A ``recurrax.sequence.options.RunResult``.
        """
        raise NotImplementedError(f"{name_of(self)} does not define over_time.")
