"""recurrax: write the step as the paper prints it; it runs as an expert would have rewritten it."""

import importlib.metadata as _metadata
import sys as _sys
import types as _types
from importlib import import_module as _import_module

from recurrax import cells as cells, gallery as gallery, initializers as initializers
from recurrax.cell.cell import Cell as Cell
from recurrax.cell.layer import Layer as Layer
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
    ClockworkRNN as ClockworkRNN,
    ConvGRU as ConvGRU,
    ConvLSTM as ConvLSTM,
    CoRNN as CoRNN,
    Elman as Elman,
    ExpRNN as ExpRNN,
    FastGRNN as FastGRNN,
    FastRNN as FastRNN,
    IndRNN as IndRNN,
    IntersectionRNN as IntersectionRNN,
    Jordan as Jordan,
    KrauseLSTM as KrauseLSTM,
    LayerNormGRU as LayerNormGRU,
    LayerNormLSTM as LayerNormLSTM,
    LightRU as LightRU,
    LiGRU as LiGRU,
    MinGRU as MinGRU,
    MinimalRNN as MinimalRNN,
    MinLSTM as MinLSTM,
    MultiplicativeLSTM as MultiplicativeLSTM,
    PhasedLSTM as PhasedLSTM,
    SquashedGRU as SquashedGRU,
    UnICORNN as UnICORNN,
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
from recurrax.interop import (
    from_concatenated as from_concatenated,
    to_concatenated as to_concatenated,
)
from recurrax.scan import scan as scan
from recurrax.sequence import (
    Stream as Stream,
    bptt_batches as bptt_batches,
    unroll as unroll,
    unroll_carries as unroll_carries,
    unroll_truncated as unroll_truncated,
)

__version__ = _metadata.version("recurrax")

if "flax.serialization" in _sys.modules:  # importing flax is left to those who use it
    _import_module("recurrax.interop.flax_serialization")

_PUBLIC_MODULES = ("cells", "gallery", "initializers", "linen", "nnx")


def __getattr__(name: str) -> _types.ModuleType:
    """``rx.linen`` and ``rx.nnx`` import flax, so they are loaded when first used."""
    if name == "linen":
        return _import_module("recurrax.linen")
    if name == "nnx":
        return _import_module("recurrax.nnx")
    raise AttributeError(f"module 'recurrax' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names: no submodules but the public ones, and nothing that is imported for use."""
    names = [
        name
        for name, value in globals().items()
        if not (name.startswith("_") or isinstance(value, _types.ModuleType))
    ]
    return sorted([*names, *_PUBLIC_MODULES, "__version__"])
