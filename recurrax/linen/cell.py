"""A recurrax cell as a linen cell."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from recurrax.cell.cell import Layer
from recurrax.cell.checks import as_dtype, cast_floating, feature_sizes
from recurrax.flax_common.checks import check_drivable
from recurrax.flax_common.trees import annotated, check_partitioning, from_tree, to_tree
from recurrax.sequence.checks.layers import check_layer

CALLER = "rx.linen.Cell"
RNN = "rx.linen.RNN"


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
        check_layer(CALLER, self.cell)
        as_dtype(CALLER, "param_dtype", self.param_dtype)
        super().__post_init__()

    @nn.compact
    def params(self, in_features: Any) -> Any:
        """The parameters as ``cell.step`` takes them; drawn when the module is initialised."""
        like = self.cell.params_like(in_features)

        def draw(name: str) -> Any:
            def init(key: jax.Array) -> Any:
                params = cast_floating(self.cell.init(key, in_features), self.param_dtype)
                tree = to_tree(params)
                return annotated(tree, self.partitioning, nn.Partitioned)[name]

            return init

        check_partitioning(RNN, to_tree(like), self.partitioning)
        if self.is_mutable_collection("params"):
            tree = {name: self.param(name, draw(name)) for name in to_tree(like)}
        else:  # given, and checked below: Flax's own check names no argument of the layer
            tree = nn.unbox(self.variables.get("params", {}))
        return from_tree(like, tree, f"{RNN}: params.cell")

    def __call__(self, carry: Any, inputs: Any) -> tuple[Any, Any]:
        """One step, ``(carry, x) -> (carry, y)``."""
        check_drivable(CALLER, self.cell)
        params = self.params(feature_sizes(inputs, self.cell.num_feature_axes))
        return self.cell.step(params, carry, inputs)  # type: ignore[attr-defined]

    @nn.nowrap
    def initialize_carry(self, rng: Any, input_shape: tuple[int, ...]) -> Any:
        """The cell's initial carry, in ``param_dtype``; ``rng`` is not used."""
        del rng
        check_drivable(CALLER, self.cell)
        return cast_floating(self.cell.initial_carry(input_shape[:-1]), self.param_dtype)

    @property
    def num_feature_axes(self) -> int:
        return self.cell.num_feature_axes
