"""Flax linen modules over recurrax cells, and over Flax's own cells unchanged."""

from recurrax.linen.cell import Cell as Cell
from recurrax.linen.rnn import RNN as RNN
