"""``flax.linen.RNN`` with recurrax underneath."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.core import FrozenDict
from flax.errors import ScopeParamShapeError

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
from recurrax.linen.cell import Cell
from recurrax.linen.lifting import ScanArguments, check_scan_arguments, lifted, store
from recurrax.sequence.engine import State
from recurrax.sequence.options import RunInputs

CALLER = "rx.linen.RNN"


class RNN(nn.Module):
    """Runs a cell over time: ``flax.linen.RNN`` with recurrax underneath.

    Arguments, results and the parameter tree are those of ``flax.linen.RNN``, so a model written
    for it keeps its checkpoints when this import changes; the loop is :func:`recurrax.scan`.

    Attributes:
      cell: a recurrax cell (also a :class:`recurrax.Stack` or :class:`recurrax.Bidirectional`),
        or any ``nn.RNNCellBase`` such as ``nn.LSTMCell(64)``.
      time_major: whether inputs are ``(time, *batch, features)``.
      return_carry: whether a call returns ``(carry, outputs)`` instead of ``outputs``.
      reverse: run from the last step to the first. As in Flax, outputs then come in the order of
        processing, unless ``keep_order``.
      keep_order: with ``reverse``, return the outputs in the order of the inputs.
      unroll: how many steps one iteration of the loop runs, as in Flax. It changes no result.
      variable_axes: as for Flax, without axes: a collection has no entries for single steps.
      variable_broadcast: the collections that are the same at every step, ``"params"`` among them.
        Collections that no argument names are read in the same way.
      variable_carry: the collections of a Flax cell that go from step to step.
      split_rngs: for the random streams of a Flax cell, whether a key is new at every step (true)
        or the same for all. A recurrax cell has options of its own for that.
      pad: the output at padding, ``"zero"`` or ``"hold"``; see :func:`recurrax.unroll`.
      deterministic: whether a stochastic cell runs in evaluation. In training the key comes from
        Flax's stream ``dropout``.
      method, chunk, residuals: how to evaluate; see :func:`recurrax.scan`.
      partitioning: names of mesh axes for a recurrax cell's parameters; see :class:`Cell`.
      param_dtype, dtype, carry_dtype: of a recurrax cell's parameters, computation and carry; see
        :func:`recurrax.unroll`. A Flax cell has its own.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> import recurrax as rx
      >>> layer = rx.linen.RNN(rx.GRU(8))
      >>> xs = jnp.ones((2, 5, 3))
      >>> variables = layer.init(jax.random.key(0), xs)
      >>> layer.apply(variables, xs).shape
      (2, 5, 8)
    """

    cell: Any
    time_major: bool = False
    return_carry: bool = False
    reverse: bool = False
    keep_order: bool = False
    unroll: int = 1
    variable_axes: Any = FrozenDict()
    variable_broadcast: Any = "params"
    variable_carry: Any = False
    split_rngs: Any = FrozenDict({"params": False})
    pad: str = "zero"
    deterministic: bool | None = None
    method: str = "auto"
    chunk: int | None = None
    residuals: str = "auto"
    partitioning: Any = None
    param_dtype: Any = jnp.float32
    dtype: Any = None
    carry_dtype: Any = None

    def __post_init__(self) -> None:
        check_unroll(CALLER, self.unroll)
        spec = self.cell.cell if isinstance(self.cell, Cell) else self.cell
        check_scan_arguments(CALLER, spec, self._scan_arguments)
        if isinstance(self.cell, Layer):
            as_dtype(CALLER, "param_dtype", self.param_dtype)
            # Without parent=None a surrounding compact module would own the cell, not this one.
            self.cell = Cell(self.cell, self.param_dtype, self.partitioning, parent=None)
        elif not isinstance(self.cell, nn.RNNCellBase):
            raise TypeError(
                f"{CALLER}: cell must be a recurrax cell or a flax.linen.RNNCellBase; "
                f"got {describe(self.cell)}.{instead(self.cell, Layer | nn.RNNCellBase)}"
            )
        elif not isinstance(self.cell, Cell):
            check_options_of_flax_cell(
                CALLER,
                dtype=self.dtype,
                carry_dtype=self.carry_dtype,
                param_dtype=self.param_dtype,
                partitioning=self.partitioning,
            )
        super().__post_init__()

    def __call__(
        self,
        inputs: Any,
        *,
        initial_carry: Any = None,
        init_key: Any = None,
        seq_lengths: Any = None,
        mask: Any = None,
        resets: Any = None,
        reset_carry: Any = None,
        deterministic: bool | None = None,
        return_carry: bool | None = None,
        time_major: bool | None = None,
        reverse: bool | None = None,
        keep_order: bool | None = None,
    ) -> Any:
        """Applies the cell to every step of ``inputs``.

        Args:
          inputs: ``(*batch, time, *features)``, or ``(time, *batch, *features)`` if time-major; an
            array or a pytree of arrays.
          initial_carry: the carry to start from; by default the cell's own.
          init_key: random key for the ``initialize_carry`` of a Flax cell; most do not use it.
          seq_lengths: ``lengths`` of :func:`recurrax.unroll`, integer, ``(*batch,)``.
          mask, resets, reset_carry: see :func:`recurrax.unroll`.
          deterministic, return_carry, time_major, reverse, keep_order: override the attributes.

        Returns:
          ``outputs``, or ``(carry, outputs)`` with ``return_carry``.
        """
        cell = self.cell.cell if isinstance(self.cell, Cell) else self.cell
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
            params = self.cell.params(call.in_features)
            training = self.deterministic if deterministic is None else deterministic
            key = training_key(CALLER, cell, training, self._dropout_key)
            carry, outputs = run_recurrax_cell(call, cell, params, initial_carry, key)
        else:
            check_call_of_flax_cell(CALLER, deterministic)
            carry, outputs = self._flax_cell(initial_carry, init_key, call)
        return (carry, outputs) if call.return_carry else outputs

    def _dropout_key(self) -> Any:
        if not (self.has_rng("dropout") or self.has_rng("params")):
            raise ValueError(
                f"{CALLER}: deterministic=False needs a random key in the call, as in "
                "layer.apply(variables, xs, rngs={'dropout': key})."
            )
        return self.make_rng("dropout")

    def _flax_cell(self, carry: Any, init_key: Any, call: Call) -> tuple[Any, Any]:
        if carry is None:
            key = jax.random.key(0) if init_key is None else init_key
            carry = self.cell.initialize_carry(key, call.input_shape)
            carry = in_dtype_of(self.cell, carry)
        if self.is_initializing():
            self.cell(carry, jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), call.x))
        time = call.run.options.time
        steps = jax.tree.leaves(call.inputs)[0].shape[time]
        cell = lifted(self.cell, self._scan_arguments, time, steps)

        def step(state: State, x: Any, now: Any) -> tuple[State, Any]:
            try:
                collections, (carry, y) = cell.step(state.collections, now, state.carry, x)
            except ScopeParamShapeError as error:
                raise ValueError(str(error)) from error
            return State(carry, collections), y

        state, outputs = run_flax_cell(call, step, carry, cell.collections, cell.keys_of_steps)
        store(self.cell, state.collections)
        return state.carry, outputs

    @property
    def _scan_arguments(self) -> ScanArguments:
        return ScanArguments(
            self.variable_axes, self.variable_broadcast, self.variable_carry, self.split_rngs
        )
