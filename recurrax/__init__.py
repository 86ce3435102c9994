"""recurrax: write the step as the paper prints it; it runs as an expert would have rewritten it."""

import importlib
import importlib.metadata
from typing import Any

from recurrax import cells as cells, initializers as initializers
from recurrax.cells import (
    ATR as ATR,
    BRC as BRC,
    CFN as CFN,
    FGRLSTM as FGRLSTM,
    GRU as GRU,
    JANET as JANET,
    LEM as LEM,
    LMU as LMU,
    LRU as LRU,
    LSTM as LSTM,
    MGU as MGU,
    MIGRU as MIGRU,
    MILSTM as MILSTM,
    MIRNN as MIRNN,
    MUT as MUT,
    NAS as NAS,
    QRNN as QRNN,
    RAN as RAN,
    RGLRU as RGLRU,
    RHN as RHN,
    SCRN as SCRN,
    SLSTM as SLSTM,
    SRU as SRU,
    STAR as STAR,
    UGRNN as UGRNN,
    AntisymmetricRNN as AntisymmetricRNN,
    BlockDiagonal as BlockDiagonal,
    Cell as Cell,
    ClockworkRNN as ClockworkRNN,
    ConvGRU as ConvGRU,
    ConvLSTM as ConvLSTM,
    CoRNN as CoRNN,
    Diagonal as Diagonal,
    Elman as Elman,
    ExpRNN as ExpRNN,
    FastGRNN as FastGRNN,
    FastRNN as FastRNN,
    Full as Full,
    GateParams as GateParams,
    Gates as Gates,
    IndRNN as IndRNN,
    IntersectionRNN as IntersectionRNN,
    Jordan as Jordan,
    KrauseLSTM as KrauseLSTM,
    LayerNormGRU as LayerNormGRU,
    LayerNormLSTM as LayerNormLSTM,
    LightRU as LightRU,
    LiGRU as LiGRU,
    LowRank as LowRank,
    Masked as Masked,
    MinGRU as MinGRU,
    MinimalRNN as MinimalRNN,
    MinLSTM as MinLSTM,
    MultiplicativeLSTM as MultiplicativeLSTM,
    Operator as Operator,
    PhasedLSTM as PhasedLSTM,
    SquashedGRU as SquashedGRU,
    UnICORNN as UnICORNN,
    from_concatenated as from_concatenated,
    init_gates as init_gates,
    params_from_dict as params_from_dict,
    params_to_dict as params_to_dict,
    to_concatenated as to_concatenated,
)
from recurrax.compose import (
    Bidirectional as Bidirectional,
    Dense as Dense,
    DropConnect as DropConnect,
    Dropout as Dropout,
    LearnedCarry as LearnedCarry,
    RecurrentDropout as RecurrentDropout,
    Residual as Residual,
    Stack as Stack,
    VariationalDropout as VariationalDropout,
    WeightNorm as WeightNorm,
    Zoneout as Zoneout,
)
from recurrax.explain import explain as explain
from recurrax.scan import scan as scan
from recurrax.sequence import (
    Stream as Stream,
    bptt_batches as bptt_batches,
    unroll as unroll,
    unroll_carries as unroll_carries,
    unroll_truncated as unroll_truncated,
)

__version__ = importlib.metadata.version("recurrax")


def __getattr__(name: str) -> Any:
    """``rx.linen`` and ``rx.nnx`` import flax, so they are loaded when first used."""
    if name in ("linen", "nnx"):
        return importlib.import_module(f"recurrax.{name}")
    raise AttributeError(f"module 'recurrax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "linen", "nnx"])
