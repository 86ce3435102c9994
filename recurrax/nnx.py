"""Flax nnx modules over recurrax cells, and over Flax's own nnx cells unchanged."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from recurrax import flax_common
from recurrax.cell.cell import Layer
from recurrax.cell.checks import cast_floating
from recurrax.cell.options import instead, name_of
from recurrax.cell.params import describe
from recurrax.sequence.checks import as_dtype, check_layer
from recurrax.sequence.how import RunInputs

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
      partitioning: names of mesh axes by group of parameters, ``{"U": (None, "model")}``; the
        parameters of a group have them as metadata, as by ``nnx.with_partitioning``.

    Example:
      >>> from flax import nnx
      >>> import recurrax as rx
      >>> cell = rx.nnx.Cell(rx.LSTM(8), in_features=3, rngs=nnx.Rngs(0))
      >>> cell.W["i"].shape
      (3, 8)
    """

    def __init__(
        self,
        cell: Layer,
        in_features: Any,
        *,
        rngs: nnx.Rngs,
        param_dtype: Any = jnp.float32,
        partitioning: Any = None,
    ):
        check_layer("rx.nnx.Cell", cell)
        as_dtype("rx.nnx.Cell", "param_dtype", param_dtype)
        if not isinstance(rngs, nnx.Rngs):
            raise TypeError(
                f"rx.nnx.Cell: rngs must be nnx.Rngs, as in nnx.Rngs(0); got {describe(rngs)}."
            )
        self.spec = cell
        self.in_features = in_features
        self.param_dtype = param_dtype
        params = cast_floating(cell.init(rngs.params(), in_features), param_dtype)
        tree = flax_common.to_tree(params)
        flax_common.check_partitioning(WHO, tree, partitioning)
        self.names = tuple(tree)
        for name, part in flax_common.annotated(tree, partitioning, _partitioned).items():
            if hasattr(self, name):
                raise ValueError(
                    f"rx.nnx.Cell: {name_of(cell)} has a parameter {name!r}, which is "
                    "taken by the module; rename it."
                )
            setattr(self, name, _as_module(part))

    def params(self) -> Any:
        """The parameters as ``cell.step`` takes them."""
        tree = {name: _as_arrays(getattr(self, name)) for name in self.names}
        return flax_common.from_tree(self.spec.params_like(self.in_features), tree)

    def __call__(self, carry: Any, inputs: Any) -> tuple[Any, Any]:
        """One step, ``(carry, x) -> (carry, y)``."""
        flax_common.check_alone("rx.nnx.Cell", self.spec)
        return self.spec.step(self.params(), carry, inputs)  # type: ignore[attr-defined]

    def initialize_carry(
        self, input_shape: tuple[int, ...], rngs: Any = None, carry_init: Any = None
    ) -> Any:
        """The cell's initial carry, in ``param_dtype``; ``rngs`` is not used."""
        del rngs
        flax_common.check_alone("rx.nnx.Cell", self.spec)
        if carry_init is not None:
            raise ValueError(
                "rx.nnx.Cell: carry_init must be None; a recurrax cell defines its initial carry. "
                "Pass another one as initial_carry."
            )
        return cast_floating(self.spec.initial_carry(input_shape[:-1]), self.param_dtype)

    @property
    def num_feature_axes(self) -> int:
        return self.spec.num_feature_axes


class RNN(nnx.Module):
    """Runs a cell over time: ``flax.nnx.RNN`` with recurrax underneath.

    Arguments and results are those of ``flax.nnx.RNN``; the loop is :func:`recurrax.scan`. The
    parameters have the same paths, and there is no random state beside them, so the state goes
    into any checkpoint.

    Args:
      cell: a recurrax cell (also a :class:`recurrax.Stack` or :class:`recurrax.Bidirectional`),
        or any ``nnx.RNNCellBase`` such as ``nnx.LSTMCell``.
      in_features: size of the last axis of the inputs; needed by a recurrax cell, and only by it.
      rngs: where the key for the parameters comes from; needed by a recurrax cell. A Flax cell has
        its parameters already: what is given with one is not used, and never kept.
      time_major: whether inputs are ``(time, *batch, features)``.
      return_carry: whether a call returns ``(carry, outputs)`` instead of ``outputs``.
      reverse: run from the last step to the first. As in Flax, outputs then come in the order of
        processing, unless ``keep_order``.
      keep_order: with ``reverse``, return the outputs in the order of the inputs.
      pad: the output at padding, ``"zero"`` or ``"hold"``; see :func:`recurrax.unroll`.
      deterministic: whether dropout and its like are off; ``train()`` and ``eval()`` set it.
        Without, the key comes from the stream ``dropout`` of the ``rngs`` of the call.
      method, chunk, residuals: how to evaluate; see :func:`recurrax.scan`.
      partitioning: names of mesh axes for a recurrax cell's parameters; see :class:`Cell`.
      param_dtype, dtype, carry_dtype: of a recurrax cell's parameters, computation and carry; see
        :func:`recurrax.unroll`. A Flax cell has its own.

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
        pad: str = "zero",
        deterministic: bool | None = None,
        method: str = "auto",
        chunk: int | None = None,
        residuals: str = "auto",
        partitioning: Any = None,
        param_dtype: Any = jnp.float32,
        dtype: Any = None,
        carry_dtype: Any = None,
    ):
        if isinstance(cell, Layer):
            if in_features is None or not isinstance(rngs, nnx.Rngs):
                raise TypeError(
                    f"{WHO}: a recurrax cell needs in_features and rngs, as in "
                    f"rx.nnx.RNN(cell, 3, rngs=nnx.Rngs(0)); got in_features={in_features!r}, "
                    f"rngs={describe(rngs)}."
                )
            as_dtype(WHO, "param_dtype", param_dtype)
            cell = Cell(
                cell, in_features, rngs=rngs, param_dtype=param_dtype, partitioning=partitioning
            )
        elif not isinstance(cell, nnx.RNNCellBase):
            raise TypeError(
                f"{WHO}: cell must be a recurrax cell or a flax.nnx.RNNCellBase; "
                f"got {describe(cell)}.{instead(cell, Layer | nnx.RNNCellBase)}"
            )
        elif in_features is not None:
            raise TypeError(f"{WHO}: in_features is fixed by the Flax cell already; leave it out.")
        else:
            flax_common.check_flax_cell(
                WHO,
                dtype=dtype,
                carry_dtype=carry_dtype,
                param_dtype=param_dtype,
                partitioning=partitioning,
            )
        self.cell = cell
        self.time_major = time_major
        self.return_carry = return_carry
        self.reverse = reverse
        self.keep_order = keep_order
        self.pad = pad
        self.deterministic = deterministic
        self.method = method
        self.chunk = chunk
        self.residuals = residuals
        self.dtype = dtype
        self.carry_dtype = carry_dtype

    def __call__(
        self,
        inputs: Any,
        *,
        initial_carry: Any = None,
        seq_lengths: Any = None,
        mask: Any = None,
        resets: Any = None,
        reset_carry: Any = None,
        deterministic: bool | None = None,
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
          initial_carry: the carry to start from; by default the cell's own.
          seq_lengths: ``lengths`` of :func:`recurrax.unroll`, integer, ``(*batch,)``.
          mask, resets, reset_carry: see :func:`recurrax.unroll`.
          deterministic, return_carry, time_major, reverse, keep_order: override the attributes.
          rngs: its stream ``dropout`` draws the random numbers of training; for a Flax cell with a
            random carry, the keys of that (``nnx.Rngs(0)`` by default).

        Returns:
          ``outputs``, or ``(carry, outputs)`` with ``return_carry``.
        """
        spec = self.cell.spec if isinstance(self.cell, Cell) else None
        call = flax_common.prepare(
            WHO,
            self,
            spec,
            inputs,
            RunInputs(seq_lengths, mask, resets, reset_carry),
            return_carry=return_carry,
            time_major=time_major,
            reverse=reverse,
            keep_order=keep_order,
        )
        if spec is not None:
            training = self.deterministic if deterministic is None else deterministic
            key = flax_common.training_key(WHO, spec, training, lambda: _dropout_key(rngs))
            held: Any = self.cell
            params = held.params()
            carry, outputs = flax_common.run(WHO, spec, params, initial_carry, call, key)
        else:
            flax_common.check_flax_call(WHO, deterministic)
            carry, outputs = self._flax_cell(initial_carry, rngs, call)
        return (carry, outputs) if call.return_carry else outputs

    def _flax_cell(self, carry: Any, rngs: Any, call: flax_common.Call) -> tuple[Any, Any]:
        if carry is None:
            rngs = nnx.Rngs(0) if rngs is None else rngs
            carry = self.cell.initialize_carry(call.input_shape, rngs)
            carry = flax_common.in_dtype_of(self.cell, carry)
        # A cell may hold more than parameters (statistics, dropout counts): that state is carried.
        graphdef, params, state = nnx.split(self.cell, nnx.Param, ...)

        def step(carry_and_state: Any, x: Any) -> Any:
            carry, state = carry_and_state
            cell = nnx.merge(graphdef, params, state)
            carry, y = cell(carry, x)
            return (carry, nnx.state(cell, nnx.Not(nnx.Param))), y

        (carry, state), outputs = flax_common.run_flax(WHO, step, carry, call, state)
        if jax.tree.leaves(state):
            nnx.update(self.cell, state)
        return carry, outputs


def _dropout_key(rngs: Any) -> Any:
    if not isinstance(rngs, nnx.Rngs) or not ("dropout" in rngs or "default" in rngs):
        got = "no stream 'dropout'" if isinstance(rngs, nnx.Rngs) else describe(rngs)
        raise ValueError(
            f"{WHO}: deterministic=False needs rngs in the call, as in "
            f"layer(xs, rngs=nnx.Rngs(dropout=0)); got {got}."
        )
    return rngs.dropout()


def _partitioned(array: Any, names: tuple[Any, ...]) -> Any:
    return nnx.with_partitioning(lambda: array, names)()


def _as_module(part: Any) -> Any:
    if isinstance(part, Mapping):
        return nnx.Dict({name: _as_module(value) for name, value in part.items()})
    return nnx.Param(part)


def _as_arrays(part: Any) -> Any:
    if isinstance(part, nnx.Dict):
        return {name: _as_arrays(value) for name, value in part.items()}
    return part[...]
