"""Bad input to the pieces of a long record."""

import jax
import numpy as np
import pytest

import recurrax as rx
from tests.bad_input import check, masked

pytestmark = pytest.mark.once

TABLE = {
    "pieces of too short a record": (
        lambda good: rx.pieces(np.arange(4), 2, 5),
        ValueError,
        "rx.pieces: data has 4 entries; one piece of 2 rows and 5 steps needs 11.",
    ),
    "pieces without rows": (
        lambda good: rx.pieces(np.arange(21), 0, 5),
        ValueError,
        "rx.pieces: rows must be a whole number from 1 on; got 0.",
    ),
    "pieces without steps": (
        lambda good: rx.pieces(np.arange(21), 2, -5),
        ValueError,
        "rx.pieces: steps must be a whole number from 1 on; got -5.",
    ),
    "pieces from a negative one on": (
        lambda good: rx.pieces(np.arange(21), 2, 5, start=-1),
        ValueError,
        "rx.pieces: start must be a whole number from 0 on; got -1.",
    ),
    "pieces of arrays that differ": (
        lambda good: rx.pieces((np.arange(21), np.arange(20)), 2, 5),
        ValueError,
        "rx.pieces: the arrays of data differ in entries: [20, 21].",
    ),
    "pieces of a list": (
        lambda good: rx.pieces([1, 2, 3], 1, 1),
        TypeError,
        "rx.pieces: data must be arrays (entries, ...) in order of time; got list.",
    ),
    "pieces of a masked array": (
        lambda good: rx.pieces(masked(np.arange(21)), 2, 5),
        TypeError,
        "rx.pieces: data is a masked array, whose mask would be lost; pass .data.",
    ),
    "pieces with starts by number": (
        lambda good: rx.pieces(np.arange(21), 2, 5, starts=np.array([3, 7])),
        ValueError,
        "rx.pieces: starts must be boolean, (21,), one for each entry; got int64[2].",
    ),
    "pieces with starts in a ragged list": (
        lambda good: rx.pieces(np.arange(21), 2, 5, starts=[[True], [True, False]]),
        TypeError,
        "rx.pieces: starts must be an array; got list.",
    ),
    "a piece before the first": (
        lambda good: rx.pieces(np.arange(21), 2, 5).piece(-1),
        IndexError,
        "rx.pieces: pieces are numbered from 0 to 1; got -1.",
    ),
    "a piece after the last": (
        lambda good: rx.pieces(np.arange(21), 2, 5).piece(2),
        IndexError,
        "rx.pieces: pieces are numbered from 0 to 1; got 2.",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    """Each bad case differs from one of these in the thing it names."""
    for result in (rx.pieces(np.arange(21), 2, 5).piece(1).xs,):
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(result))
