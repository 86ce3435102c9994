"""The recurrent operator, the option ``recurrent`` of a cell: the structure of its kernels ``U.k``.

An operator draws the kernels. A kernel supports ``h @ U.k`` as a matrix does, so that the equations
of a cell do not depend on the operator. The default is a dense matrix. With ``Diagonal`` an LSTM is
the IndyLSTM and a GRU the IndyGRU of Gonnet & Deselaers (2019, arXiv:1903.08023); with
``BlockDiagonal`` the units form groups that do not see each other (G-LSTM: Kuchaiev & Ginsburg
2017, arXiv:1703.10722); with ``LowRank`` a kernel is a product of two factors (FastGRNN: Kusupati
et al. 2018, arXiv:1901.02358); with ``Masked`` some blocks of a matrix are zero, as in a Clockwork
RNN (Koutnik et al. 2014, arXiv:1402.3511).
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
