"""The options of a cell, checked once when the cell is made."""

from recurrax.cell.naming import instead as instead, name_of as name_of
from recurrax.cell.options.choices import (
    activation as activation,
    by_type as by_type,
    one_of as one_of,
    preset as preset,
)
from recurrax.cell.options.errors import wrong as wrong
from recurrax.cell.options.numbers import (
    check_rate as check_rate,
    increasing_ints as increasing_ints,
    number as number,
    positive_float as positive_float,
    positive_int as positive_int,
    rate as rate,
)
from recurrax.cell.options.relations import (
    counts_exactly as counts_exactly,
    divides as divides,
    needs as needs,
    same_size as same_size,
)
