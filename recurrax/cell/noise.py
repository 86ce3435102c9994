"""The random numbers of one run in training."""

from typing import Any, NamedTuple


class Noise(NamedTuple):
    """What a cell draws for one run over time."""

    run: Any = ()
    """Arrays that stay the same at every step."""
    step: Any = ()
    """Arrays with time in front, ``(time, *batch, features)``, one entry for each step."""
