"""The parameters of a cell: how they are kept, drawn, and turned into dicts."""

from recurrax.cell.naming import check_names as check_names, describe as describe
from recurrax.cell.params.as_dict import (
    params_from_dict as params_from_dict,
    params_to_dict as params_to_dict,
)
from recurrax.cell.params.draw import GateParams as GateParams, init_gates as init_gates
from recurrax.cell.params.gates import (
    BIAS as BIAS,
    INPUT as INPUT,
    RECURRENT as RECURRENT,
    Gates as Gates,
)
