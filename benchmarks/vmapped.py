"""What ``jax.vmap`` costs: rows of an unbatched run, an ensemble of weights, and both.

    python -m benchmarks.vmapped
    python -m benchmarks.vmapped --shapes 4,32,128,64,128 --contenders batch "vmap over rows"

A shape is members, batch, time, the features in and out. ``batch`` is one run of ``rx.unroll`` with
the weights of one member, and ``vmap over rows`` the same work. The others run all members, each
with weights of its own: ``ensemble`` by a step that was written for an axis of members, in batched
products. The table has milliseconds of a forward and of a training step, float32.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid

import recurrax as rx
from benchmarks.alternating import compare, milliseconds

CONTENDERS = ("batch", "vmap over rows", "ensemble", "vmap over members", "vmap over both")
SHAPES = ("4,8,256,64,64", "4,32,128,64,128", "8,4,128,32,32", "2,64,96,128,256")


def lstm(params: Any, carry: Any, x: Array) -> Any:
    W, U, b, *_ = params
    h, c = carry
    i = sigmoid(x @ W.i + h @ U.i + b.i)
    f = sigmoid(x @ W.f + h @ U.f + b.f)
    g = jnp.tanh(x @ W.g + h @ U.g + b.g)
    o = sigmoid(x @ W.o + h @ U.o + b.o)
    c = f * c + i * g
    h = o * jnp.tanh(c)
    return carry._replace(h=h, c=c), h


def gru(params: Any, carry: Any, x: Array) -> Any:
    W, U, b = params
    (h,) = carry
    r = sigmoid(x @ W.r + h @ U.r + b.r)
    z = sigmoid(x @ W.z + h @ U.z + b.z)
    n = jnp.tanh(x @ W.n + b.n + r * (h @ U.n + b.hn))
    h = (1 - z) * n + z * h
    return carry._replace(h=h), h


STEPS = {"LSTM": lstm, "GRU": gru}


def measure(cell: str, shape: str, contender: str) -> list[float]:
    members, batch, time, in_features, features = map(int, shape.split(","))
    layer = getattr(rx, cell)(features)
    params = layer.init(jax.random.key(0), in_features)
    xs = jax.random.normal(jax.random.key(1), (batch, time, in_features))
    every_xs = jnp.stack([xs] * members)
    every_params = jax.tree.map(lambda leaf: jnp.stack([leaf] * members), params)

    def run(params: Any, xs: Array) -> Array:
        return rx.unroll(layer, params, xs)[1]

    def natively(params: Any, xs: Array) -> Array:
        params = params._replace(b=jax.tree.map(lambda b: b[:, None], params.b))
        carry = layer.initial_carry((members, batch))
        _, ys = rx.scan(partial(STEPS[cell], params), carry, jnp.moveaxis(xs, 2, 0))
        return jnp.moveaxis(ys, 0, 2)

    by_rows = jax.vmap(run, in_axes=(None, 0))
    if contender in ("batch", "vmap over rows"):
        return milliseconds(run if contender == "batch" else by_rows, params, xs)
    every = {
        "ensemble": natively,
        "vmap over members": jax.vmap(run),
        "vmap over both": jax.vmap(by_rows),
    }
    return milliseconds(every[contender], every_params, every_xs)


if __name__ == "__main__":
    heading = "members, batch, time, features in and out"
    compare("benchmarks.vmapped", measure, list(STEPS), SHAPES, CONTENDERS, heading, list(STEPS))
