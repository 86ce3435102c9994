"""Shapes of parameters and carries, by our names."""

from ..make_torch_vectors import BATCH, HIDDEN, INPUTS

HEADS, WIDE = 2, 8  # for the cells that are cut into heads
BLOCKS = {"blocks": (HEADS, WIDE // HEADS, WIDE // HEADS)}


def by_gate(gates, *shape):
    return dict.fromkeys(gates, shape)


def matrices(gates, hidden=HIDDEN):
    """W, U and b."""
    return {
        "W": by_gate(gates, INPUTS, hidden),
        "U": by_gate(gates, hidden, hidden),
        "b": by_gate(gates, hidden),
    }


def fields(names, width=HIDDEN):
    return by_gate(names, BATCH, width)
