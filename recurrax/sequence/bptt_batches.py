"""A long record as aligned batches, for training by truncated backpropagation through time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from recurrax.cell.checks import array
from recurrax.cell.params import describe

CALLER = "rx.bptt_batches"


class BPTTBatch(NamedTuple):
    """Some steps of every row of a record."""

    number: int
    """The number of the batch; ``start=number + 1`` resumes after it."""
    xs: Any
    """The inputs, ``(rows, steps, ...)``."""
    targets: Any
    """The entries one step later, ``(rows, steps, ...)``: what a model of the record predicts."""
    resets: np.ndarray
    """Where a new record begins, boolean, ``(rows, steps)``: ``resets`` of ``rx.unroll``."""


@dataclass(frozen=True)
class BPTTBatches:
    """The batches of a record: an iterable with a length, from :func:`bptt_batches`.

    Iterating yields one :class:`BPTTBatch` after the other, from number ``start`` on; ``len`` is
    how many these are.

    Attributes:
      data: the record, arrays ``(entries, ...)``.
      rows: the number of rows of every batch.
      steps: the number of steps of every batch.
      starts: boolean, ``(entries,)``: where new records begin inside ``data``.
      start: the number of the first batch.
    """

    data: Any
    rows: int
    steps: int
    starts: np.ndarray
    start: int

    @property
    def count(self) -> int:
        """How many batches the whole record has."""
        return (len(self.starts) - 1) // self.rows // self.steps  # every entry needs a next one

    def __len__(self) -> int:
        return max(self.count - self.start, 0)

    def __iter__(self) -> Iterator[BPTTBatch]:
        for number in range(self.start, self.count):
            yield self.batch(number)

    def batch(self, number: int) -> BPTTBatch:
        """The batch of this number."""
        if not 0 <= number < self.count:
            raise IndexError(
                f"{CALLER}: batches are numbered from 0 to {self.count - 1}; got {number!r}."
            )
        row_size = self.count * self.steps
        first = np.arange(self.rows)[:, None] * row_size + number * self.steps
        at = first + np.arange(self.steps)
        resets = self.starts[at]
        if number == 0:
            resets = resets.copy()
            resets[:, 0] = True
        xs, targets = (jax.tree.map(lambda a, at=at: a[at], self.data) for at in (at, at + 1))
        return BPTTBatch(number, xs, targets, resets)


def bptt_batches(
    data: Any, rows: int, steps: int, *, starts: Any = None, start: int = 0
) -> BPTTBatches:
    """Cuts a record into batches whose rows continue from batch to batch.

    The record is cut into ``rows`` contiguous parts of equal length, and each of them into batches
    of ``steps`` entries. Row ``r`` of a batch continues row ``r`` of the batch before it, so the
    carry of one batch is where the next one starts. Fewer than ``rows * steps + 1`` entries at the
    end of the record are left out.

    Args:
      data: arrays ``(entries, ...)``, NumPy or JAX, in order of time; any pytree of them.
      rows: the batch size: how many parts of the record are read side by side.
      steps: steps per batch, the ``k1`` of truncated backpropagation.
      starts: boolean, ``(entries,)``: where new records begin inside ``data``; these become resets.
        The first step of every row of the first batch is a reset too.
      start: the number of the first batch, to resume.

    Returns:
      A :class:`BPTTBatches`, which yields one :class:`BPTTBatch` after the other.

    Raises:
      ValueError: if the record is too short for one batch.

    Example:
      >>> import numpy as np
      >>> import recurrax as rx
      >>> batches = rx.bptt_batches(np.arange(21), rows=2, steps=5)
      >>> len(batches), [batch.xs.tolist() for batch in batches][0]
      (2, [[0, 1, 2, 3, 4], [10, 11, 12, 13, 14]])
    """
    for name, value, least in (("rows", rows, 1), ("steps", steps, 1), ("start", start, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ValueError(
                f"{CALLER}: {name} must be a whole number of at least {least}; got {value!r}."
            )
    entries = count_entries(data)
    batches = BPTTBatches(data, rows, steps, as_starts(starts, entries), start)
    if batches.count < 1:
        raise ValueError(
            f"{CALLER}: data has {entries} entries; one batch of {rows} rows and {steps} steps "
            f"needs {rows * steps + 1}."
        )
    return batches


def count_entries(data: Any) -> int:
    """The number of entries, which all arrays must share."""
    leaves = jax.tree.leaves(data)
    if not leaves or any(not isinstance(a, np.ndarray | jax.Array) or a.ndim < 1 for a in leaves):
        raise TypeError(
            f"{CALLER}: data must be arrays (entries, ...) in order of time; got {describe(data)}."
        )
    for a in leaves:
        array(CALLER, "data", a)
    sizes = {a.shape[0] for a in leaves}
    if len(sizes) > 1:
        raise ValueError(f"{CALLER}: the arrays of data differ in entries: {sorted(sizes)}.")
    return sizes.pop()


def as_starts(starts: Any, entries: int) -> np.ndarray:
    """One flag for each entry."""
    if starts is None:
        return np.zeros(entries, bool)
    starts = np.asarray(array(CALLER, "starts", starts))
    if starts.dtype != bool or starts.shape != (entries,):
        raise ValueError(
            f"{CALLER}: starts must be boolean, ({entries},), one for each entry; "
            f"got {starts.dtype}{list(starts.shape)}."
        )
    return starts
