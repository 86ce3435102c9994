"""The gallery is what the cells say of themselves."""

import re

import pytest

import recurrax as rx
from tools import exports, gallery

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def rows():
    return {row.name: row for row in rx.gallery.table()}


def test_the_page_is_up_to_date():
    assert gallery.PAGE.read_text() == gallery.page(), "run python -m tools.gallery"


def test_the_lists_of_all_cells_are_up_to_date():
    assert exports.out_of_date() == [], "run python -m tools.gallery"


def test_a_cell_that_is_missing_from_a_list_would_be_noticed():
    for path, write in exports.FILES.items():
        text = path.read_text()
        assert "MGU" in text
        assert "MGU" in write(text.replace("MGU", "GMU"))


def test_every_public_cell_has_a_row_a_paper_and_equations(rows):
    cells = {c for c in vars(rx.cells).values() if isinstance(c, type) and issubclass(c, rx.Cell)}
    assert {type(row.cell) for row in rows.values()} == cells
    assert all(row.paper for row in rows.values())
    assert all(re.search(r"^    \w+'? +=", row.equations, re.M) for row in rows.values())


def test_a_cell_is_a_class_with_a_step(rows):
    assert set(exports.names()) == {type(row.cell).__name__ for row in rows.values()}


def test_stages_and_linearity_are_those_of_the_catalogue(rows):
    """Class 1, 1d, 2 and S of the literature: products in a row, and what is linear."""
    stages = {name: row.stages for name, row in rows.items()}
    none = {"BRC", "IndRNN", "IndyGRU", "IndyLSTM", "SRU", "UnICORNN"}
    linear = {"LRU", "MinGRU", "MinLSTM", "QRNN", "RGLRU", "SRU, version 1"}
    two = {
        "GRU, reset before", "Jordan", "LEM", "LMU", "LSTM, full peepholes", "LSTMP", "MGU",
        "MIGRU", "MUT1", "MUT2", "MUT3", "MultiplicativeLSTM",
    }  # fmt: skip
    assert {name for name, n in stages.items() if n == 0} == none | linear
    assert {name for name, n in stages.items() if n == 2} == two
    assert {name for name, n in stages.items() if n > 2} == {"RHN"}
    assert {name for name, row in rows.items() if row.parallel} == linear
    assert {name for name, row in rows.items() if row.linear} == linear


@pytest.mark.parametrize(("features", "in_features"), [(64, 1), (32, 10)])
def test_sizes_are_those_that_were_asked_for(features, in_features):
    found = {row.name: row for row in rx.gallery.table(features, in_features)}
    assert found["LSTM"].parameters == 4 * features * (in_features + features + 1)
    assert found["LRU"].parameters == 4 * features + 4 * features**2  # x has its own size
    assert found["LSTM"].cell == rx.LSTM(features)
