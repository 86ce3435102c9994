"""A long record as aligned pieces: what training by truncated backpropagation reads."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from recurrax.cell.checks import array
from recurrax.cell.params import describe

WHO = "rx.pieces"


class Piece(NamedTuple):
    """Some steps of every row."""

    number: int
    """``start=number + 1`` continues after it."""
    xs: Any
    """(rows, steps, ...): the inputs."""
    targets: Any
    """(rows, steps, ...): the entries one step later, what a model that predicts should say."""
    resets: np.ndarray
    """(rows, steps), boolean: where a new record begins, for ``rx.unroll``."""


class pieces:  # used as a function, with a length
    """Cuts a record into rows that go on from piece to piece, so that carries can be handed on.

    Row ``r`` of every piece continues row ``r`` of the piece before: the record is cut into
    ``rows`` contiguous parts of equal length, and each of them into pieces of ``steps`` entries.
    What is left over at the end, less than ``rows * steps + 1`` entries, is not used.

    Args:
      data: arrays ``(entries, ...)``, NumPy or JAX, in order of time; any pytree of them.
      rows: how many parts are read side by side, the batch.
      steps: steps per piece, the ``k1`` of truncated backpropagation.
      starts: boolean ``(entries,)``: where new records begin inside ``data``; they become resets.
        The first step of every row is one in the first piece.
      start: the number of the first piece to give, to resume.

    Raises:
      ValueError: if the record is too short for one piece.

    Example:
      >>> import numpy as np
      >>> import recurrax as rx
      >>> batches = rx.pieces(np.arange(21), rows=2, steps=5)
      >>> len(batches), [piece.xs.tolist() for piece in batches][0]
      (2, [[0, 1, 2, 3, 4], [10, 11, 12, 13, 14]])
    """

    def __init__(self, data: Any, rows: int, steps: int, *, starts: Any = None, start: int = 0):
        for name, value, least in (("rows", rows, 1), ("steps", steps, 1), ("start", start, 0)):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
                raise ValueError(
                    f"{WHO}: {name} must be a whole number from {least} on; got {value!r}."
                )
        leaves = jax.tree.leaves(data)
        if not leaves or any(
            not isinstance(a, np.ndarray | jax.Array) or a.ndim < 1 for a in leaves
        ):
            raise TypeError(
                f"{WHO}: data must be arrays (entries, ...) in order of time; got {describe(data)}."
            )
        for a in leaves:
            array(WHO, "data", a)
        sizes = {a.shape[0] for a in leaves}
        if len(sizes) > 1:
            raise ValueError(f"{WHO}: the arrays of data differ in entries: {sorted(sizes)}.")
        (entries,) = sizes
        self.data, self.rows, self.steps, self.start = data, rows, steps, start
        self.count = (entries - 1) // rows // steps  # every entry needs one after it
        if not self.count:
            raise ValueError(
                f"{WHO}: data has {entries} entries; one piece of {rows} rows and {steps} steps "
                f"needs {rows * steps + 1}."
            )
        if starts is None:
            starts = np.zeros(entries, bool)
        starts = np.asarray(array(WHO, "starts", starts))
        if starts.dtype != bool or starts.shape != (entries,):
            raise ValueError(
                f"{WHO}: starts must be boolean, ({entries},), one for each entry; "
                f"got {starts.dtype}{list(starts.shape)}."
            )
        self.starts = starts

    def __len__(self) -> int:
        """How many pieces are still to come."""
        return max(self.count - self.start, 0)

    def __iter__(self) -> Iterator[Piece]:
        for number in range(self.start, self.count):
            yield self.piece(number)

    def piece(self, number: int) -> Piece:
        """The piece of this number."""
        if not 0 <= number < self.count:
            raise IndexError(
                f"{WHO}: pieces are numbered from 0 to {self.count - 1}; got {number!r}."
            )
        along = self.count * self.steps  # entries in a row
        at = np.arange(self.rows)[:, None] * along + number * self.steps + np.arange(self.steps)
        resets = self.starts[at]
        if number == 0:
            resets = resets.copy()
            resets[:, 0] = True
        xs, targets = (jax.tree.map(lambda a, at=at: a[at], self.data) for at in (at, at + 1))
        return Piece(number, xs, targets, resets)
