"""Convolutional LSTMs and GRUs: recurrax, the same cell under lax.scan, Flax and Keras.

    python -m benchmarks.convolutional
    python -m benchmarks.convolutional --shapes 4,10,32,32,8,16 --contenders recurrax flax

A shape is batch, time, the axes of space, the features in and out; kernels are 3 wide. The table
has milliseconds of a forward and of a training step, float32. Flax and Keras have no ConvGRU.
"""

import jax

import recurrax as rx
from benchmarks.alternating import compare, milliseconds

CELLS = ("ConvLSTM", "ConvGRU")
CONTENDERS = ("recurrax", "lax.scan", "flax", "keras")
SHAPES = ("8,64,64,8,32", "2,16,16,16,4,16", "4,10,32,32,8,16", "4,10,48,48,1,16")


def measure(cell: str, shape: str, contender: str) -> list[float]:
    batch, time, *space, in_features, features = map(int, shape.split(","))
    kernel = (3,) * len(space)
    key = jax.random.key(0)
    xs = jax.random.normal(jax.random.key(1), (batch, time, *space, in_features))
    if contender in ("recurrax", "lax.scan"):
        layer = getattr(rx, cell)(features, kernel)
        method = "auto" if contender == "recurrax" else "scan"

        def run(params, xs):
            return rx.unroll(layer, params, xs, time_axis=1, method=method)[1]

        return milliseconds(run, layer.init(key, in_features), xs)
    if cell != "ConvLSTM":
        return [float("nan")] * 2
    if contender == "flax":
        import flax.linen as nn

        model = nn.RNN(nn.ConvLSTMCell(features, kernel))
        return milliseconds(model.apply, model.init(key, xs), xs)
    from benchmarks.contenders import keras_jax

    keras_layer = keras_jax.conv_lstm(xs, kernel, features)
    return milliseconds(lambda p, xs: keras_layer.apply(p, xs)[1], keras_layer.params, xs)


if __name__ == "__main__":
    heading = "batch, time, space, features in and out"
    compare("benchmarks.convolutional", measure, CELLS, SHAPES, CONTENDERS, heading, CELLS[:1])
