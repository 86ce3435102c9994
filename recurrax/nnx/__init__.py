"""Flax nnx modules over recurrax cells, and over Flax's own nnx cells unchanged."""

from recurrax.nnx.cell import Cell as Cell
from recurrax.nnx.rnn import RNN as RNN
