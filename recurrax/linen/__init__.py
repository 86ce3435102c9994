"""Flax linen modules over recurrax cells, and over Flax's own cells unchanged."""

from recurrax.explain.layers import register
from recurrax.interop import flax_serialization as _serialization  # noqa: F401
from recurrax.linen.cell import Cell as Cell
from recurrax.linen.rnn import RNN as RNN

register(RNN, lambda layer, variables, *args, **kwargs: layer.apply(variables, *args, **kwargs))
