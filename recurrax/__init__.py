"""recurrax: write the step as the paper prints it; it runs as an expert would have rewritten it."""

import importlib
import importlib.metadata
from typing import Any

from recurrax import cells as cells, initializers as initializers
from recurrax.cells import (
    GRU as GRU,
    LSTM as LSTM,
    MGU as MGU,
    Cell as Cell,
    Elman as Elman,
    GateParams as GateParams,
    Gates as Gates,
    KrauseLSTM as KrauseLSTM,
    LayerNormGRU as LayerNormGRU,
    LayerNormLSTM as LayerNormLSTM,
    SquashedGRU as SquashedGRU,
    from_concatenated as from_concatenated,
    gate_params as gate_params,
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
    pieces as pieces,
    unroll as unroll,
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
