"""Cells made of cells: stacks, directions, skips, dropout and other wrappers."""

from recurrax.compose.bidirectional import (
    Bidirectional as Bidirectional,
    BidirectionalCarry as BidirectionalCarry,
    BidirectionalParams as BidirectionalParams,
)
from recurrax.compose.dense import Dense as Dense, DenseParams as DenseParams
from recurrax.compose.dropout import (
    DropConnect as DropConnect,
    Dropout as Dropout,
    RecurrentDropout as RecurrentDropout,
    VariationalDropout as VariationalDropout,
)
from recurrax.compose.learned_carry import (
    LearnedCarry as LearnedCarry,
    LearnedCarryParams as LearnedCarryParams,
)
from recurrax.compose.residual import Residual as Residual
from recurrax.compose.stack import Stack as Stack
from recurrax.compose.weight_norm import (
    WeightNorm as WeightNorm,
    WeightNormParams as WeightNormParams,
)
from recurrax.compose.zoneout import Zoneout as Zoneout
