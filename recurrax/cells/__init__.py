"""The cells. Each is one short file: its equations, its carry, its step.

``python -m tools.gallery`` writes this list from the files.
"""

from recurrax.cells.antisymmetric import AntisymmetricRNN as AntisymmetricRNN
from recurrax.cells.atr import ATR as ATR
from recurrax.cells.brc import BRC as BRC
from recurrax.cells.cfn import CFN as CFN
from recurrax.cells.clockwork import ClockworkRNN as ClockworkRNN
from recurrax.cells.co_rnn import CoRNN as CoRNN
from recurrax.cells.conv_gru import ConvGRU as ConvGRU
from recurrax.cells.conv_lstm import ConvLSTM as ConvLSTM
from recurrax.cells.elman import Elman as Elman
from recurrax.cells.exp_rnn import ExpRNN as ExpRNN
from recurrax.cells.fast_grnn import FastGRNN as FastGRNN
from recurrax.cells.fast_rnn import FastRNN as FastRNN
from recurrax.cells.fgr_lstm import FGRLSTM as FGRLSTM
from recurrax.cells.gru import GRU as GRU
from recurrax.cells.ind_rnn import IndRNN as IndRNN
from recurrax.cells.intersection import IntersectionRNN as IntersectionRNN
from recurrax.cells.janet import JANET as JANET
from recurrax.cells.jordan import Jordan as Jordan
from recurrax.cells.krause import KrauseLSTM as KrauseLSTM
from recurrax.cells.layer_norm_gru import LayerNormGRU as LayerNormGRU
from recurrax.cells.layer_norm_lstm import LayerNormLSTM as LayerNormLSTM
from recurrax.cells.lem import LEM as LEM
from recurrax.cells.li_gru import LiGRU as LiGRU
from recurrax.cells.light_ru import LightRU as LightRU
from recurrax.cells.lmu import LMU as LMU
from recurrax.cells.lru import LRU as LRU
from recurrax.cells.lstm import LSTM as LSTM
from recurrax.cells.mgu import MGU as MGU
from recurrax.cells.min_gru import MinGRU as MinGRU
from recurrax.cells.min_lstm import MinLSTM as MinLSTM
from recurrax.cells.minimal_rnn import MinimalRNN as MinimalRNN
from recurrax.cells.multiplicative_integration import (
    MIGRU as MIGRU,
    MILSTM as MILSTM,
    MIRNN as MIRNN,
)
from recurrax.cells.multiplicative_lstm import MultiplicativeLSTM as MultiplicativeLSTM
from recurrax.cells.mut import MUT as MUT
from recurrax.cells.nas import NAS as NAS
from recurrax.cells.phased_lstm import PhasedLSTM as PhasedLSTM
from recurrax.cells.qrnn import QRNN as QRNN
from recurrax.cells.ran import RAN as RAN
from recurrax.cells.rg_lru import RGLRU as RGLRU
from recurrax.cells.rhn import RHN as RHN
from recurrax.cells.scrn import SCRN as SCRN
from recurrax.cells.slstm import SLSTM as SLSTM
from recurrax.cells.squashed_gru import SquashedGRU as SquashedGRU
from recurrax.cells.sru import SRU as SRU
from recurrax.cells.star import STAR as STAR
from recurrax.cells.ugrnn import UGRNN as UGRNN
from recurrax.cells.unicornn import UnICORNN as UnICORNN
