"""Runs over time: one engine for every cell, behind one entrance."""

from recurrax.cell.layer import Layer
from recurrax.explain.layers import register
from recurrax.sequence.bptt_batches import (
    BPTTBatch as BPTTBatch,
    BPTTBatches as BPTTBatches,
    bptt_batches as bptt_batches,
)
from recurrax.sequence.stream import Stream as Stream
from recurrax.sequence.truncated import unroll_truncated as unroll_truncated
from recurrax.sequence.unroll import unroll as unroll, unroll_carries as unroll_carries

register(Layer, unroll)  # rx.explain(layer, params, xs, ...) explains this run
