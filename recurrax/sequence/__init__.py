"""Everything that happens around a cell over time: one engine for every cell."""

from recurrax.sequence.pieces import Piece as Piece, pieces as pieces
from recurrax.sequence.stream import Stream as Stream
from recurrax.sequence.truncated import unroll_truncated as unroll_truncated
from recurrax.sequence.unroll import unroll as unroll
