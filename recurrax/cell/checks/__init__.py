"""Entrance checks: an error says who, what was expected, what came, and what to do."""

from recurrax.cell.checks.arguments import arguments as arguments
from recurrax.cell.checks.arrays import (
    array as array,
    carry_shape as carry_shape,
    feature_sizes as feature_sizes,
    floating as floating,
    random_key as random_key,
    widest as widest,
)
from recurrax.cell.checks.carry import (
    MADE as MADE,
    as_batch_shape as as_batch_shape,
    carry_like as carry_like,
    check_carry as check_carry,
    row_like as row_like,
)
from recurrax.cell.checks.dtypes import as_dtype as as_dtype, cast_floating as cast_floating
from recurrax.cell.checks.guards import GUARDS as GUARDS, unguarded as unguarded
from recurrax.cell.checks.params import params_like as params_like
from recurrax.cell.naming import describe_shape as describe_shape
