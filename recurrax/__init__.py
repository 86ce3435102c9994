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
    SquashedGRU as SquashedGRU,
    from_concatenated as from_concatenated,
    gate_params as gate_params,
    params_from_dict as params_from_dict,
    params_to_dict as params_to_dict,
    to_concatenated as to_concatenated,
)
from recurrax.explain import explain as explain
from recurrax.scan import scan as scan
from recurrax.sequence import unroll as unroll

__version__ = importlib.metadata.version("recurrax")


def __getattr__(name: str) -> Any:
    """``rx.linen`` and ``rx.nnx`` import flax, so they are loaded when first used."""
    if name in ("linen", "nnx"):
        return importlib.import_module(f"recurrax.{name}")
    raise AttributeError(f"module 'recurrax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "linen", "nnx"])
