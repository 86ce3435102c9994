"""Flax nnx modules over recurrax cells, and over Flax's own nnx cells unchanged."""

from recurrax.explain.layers import register
from recurrax.interop import flax_serialization as _serialization  # noqa: F401
from recurrax.nnx.cell import Cell as Cell
from recurrax.nnx.rnn import RNN as RNN

register(RNN, lambda layer, *args, **kwargs: layer(*args, **kwargs))
