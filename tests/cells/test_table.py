"""The table of all cells is complete: a new public cell or option must enter it."""

import dataclasses

import pytest

import recurrax as rx
from recurrax import cells
from tests.all_cells import CASES, CONVOLUTIONAL
from tests.oracles.memory_and_clocks_by_name import MEMORY_AND_CLOCKS
from tests.oracles.numpy_cells import ORACLES

pytestmark = pytest.mark.once

ALL = CASES | CONVOLUTIONAL

PUBLIC = {
    value
    for value in vars(cells).values()
    if isinstance(value, type) and issubclass(value, rx.Cell)
}


# Sizes and initial values.
NOT_EQUATIONS = {
    "features", "preset", "readout", "slow", "r_min", "r_max", "max_phase", "angles",
}  # fmt: skip
INITIAL = {"alpha", "beta1", "beta2"}  # of the cells with multiplicative integration


def missing_cells(cases):
    return {cell.__name__ for cell in PUBLIC - {type(case.cell) for case in cases.values()}}


def test_every_public_cell_is_in_the_table():
    assert not missing_cells(ALL)


def test_an_absent_cell_would_be_noticed():
    without = {name: case for name, case in ALL.items() if not isinstance(case.cell, rx.MGU)}
    assert missing_cells(without) == {"MGU"}


@pytest.mark.parametrize("cell", sorted(PUBLIC, key=lambda cell: cell.__name__))
def test_every_option_is_in_the_table_with_another_value_than_its_default(cell):
    for field in dataclasses.fields(cell):
        if field.name in NOT_EQUATIONS or (field.name in INITIAL and hasattr(cell, "beta1")):
            continue
        values = {getattr(c.cell, field.name) for c in ALL.values() if type(c.cell) is cell}
        assert values - {field.default}, f"{cell.__name__}.{field.name}"


def test_every_oracle_is_used():
    assert {case.oracle for case in ALL.values()} == set(ORACLES | MEMORY_AND_CLOCKS)


def test_every_public_cell_is_at_the_top_level():
    assert {cell for cell in PUBLIC if getattr(rx, cell.__name__, None) is not cell} == set()
