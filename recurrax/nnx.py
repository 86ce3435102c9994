"""Flax nnx modules over recurrax cells, and over Flax's own nnx cells unchanged."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from recurrax import cells, layer
from recurrax.cells.checks import cast_floating
from recurrax.cells.options import name_of
from recurrax.cells.params import describe
from recurrax.sequence import promoted

WHO = "rx.nnx.RNN"


class Cell(nnx.RNNCellBase):
    """A recurrax cell as an nnx cell: it works wherever Flax expects an ``nnx.RNNCellBase``.

    Its parameters are attributes named as the cell names them: ``W["i"]``, ``U["i"]``, ``b["i"]``.
    It keeps no random state.

    Args:
      cell: any :class:`recurrax.Cell`.
      in_features: size of the last axis of the inputs.
      rngs: where the key for the parameters comes from (stream ``params``).
      param_dtype: dtype of the parameters.

    Example:
      >>> from flax import nnx
      >>> import recurrax as rx
      >>> cell = rx.nnx.Cell(rx.LSTM(8), in_features=3, rngs=nnx.Rngs(0))
      >>> cell.W["i"].shape
      (3, 8)
    """

    def __init__(
        self, cell: cells.Cell, in_features: Any, *, rngs: nnx.Rngs, param_dtype: Any = jnp.float32
    ):
        self.cell = cell
        self.in_features = in_features
        self.param_dtype = param_dtype
        params = cast_floating(cell.init(rngs.params(), in_features), param_dtype)
        self.names = tuple(layer.to_tree(params))
        for name, part in layer.to_tree(params).items():
            if hasattr(self, name):
                raise ValueError(
                    f"rx.nnx.Cell: {name_of(cell)} has a parameter {name!r}, which is "
                    "taken by the module; rename it."
                )
            setattr(self, name, _as_module(part))

    def params(self) -> Any:
        """The parameters as ``cell.step`` takes them."""
        tree = {name: _as_arrays(getattr(self, name)) for name in self.names}
        return layer.from_tree(self.cell.params_like(self.in_features), tree)

    def __call__(self, carry: Any, inputs: Any) -> tuple[Any, Any]:
        """One step, ``(carry, x) -> (carry, y)``."""
        return self.cell.step(self.params(), carry, inputs)

    def initialize_carry(
        self, input_shape: tuple[int, ...], rngs: Any = None, carry_init: Any = None
    ) -> Any:
        """The cell's initial carry, in ``param_dtype``; ``rngs`` is not used."""
        del rngs
        if carry_init is not None:
            raise ValueError(
                "rx.nnx.Cell: carry_init must be None; a recurrax cell defines its initial carry. "
                "Pass another one as initial_carry."
            )
        return cast_floating(self.cell.initial_carry(input_shape[:-1]), self.param_dtype)

    @property
    def num_feature_axes(self) -> int:
        return 1


class RNN(nnx.Module):
    """Runs a cell over time: ``flax.nnx.RNN`` with recurrax underneath.

    Arguments and results are those of ``flax.nnx.RNN``; the loop is :func:`recurrax.scan`. The
    parameters have the same paths, and there is no random state beside them, so the state goes
    into any checkpoint.

    Args:
      cell: a :class:`recurrax.Cell`, or any ``nnx.RNNCellBase`` such as ``nnx.LSTMCell``.
      in_features: size of the last axis of the inputs; needed by a recurrax cell, and only by it.
      rngs: where the key for the parameters comes from; needed by a recurrax cell. A Flax cell has
        its parameters already: what is given with one is not used, and never kept.
      time_major: whether inputs are ``(time, *batch, features)``.
      return_carry: whether a call returns ``(carry, outputs)`` instead of ``outputs``.
      reverse: run from the last step to the first. As in Flax, outputs then come in the order of
        processing, unless ``keep_order``.
      keep_order: with ``reverse``, return the outputs in the order of the inputs.
      method, chunk, keep: how to evaluate; see :func:`recurrax.scan`.
      param_dtype: dtype of the parameters of a recurrax cell.

    Example:
      >>> import jax.numpy as jnp
      >>> from flax import nnx
      >>> import recurrax as rx
      >>> layer = rx.nnx.RNN(rx.GRU(8), in_features=3, rngs=nnx.Rngs(0))
      >>> layer(jnp.ones((2, 5, 3))).shape
      (2, 5, 8)
    """

    def __init__(
        self,
        cell: Any,
        in_features: Any = None,
        *,
        rngs: Any = None,
        time_major: bool = False,
        return_carry: bool = False,
        reverse: bool = False,
        keep_order: bool = False,
        method: str = "auto",
        chunk: int | None = None,
        keep: str = "auto",
        param_dtype: Any = jnp.float32,
    ):
        if isinstance(cell, cells.Cell):
            if in_features is None or not isinstance(rngs, nnx.Rngs):
                raise TypeError(
                    f"{WHO}: a recurrax cell needs in_features and rngs, as in "
                    f"rx.nnx.RNN(cell, 3, rngs=nnx.Rngs(0)); got in_features={in_features!r}, "
                    f"rngs={describe(rngs)}."
                )
            cell = Cell(cell, in_features, rngs=rngs, param_dtype=param_dtype)
        elif not isinstance(cell, nnx.RNNCellBase):
            raise TypeError(
                f"{WHO}: cell must be a recurrax cell or a flax.nnx.RNNCellBase; "
                f"got {describe(cell)}."
            )
        elif in_features is not None:
            raise TypeError(f"{WHO}: in_features is fixed by the Flax cell already; leave it out.")
        self.cell = cell
        self.time_major = time_major
        self.return_carry = return_carry
        self.reverse = reverse
        self.keep_order = keep_order
        self.method = method
        self.chunk = chunk
        self.keep = keep

    def __call__(
        self,
        inputs: Any,
        *,
        initial_carry: Any = None,
        seq_lengths: Any = None,
        return_carry: bool | None = None,
        time_major: bool | None = None,
        reverse: bool | None = None,
        keep_order: bool | None = None,
        rngs: Any = None,
    ) -> Any:
        """Applies the cell to every step of ``inputs``.

        Args:
          inputs: ``(*batch, time, *features)``, or ``(time, *batch, *features)`` if time-major; an
            array or a pytree of arrays.
          initial_carry: the carry to start from; by default the cell's ``initialize_carry``.
          seq_lengths: not available yet; an error if given.
          return_carry, time_major, reverse, keep_order: override the attributes.
          rngs: for the ``initialize_carry`` of a Flax cell with a random carry; ``nnx.Rngs(0)`` by
            default.

        Returns:
          ``outputs``, or ``(carry, outputs)`` with ``return_carry``.
        """
        call = layer.prepare(
            WHO,
            self,
            inputs,
            seq_lengths,
            return_carry=return_carry,
            time_major=time_major,
            reverse=reverse,
            keep_order=keep_order,
        )
        carry = initial_carry
        if carry is None:
            rngs = nnx.Rngs(0) if rngs is None else rngs
            carry = self.cell.initialize_carry(call.input_shape, rngs)
            if isinstance(self.cell, Cell):
                carry = cast_floating(carry, promoted(carry, inputs))
        if isinstance(self.cell, Cell):
            layer.check(WHO, self.cell.cell, self.cell.params(), carry, call)

        # A cell may hold more than parameters (statistics, dropout counts): that state is carried.
        graphdef, params, state = nnx.split(self.cell, nnx.Param, ...)

        def step(carry_and_state: Any, x: Any) -> Any:
            carry, state = carry_and_state
            cell = nnx.merge(graphdef, params, state)
            carry, y = cell(carry, x)
            return (carry, nnx.state(cell, nnx.Not(nnx.Param))), y

        (carry, state), outputs = layer.run(WHO, self, step, (carry, state), call)
        if jax.tree.leaves(state):
            nnx.update(self.cell, state)
        return (carry, outputs) if call.return_carry else outputs


def _as_module(part: Any) -> Any:
    if isinstance(part, Mapping):
        return nnx.Dict({name: _as_module(value) for name, value in part.items()})
    return nnx.Param(part)


def _as_arrays(part: Any) -> Any:
    if isinstance(part, nnx.Dict):
        return {name: _as_arrays(value) for name, value in part.items()}
    return part[...]
