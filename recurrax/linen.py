"""Flax linen modules over recurrax cells, and over Flax's own cells unchanged."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.errors import ScopeParamShapeError

from recurrax import flax_common
from recurrax.cell.cell import Layer
from recurrax.cell.checks import cast_floating
from recurrax.cell.options import instead
from recurrax.cell.params import describe
from recurrax.sequence.checks import as_dtype, check_layer
from recurrax.sequence.how import RunInputs

WHO = "rx.linen.RNN"


class Cell(nn.RNNCellBase):
    """A recurrax cell as a Flax cell: it works wherever Flax expects an ``nn.RNNCellBase``.

    Its parameters are named as the cell names them: ``{"W": {"i": ...}, "U": ..., "b": ...}``.

    Attributes:
      cell: any :class:`recurrax.Cell`.
      param_dtype: dtype of the parameters.
      partitioning: names of mesh axes by group of parameters, ``{"U": (None, "model")}``; the
        arrays of a group are boxed as by ``nn.with_partitioning``.

    Example:
      >>> import flax.linen as nn, jax, jax.numpy as jnp
      >>> import recurrax as rx
      >>> layer = nn.RNN(rx.linen.Cell(rx.LSTM(8)))
      >>> variables = layer.init(jax.random.key(0), jnp.ones((2, 5, 3)))
      >>> variables["params"]["cell"]["W"]["i"].shape
      (3, 8)
    """

    cell: Layer
    param_dtype: Any = jnp.float32
    partitioning: Any = None

    def __post_init__(self) -> None:
        check_layer("rx.linen.Cell", self.cell)
        as_dtype("rx.linen.Cell", "param_dtype", self.param_dtype)
        super().__post_init__()

    @nn.compact
    def params(self, in_features: Any) -> Any:
        """The parameters as ``cell.step`` takes them; drawn when the module is initialised."""
        like = self.cell.params_like(in_features)

        def draw(name: str) -> Any:
            def init(key: jax.Array) -> Any:
                params = cast_floating(self.cell.init(key, in_features), self.param_dtype)
                tree = flax_common.to_tree(params)
                return flax_common.annotated(tree, self.partitioning, nn.Partitioned)[name]

            return init

        flax_common.check_partitioning(WHO, flax_common.to_tree(like), self.partitioning)
        if self.is_mutable_collection("params"):
            tree = {name: self.param(name, draw(name)) for name in flax_common.to_tree(like)}
        else:  # given, and checked below: Flax's own check names no argument of the layer
            tree = nn.unbox(self.variables.get("params", {}))
        return flax_common.from_tree(like, tree, f"{WHO}: params.cell")

    def __call__(self, carry: Any, inputs: Any) -> tuple[Any, Any]:
        """One step, ``(carry, x) -> (carry, y)``."""
        flax_common.check_alone("rx.linen.Cell", self.cell)
        params = self.params(jax.tree.map(lambda a: a.shape[-1], inputs))
        return self.cell.step(params, carry, inputs)  # type: ignore[attr-defined]

    @nn.nowrap
    def initialize_carry(self, rng: Any, input_shape: tuple[int, ...]) -> Any:
        """The cell's initial carry, in ``param_dtype``; ``rng`` is not used."""
        del rng
        flax_common.check_alone("rx.linen.Cell", self.cell)
        return cast_floating(self.cell.initial_carry(input_shape[:-1]), self.param_dtype)

    @property
    def num_feature_axes(self) -> int:
        return self.cell.num_feature_axes


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
      pad: the output at padding, ``"zero"`` or ``"hold"``; see :func:`recurrax.unroll`.
      deterministic: whether dropout and its like are off. Without, the key comes from Flax's
        stream ``dropout``.
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
        if isinstance(self.cell, Layer):
            as_dtype(WHO, "param_dtype", self.param_dtype)
            # Without parent=None a surrounding compact module would own the cell, not this one.
            self.cell = Cell(self.cell, self.param_dtype, self.partitioning, parent=None)
        elif not isinstance(self.cell, nn.RNNCellBase):
            raise TypeError(
                f"{WHO}: cell must be a recurrax cell or a flax.linen.RNNCellBase; "
                f"got {describe(self.cell)}.{instead(self.cell, Layer | nn.RNNCellBase)}"
            )
        elif not isinstance(self.cell, Cell):
            flax_common.check_flax_cell(
                WHO,
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
        spec = self.cell.cell if isinstance(self.cell, Cell) else None
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
            params = self.cell.params(call.in_features)
            training = self.deterministic if deterministic is None else deterministic
            key = flax_common.training_key(WHO, spec, training, self._dropout_key)
            carry, outputs = flax_common.run(WHO, spec, params, initial_carry, call, key)
        else:
            flax_common.check_flax_call(WHO, deterministic)
            carry, outputs = self._flax_cell(initial_carry, init_key, call)
        return (carry, outputs) if call.return_carry else outputs

    def _dropout_key(self) -> Any:
        if not (self.has_rng("dropout") or self.has_rng("params")):
            raise ValueError(
                f"{WHO}: deterministic=False needs a random key in the call, as in "
                "layer.apply(variables, xs, rngs={'dropout': key})."
            )
        return self.make_rng("dropout")

    def _flax_cell(self, carry: Any, init_key: Any, call: flax_common.Call) -> tuple[Any, Any]:
        if carry is None:
            key = jax.random.key(0) if init_key is None else init_key
            carry = self.cell.initialize_carry(key, call.input_shape)
            carry = flax_common.in_dtype_of(self.cell, carry)
        if self.is_initializing():
            self.cell(carry, jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), call.x0))
        cell, variables = self.cell.unbind()

        def step(carry: Any, x: Any) -> Any:
            try:
                return cell.apply(variables, carry, x)
            except ScopeParamShapeError as error:
                raise ValueError(str(error)) from error

        return flax_common.run_flax(WHO, step, carry, call)
