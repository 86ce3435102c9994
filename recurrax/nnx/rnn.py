"""``flax.nnx.RNN`` with recurrax underneath."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from recurrax.cell.cell import Layer
from recurrax.cell.checks import as_dtype
from recurrax.cell.options import instead
from recurrax.cell.params import describe
from recurrax.flax_common.call import Call, prepare_call, run_recurrax_cell, training_key
from recurrax.flax_common.checks import (
    check_call_of_flax_cell,
    check_options_of_flax_cell,
    check_unroll,
)
from recurrax.flax_common.flax_cells import in_dtype_of, run_flax_cell
from recurrax.nnx.cell import Cell
from recurrax.nnx.state import check_state_arguments, split_state
from recurrax.sequence.engine import State
from recurrax.sequence.options import RunInputs

CALLER = "rx.nnx.RNN"


class RNN(nnx.Module):
    """Runs a cell over time: ``flax.nnx.RNN`` with recurrax underneath.

    Arguments and results are those of ``flax.nnx.RNN``; the loop is :func:`recurrax.scan`. The
    parameters have the same paths, and there is no random state beside them, so any checkpoint can
    hold the state.

    Args:
      cell: a recurrax cell (also a :class:`recurrax.Stack` or :class:`recurrax.Bidirectional`),
        or any ``nnx.RNNCellBase`` such as ``nnx.LSTMCell``.
      in_features: size of the last axis of the inputs; needed by a recurrax cell, and only by it.
      rngs: draws the parameters of a recurrax cell, which requires it. A Flax cell has its
        parameters already: with one, ``rngs`` is accepted, but neither used nor stored.
      time_major: whether inputs are ``(time, *batch, features)``.
      return_carry: whether a call returns ``(carry, outputs)`` instead of ``outputs``.
      reverse: run from the last step to the first. As in Flax, outputs then come in the order of
        processing, unless ``keep_order``.
      keep_order: with ``reverse``, return the outputs in the order of the inputs.
      unroll: how many steps one iteration of the loop runs, as in Flax. It changes no result.
      state_axes: for a Flax cell, which state goes from step to step (``nnx.Carry``, as all state
        does by default) and which is the same at every step (``None``).
      broadcast_rngs: a filter for the random streams of a Flax cell that give the same numbers at
        every step of a call. A recurrax cell has options of its own for that.
      pad: the output at padding, ``"zero"`` or ``"hold"``; see :func:`recurrax.unroll`.
      deterministic: whether a stochastic cell runs in evaluation; ``train()`` and ``eval()`` set
        it. In training the key comes from the stream ``dropout`` of the ``rngs`` of the call.
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
        unroll: int = 1,
        state_axes: Any = None,
        broadcast_rngs: Any = None,
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
        check_unroll(CALLER, unroll)
        spec = cell.spec if isinstance(cell, Cell) else cell
        check_state_arguments(CALLER, spec, state_axes, broadcast_rngs)
        if isinstance(cell, Layer):
            cell = make_cell(cell, in_features, rngs, param_dtype, partitioning)
        else:
            check_flax_cell(cell, in_features)
            check_options_of_flax_cell(
                CALLER,
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
        self.unroll = unroll
        self.state_axes = None if state_axes is None else nnx.StateAxes(state_axes)
        self.broadcast_rngs = broadcast_rngs
        self.pad = pad
        self.deterministic = deterministic
        self.method, self.chunk, self.residuals = method, chunk, residuals
        self.dtype, self.carry_dtype = dtype, carry_dtype

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
          rngs: its stream ``dropout``, or the stream that is given, draws the random numbers of
            training; for a Flax cell with a random carry, the keys of that (``nnx.Rngs(0)`` by
            default).

        Returns:
          ``outputs``, or ``(carry, outputs)`` with ``return_carry``.
        """
        cell = self.cell.spec if isinstance(self.cell, Cell) else self.cell
        call = prepare_call(
            CALLER,
            self,
            cell,
            inputs,
            RunInputs(seq_lengths, mask, resets, reset_carry),
            return_carry=return_carry,
            time_major=time_major,
            reverse=reverse,
            keep_order=keep_order,
        )
        if isinstance(cell, Layer):
            training = self.deterministic if deterministic is None else deterministic
            key = training_key(CALLER, cell, training, lambda: _dropout_key(rngs))
            held: Any = self.cell
            carry, outputs = run_recurrax_cell(call, cell, held.params(), initial_carry, key)
        else:
            check_call_of_flax_cell(CALLER, deterministic)
            carry, outputs = self._flax_cell(initial_carry, rngs, call)
        return (carry, outputs) if call.return_carry else outputs

    def _flax_cell(self, carry: Any, rngs: Any, call: Call) -> tuple[Any, Any]:
        if carry is None:
            rngs = nnx.Rngs(0) if rngs is None else rngs
            carry = self.cell.initialize_carry(call.input_shape, rngs)
            carry = in_dtype_of(self.cell, carry)
        # A cell may hold more than parameters (statistics, dropout counts): that state is carried.
        arguments = self.state_axes, self.broadcast_rngs
        only = nnx.All(nnx.RngState, self.broadcast_rngs)
        # As in Flax, broadcast streams give another key to every call.
        with nnx.split_rngs(self.cell, splits=1, only=only, squeeze=True):  # type: ignore
            split = split_state(self.cell, *arguments)

            def step(state: State, x: Any, _: Any) -> tuple[State, Any]:
                constant = jax.tree.map(lambda a: a, split.constant)  # new: a cell may count
                cell = nnx.merge(split.graphdef, split.params, *constant, *state.collections)
                carry, y = cell(state.carry, x)
                return State(carry, split_state(cell, *arguments).carried), y

            state, outputs = run_flax_cell(call, step, carry, split.carried)
            if jax.tree.leaves(state.collections):
                nnx.update(self.cell, *state.collections)
        return state.carry, outputs


def make_cell(
    cell: Layer, in_features: Any, rngs: Any, param_dtype: Any, partitioning: Any
) -> Cell:
    """A recurrax cell as an nnx cell, with parameters of its own."""
    if in_features is None or not isinstance(rngs, nnx.Rngs):
        raise TypeError(
            f"{CALLER}: a recurrax cell needs in_features and rngs, as in "
            f"rx.nnx.RNN(cell, 3, rngs=nnx.Rngs(0)); got in_features={in_features!r}, "
            f"rngs={describe(rngs)}."
        )
    as_dtype(CALLER, "param_dtype", param_dtype)
    return Cell(cell, in_features, rngs=rngs, param_dtype=param_dtype, partitioning=partitioning)


def check_flax_cell(cell: Any, in_features: Any) -> None:
    """A cell that is not one of recurrax must be one of Flax's, which has its parameters."""
    if not isinstance(cell, nnx.RNNCellBase):
        raise TypeError(
            f"{CALLER}: cell must be a recurrax cell or a flax.nnx.RNNCellBase; "
            f"got {describe(cell)}.{instead(cell, Layer | nnx.RNNCellBase)}"
        )
    if in_features is not None:
        raise TypeError(f"{CALLER}: in_features is fixed by the Flax cell already; leave it out.")


def _dropout_key(rngs: Any) -> Any:
    if isinstance(rngs, nnx.RngStream):
        return rngs()
    if not isinstance(rngs, nnx.Rngs) or not ("dropout" in rngs or "default" in rngs):
        got = "no stream 'dropout'" if isinstance(rngs, nnx.Rngs) else describe(rngs)
        raise ValueError(
            f"{CALLER}: deterministic=False needs rngs in the call, as in "
            f"layer(xs, rngs=nnx.Rngs(dropout=0)); got {got}."
        )
    return rngs.dropout()
