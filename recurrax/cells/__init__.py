"""The cells. Each is one short file: its equations, its carry, its step."""

from recurrax.cells.cell import Cell as Cell
from recurrax.cells.concatenated import (
    from_concatenated as from_concatenated,
    to_concatenated as to_concatenated,
)
from recurrax.cells.elman import (
    Elman as Elman,
    ElmanCarry as ElmanCarry,
    ElmanParams as ElmanParams,
)
from recurrax.cells.gru import GRU as GRU, GRUCarry as GRUCarry
from recurrax.cells.krause import KrauseLSTM as KrauseLSTM, KrauseLSTMCarry as KrauseLSTMCarry
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
from recurrax.cells.lstm import LSTM as LSTM, LSTMCarry as LSTMCarry, LSTMParams as LSTMParams
from recurrax.cells.mgu import MGU as MGU, MGUCarry as MGUCarry
from recurrax.cells.params import (
    GateParams as GateParams,
    Gates as Gates,
    gate_params as gate_params,
    params_from_dict as params_from_dict,
    params_to_dict as params_to_dict,
)
from recurrax.cells.squashed_gru import (
    SquashedGRU as SquashedGRU,
    SquashedGRUCarry as SquashedGRUCarry,
)
