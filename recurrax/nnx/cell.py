"""A recurrax cell as an nnx cell."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from flax import nnx

from recurrax.cell.cell import Layer
from recurrax.cell.checks import as_dtype, cast_floating
from recurrax.cell.options import name_of
from recurrax.cell.params import describe
from recurrax.flax_common.checks import check_drivable
from recurrax.flax_common.trees import annotated, check_partitioning, from_tree, to_tree
from recurrax.sequence.checks.layers import check_layer

CALLER = "rx.nnx.Cell"
RNN = "rx.nnx.RNN"


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
        check_layer(CALLER, cell)
        as_dtype(CALLER, "param_dtype", param_dtype)
        if not isinstance(rngs, nnx.Rngs):
            raise TypeError(
                f"{CALLER}: rngs must be nnx.Rngs, as in nnx.Rngs(0); got {describe(rngs)}."
            )
        self.spec = cell
        self.in_features = in_features
        self.param_dtype = param_dtype
        params = cast_floating(cell.init(rngs.params(), in_features), param_dtype)
        tree = to_tree(params)
        check_partitioning(RNN, tree, partitioning)
        self.names = tuple(tree)
        for name, part in annotated(tree, partitioning, _partitioned).items():
            if hasattr(self, name):
                raise ValueError(
                    f"{CALLER}: {name_of(cell)} has a parameter {name!r}, which is "
                    "taken by the module; rename it."
                )
            setattr(self, name, _as_module(part))

    def params(self) -> Any:
        """The parameters as ``cell.step`` takes them."""
        tree = {name: _as_arrays(getattr(self, name)) for name in self.names}
        return from_tree(self.spec.params_like(self.in_features), tree)

    def __call__(self, carry: Any, inputs: Any) -> tuple[Any, Any]:
        """One step, ``(carry, x) -> (carry, y)``."""
        check_drivable(CALLER, self.spec)
        return self.spec.step(self.params(), carry, inputs)  # type: ignore[attr-defined]

    def initialize_carry(
        self, input_shape: tuple[int, ...], rngs: Any = None, carry_init: Any = None
    ) -> Any:
        """The cell's initial carry, in ``param_dtype``; ``rngs`` is not used."""
        del rngs
        check_drivable(CALLER, self.spec)
        if carry_init is not None:
            raise ValueError(
                f"{CALLER}: carry_init must be None; a recurrax cell defines its initial carry. "
                "Pass another one as initial_carry."
            )
        return cast_floating(self.spec.initial_carry(input_shape[:-1]), self.param_dtype)

    @property
    def num_feature_axes(self) -> int:
        return self.spec.num_feature_axes


def _partitioned(array: Any, names: tuple[Any, ...]) -> Any:
    return nnx.with_partitioning(lambda: array, names)()


def _as_module(part: Any) -> Any:
    if isinstance(part, Mapping):
        return nnx.Dict({name: _as_module(value) for name, value in part.items()})
    return None if part is None else nnx.Param(part)


def _as_arrays(part: Any) -> Any:
    if isinstance(part, nnx.Dict):
        return {name: _as_arrays(value) for name, value in part.items()}
    return None if part is None else part[...]
