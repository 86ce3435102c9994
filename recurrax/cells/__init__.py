"""The cells. Each is one short file: its equations, its carry, its step."""

import importlib
from typing import Any

from recurrax.cell.cell import (
    Cell as Cell,
)
from recurrax.cell.operators import (
    BlockDiagonal as BlockDiagonal,
    Diagonal as Diagonal,
    Full as Full,
    LowRank as LowRank,
    Masked as Masked,
    Operator as Operator,
)
from recurrax.cell.params import (
    GateParams as GateParams,
    Gates as Gates,
    init_gates as init_gates,
    params_from_dict as params_from_dict,
    params_to_dict as params_to_dict,
)
from recurrax.cells.antisymmetric import (
    AntisymmetricRNN as AntisymmetricRNN,
    AntisymmetricRNNCarry as AntisymmetricRNNCarry,
)
from recurrax.cells.atr import (
    ATR as ATR,
    ATRCarry as ATRCarry,
    ATRParams as ATRParams,
)
from recurrax.cells.brc import (
    BRC as BRC,
    BRCCarry as BRCCarry,
)
from recurrax.cells.cfn import (
    CFN as CFN,
    CFNCarry as CFNCarry,
)
from recurrax.cells.clockwork import (
    ClockworkRNN as ClockworkRNN,
    ClockworkRNNCarry as ClockworkRNNCarry,
)
from recurrax.cells.co_rnn import (
    CoRNN as CoRNN,
    CoRNNCarry as CoRNNCarry,
)
from recurrax.cells.concatenated import (
    from_concatenated as from_concatenated,
    to_concatenated as to_concatenated,
)
from recurrax.cells.convolutional import (
    ConvGRU as ConvGRU,
    ConvGRUCarry as ConvGRUCarry,
    ConvLSTM as ConvLSTM,
    ConvLSTMCarry as ConvLSTMCarry,
)
from recurrax.cells.elman import (
    Elman as Elman,
    ElmanCarry as ElmanCarry,
    ElmanParams as ElmanParams,
)
from recurrax.cells.exp_rnn import (
    ExpRNN as ExpRNN,
    ExpRNNCarry as ExpRNNCarry,
    ExpRNNParams as ExpRNNParams,
)
from recurrax.cells.fast_grnn import (
    FastGRNN as FastGRNN,
    FastGRNNCarry as FastGRNNCarry,
    FastGRNNParams as FastGRNNParams,
)
from recurrax.cells.fast_rnn import (
    FastRNN as FastRNN,
    FastRNNCarry as FastRNNCarry,
    FastRNNParams as FastRNNParams,
)
from recurrax.cells.fgr_lstm import (
    FGRLSTM as FGRLSTM,
    FGRLSTMCarry as FGRLSTMCarry,
    FGRLSTMParams as FGRLSTMParams,
)
from recurrax.cells.gru import (
    GRU as GRU,
    GRUCarry as GRUCarry,
)
from recurrax.cells.ind_rnn import (
    IndRNN as IndRNN,
    IndRNNCarry as IndRNNCarry,
    IndRNNParams as IndRNNParams,
)
from recurrax.cells.intersection import (
    IntersectionRNN as IntersectionRNN,
    IntersectionRNNCarry as IntersectionRNNCarry,
)
from recurrax.cells.janet import (
    JANET as JANET,
    JANETCarry as JANETCarry,
)
from recurrax.cells.jordan import (
    Jordan as Jordan,
    JordanCarry as JordanCarry,
    JordanParams as JordanParams,
)
from recurrax.cells.krause import (
    KrauseLSTM as KrauseLSTM,
    KrauseLSTMCarry as KrauseLSTMCarry,
)
from recurrax.cells.layer_norm_gru import (
    LayerNormGRU as LayerNormGRU,
    LayerNormGRUCarry as LayerNormGRUCarry,
    LayerNormGRUParams as LayerNormGRUParams,
)
from recurrax.cells.layer_norm_lstm import (
    LayerNormLSTM as LayerNormLSTM,
    LayerNormLSTMCarry as LayerNormLSTMCarry,
    LayerNormLSTMParams as LayerNormLSTMParams,
)
from recurrax.cells.lem import (
    LEM as LEM,
    LEMCarry as LEMCarry,
)
from recurrax.cells.li_gru import (
    LiGRU as LiGRU,
    LiGRUCarry as LiGRUCarry,
)
from recurrax.cells.light_ru import (
    LightRU as LightRU,
    LightRUCarry as LightRUCarry,
)
from recurrax.cells.lmu import (
    LMU as LMU,
    LMUCarry as LMUCarry,
    LMUParams as LMUParams,
)
from recurrax.cells.lru import (
    LRU as LRU,
    LRUCarry as LRUCarry,
    LRUParams as LRUParams,
)
from recurrax.cells.lstm import (
    LSTM as LSTM,
    LSTMCarry as LSTMCarry,
    LSTMParams as LSTMParams,
)
from recurrax.cells.mgu import (
    MGU as MGU,
    MGUCarry as MGUCarry,
)
from recurrax.cells.min_gru import (
    MinGRU as MinGRU,
    MinGRUCarry as MinGRUCarry,
    MinGRUParams as MinGRUParams,
)
from recurrax.cells.min_lstm import (
    MinLSTM as MinLSTM,
    MinLSTMCarry as MinLSTMCarry,
    MinLSTMParams as MinLSTMParams,
)
from recurrax.cells.minimal_rnn import (
    MinimalRNN as MinimalRNN,
    MinimalRNNCarry as MinimalRNNCarry,
)
from recurrax.cells.multiplicative_integration import (
    MIGRU as MIGRU,
    MILSTM as MILSTM,
    MIRNN as MIRNN,
    MIGRUCarry as MIGRUCarry,
    MILSTMCarry as MILSTMCarry,
    MIParams as MIParams,
    MIRNNCarry as MIRNNCarry,
)
from recurrax.cells.multiplicative_lstm import (
    MultiplicativeLSTM as MultiplicativeLSTM,
    MultiplicativeLSTMCarry as MultiplicativeLSTMCarry,
)
from recurrax.cells.mut import (
    MUT as MUT,
    MUTCarry as MUTCarry,
)
from recurrax.cells.nas import (
    NAS as NAS,
    NASCarry as NASCarry,
)
from recurrax.cells.phased_lstm import (
    PhasedLSTM as PhasedLSTM,
    PhasedLSTMCarry as PhasedLSTMCarry,
    PhasedLSTMParams as PhasedLSTMParams,
)
from recurrax.cells.qrnn import (
    QRNN as QRNN,
    QRNNCarry as QRNNCarry,
    QRNNParams as QRNNParams,
)
from recurrax.cells.ran import (
    RAN as RAN,
    RANCarry as RANCarry,
)
from recurrax.cells.rg_lru import (
    RGLRU as RGLRU,
    RGLRUCarry as RGLRUCarry,
    RGLRUParams as RGLRUParams,
)
from recurrax.cells.rhn import (
    RHN as RHN,
    RHNCarry as RHNCarry,
    RHNParams as RHNParams,
)
from recurrax.cells.scrn import (
    SCRN as SCRN,
    SCRNCarry as SCRNCarry,
    SCRNParams as SCRNParams,
)
from recurrax.cells.slstm import (
    SLSTM as SLSTM,
    SLSTMCarry as SLSTMCarry,
)
from recurrax.cells.squashed_gru import (
    SquashedGRU as SquashedGRU,
    SquashedGRUCarry as SquashedGRUCarry,
)
from recurrax.cells.sru import (
    SRU as SRU,
    SRUCarry as SRUCarry,
    SRUParams as SRUParams,
)
from recurrax.cells.star import (
    STAR as STAR,
    STARCarry as STARCarry,
)
from recurrax.cells.ugrnn import (
    UGRNN as UGRNN,
    UGRNNCarry as UGRNNCarry,
)
from recurrax.cells.unicornn import (
    UnICORNN as UnICORNN,
    UnICORNNCarry as UnICORNNCarry,
    UnICORNNParams as UnICORNNParams,
)


def __getattr__(name: str) -> Any:
    """``table`` asks the compiler about every cell, and is loaded when it is first used."""
    if name == "table":
        return importlib.import_module("recurrax.gallery").table
    raise AttributeError(f"module 'recurrax.cells' has no attribute {name!r}")
