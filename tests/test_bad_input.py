"""The tables of bad input can fail."""

import pytest

from tests.bad_input import matches

pytestmark = pytest.mark.once


def test_the_pattern_can_fail():
    assert matches("a…c", "abc")
    assert matches("a…", "ab")
    assert not matches("a…c", "abd")
    assert not matches("b", "abc")
