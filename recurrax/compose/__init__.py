"""Layers made of layers: stacks, directions, skips, dropout and other wrappers."""

from recurrax.compose.bidirectional import Bidirectional as Bidirectional
from recurrax.compose.dense import Dense as Dense
from recurrax.compose.drop_connect import DropConnect as DropConnect
from recurrax.compose.dropout import Dropout as Dropout
from recurrax.compose.learned_carry import LearnedCarry as LearnedCarry
from recurrax.compose.recurrent_dropout import RecurrentDropout as RecurrentDropout
from recurrax.compose.residual import Residual as Residual
from recurrax.compose.stack import Stack as Stack
from recurrax.compose.variational_dropout import VariationalDropout as VariationalDropout
from recurrax.compose.weight_norm import WeightNorm as WeightNorm
from recurrax.compose.zoneout import Zoneout as Zoneout
