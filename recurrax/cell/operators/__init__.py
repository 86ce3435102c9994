"""The recurrent operator: which entries of h each entry of a gate sees.

    h @ U.k     a full matrix, unless a cell is told otherwise by ``recurrent=``

An operator says how the kernels ``U.k`` are made; a kernel multiplies from the right as a matrix
does, so equations stay as they are. With ``Diagonal`` an LSTM is the IndyLSTM and a GRU the IndyGRU
of Gonnet & Deselaers (2019, arXiv:1903.08023); with ``BlockDiagonal`` the units form groups that do
not see each other (G-LSTM: Kuchaiev & Ginsburg 2017, arXiv:1703.10722); with ``LowRank`` the
product has two thin factors (FastGRNN: Kusupati et al. 2018, arXiv:1901.02358); with ``Masked``
some blocks of the matrix are absent, as in a Clockwork RNN (Koutnik et al. 2014, arXiv:1402.3511).
"""

from recurrax.cell.operators.block_diagonal import (
    BlockDiagonal as BlockDiagonal,
    BlockDiagonalKernel as BlockDiagonalKernel,
)
from recurrax.cell.operators.diagonal import Diagonal as Diagonal, DiagonalKernel as DiagonalKernel
from recurrax.cell.operators.kernel import Kernel as Kernel, arrays_of as arrays_of
from recurrax.cell.operators.low_rank import LowRank as LowRank, LowRankKernel as LowRankKernel
from recurrax.cell.operators.masked import Masked as Masked, MaskedKernel as MaskedKernel
from recurrax.cell.operators.operator import (
    FULL as FULL,
    Full as Full,
    Operator as Operator,
    check_operator as check_operator,
)
