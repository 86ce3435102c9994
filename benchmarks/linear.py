"""Linear recurrences step by step and in parallel over time, side by side.

    python -m benchmarks.linear
    python -m benchmarks.linear --cells LRU --shapes 32,1024,64 --rounds 5

The table has milliseconds of a forward and of a training step, float32.
"""

import jax

import recurrax as rx
from benchmarks.alternating import compare, milliseconds

METHODS = ("chunked", "associative", "scan")
CELLS = ("MinGRU", "MinLSTM", "LRU", "QRNN")
SHAPES = ("1,256,32", "1,2048,32", "1,16384,32", "8,512,64", "1,2048,256", "32,1024,64")


def measure(cell: str, shape: str, method: str) -> list[float]:
    batch, time, features = map(int, shape.split(","))
    layer = getattr(rx, cell)(features)
    params = layer.init(jax.random.key(0), features)
    xs = jax.random.normal(jax.random.key(1), (batch, time, features))
    return milliseconds(lambda p, xs: rx.unroll(layer, p, xs, method=method)[1], params, xs)


if __name__ == "__main__":
    heading = "batch, time, features"
    compare("benchmarks.linear", measure, CELLS, SHAPES, METHODS, heading, ("MinGRU", "LRU"))
