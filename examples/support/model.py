"""A stack of recurrent layers and a dense output, as two pure functions."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

import recurrax as rx


class StackParams(NamedTuple):
    cells: tuple[Any, ...]
    kernel: Array
    bias: Array


@dataclass(frozen=True)
class Stack:
    """Layers from the first to the last; the output sees what the last layer puts out.

    Attributes:
      cells: the layers.
      out_features: size of an output.
      every_step: whether there is an output at every step, or after the last one only.
    """

    cells: tuple[rx.Cell, ...]
    out_features: int
    every_step: bool = False

    def init(self, key: Array, in_features: int) -> StackParams:
        *cell_keys, output_key = jax.random.split(key, len(self.cells) + 1)
        params = []
        for cell, cell_key in zip(self.cells, cell_keys, strict=True):
            params.append(cell.init(cell_key, in_features))
            in_features = cell.out_features
        draw = jax.nn.initializers.lecun_normal()
        kernel = draw(output_key, (in_features, self.out_features))
        return StackParams(tuple(params), kernel, jnp.zeros(self.out_features))

    def apply(self, params: StackParams, xs: Array) -> Array:
        """``xs`` (batch, time, in_features) to outputs (batch, out_features).

        With ``every_step``, (batch, time, out_features).
        """
        for cell, cell_params in zip(self.cells, params.cells, strict=True):
            _, xs = rx.unroll(cell, cell_params, xs)
        hs = xs if self.every_step else xs[:, -1]
        return hs @ params.kernel + params.bias


def number_of_parameters(params: Any) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(params))
