"""Bad input to the batches of a long record."""

import jax
import numpy as np
import pytest

import recurrax as rx
from tests.bad_input import check, masked

pytestmark = pytest.mark.once

TABLE = {
    "batches of too short a record": (
        lambda good: rx.bptt_batches(np.arange(4), 2, 5),
        ValueError,
        "rx.bptt_batches: data has 4 entries; one batch of 2 rows and 5 steps needs 11.",
    ),
    "batches without rows": (
        lambda good: rx.bptt_batches(np.arange(21), 0, 5),
        ValueError,
        "rx.bptt_batches: rows must be a whole number of at least 1; got 0.",
    ),
    "batches without steps": (
        lambda good: rx.bptt_batches(np.arange(21), 2, -5),
        ValueError,
        "rx.bptt_batches: steps must be a whole number of at least 1; got -5.",
    ),
    "batches from a negative one on": (
        lambda good: rx.bptt_batches(np.arange(21), 2, 5, start=-1),
        ValueError,
        "rx.bptt_batches: start must be a whole number of at least 0; got -1.",
    ),
    "batches of arrays that differ": (
        lambda good: rx.bptt_batches((np.arange(21), np.arange(20)), 2, 5),
        ValueError,
        "rx.bptt_batches: the arrays of data differ in entries: [20, 21].",
    ),
    "batches of a list": (
        lambda good: rx.bptt_batches([1, 2, 3], 1, 1),
        TypeError,
        "rx.bptt_batches: data must be arrays (entries, ...) in order of time; got list.",
    ),
    "batches of a masked array": (
        lambda good: rx.bptt_batches(masked(np.arange(21)), 2, 5),
        TypeError,
        "rx.bptt_batches: data is a masked array, whose mask would be lost; pass .data.",
    ),
    "batches with starts by number": (
        lambda good: rx.bptt_batches(np.arange(21), 2, 5, starts=np.array([3, 7])),
        ValueError,
        "rx.bptt_batches: starts must be boolean, (21,), one for each entry; got int64[2].",
    ),
    "batches with starts of ones": (
        lambda good: rx.bptt_batches(np.arange(21), 2, 5, starts=np.ones(21, np.int8)),
        ValueError,
        "rx.bptt_batches: starts must be boolean, (21,), one for each entry; got int8[21].",
    ),
    "batches with a start missing": (
        lambda good: rx.bptt_batches(np.arange(21), 2, 5, starts=np.ones(20, bool)),
        ValueError,
        "rx.bptt_batches: starts must be boolean, (21,), one for each entry; got bool[20].",
    ),
    "batches with starts in a ragged list": (
        lambda good: rx.bptt_batches(np.arange(21), 2, 5, starts=[[True], [True, False]]),
        TypeError,
        "rx.bptt_batches: starts must be an array; got list.",
    ),
    "a batch before the first": (
        lambda good: rx.bptt_batches(np.arange(21), 2, 5).batch(-1),
        IndexError,
        "rx.bptt_batches: batches are numbered from 0 to 1; got -1.",
    ),
    "a batch after the last": (
        lambda good: rx.bptt_batches(np.arange(21), 2, 5).batch(2),
        IndexError,
        "rx.bptt_batches: batches are numbered from 0 to 1; got 2.",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_named(name, good):
    check(good, *TABLE[name])


def test_the_good_input_that_the_table_spoils_is_accepted(good):
    """Each bad case differs from one of these in the thing it names."""
    for result in (rx.bptt_batches(np.arange(21), 2, 5).batch(1).xs,):
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(result))
