"""The names under which a public function takes the arguments of a run."""

from typing import NamedTuple


class ArgumentNames(NamedTuple):
    """The caller, and what it calls the arguments that have several names."""

    caller: str
    xs: str = "xs"
    carry: str = "carry"
    lengths: str = "lengths"
