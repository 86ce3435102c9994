"""The contenders. This file imports none of them: the parent process knows no framework."""

from importlib import metadata
from typing import NamedTuple


class Contender(NamedTuple):
    distribution: str
    """Its name on the package index."""
    module: str
    """The module in this folder."""
    given: tuple[str, ...] = ()
    """Arguments of ``rx.unroll`` beside the inputs: recurrax against itself."""


BASELINE = "recurrax"

CONTENDERS = {
    BASELINE: Contender("recurrax", "recurrax_unroll"),
    "linen": Contender("flax", "flax_linen"),
    "nnx": Contender("flax", "flax_nnx"),
    "haiku": Contender("dm-haiku", "dm_haiku"),
    "equinox": Contender("equinox", "equinox_scan"),
    "keras": Contender("keras", "keras_jax"),
    "torch": Contender("torch", "torch_nn"),
}

PEERS = [name for name in CONTENDERS if name != BASELINE]

GIVEN = ("lengths",), ("mask",), ("resets",), ("mask", "resets")
VARIANTS = {"+".join(given): Contender("recurrax", "recurrax_unroll", given) for given in GIVEN}
CONTENDERS |= VARIANTS


def version(distribution: str) -> str | None:
    """The installed version, or ``None``."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
