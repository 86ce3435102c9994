"""Steps with random draws, functions with rules of their own, and control flow, beside lax.scan.

    python -m benchmarks.opaque
    python -m benchmarks.opaque --cells "a key in the carry" spiking --shapes 64,256,256 --rounds 5

The table has milliseconds of a forward and of a training step, float32.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

import recurrax as rx
from benchmarks.alternating import compare, milliseconds

SCANS = {"recurrax": rx.scan, "lax.scan": lax.scan}
SHAPES = ("8,256,64", "32,128,128", "64,128,256")
KEY = jax.random.key(0)

Params = dict[str, Any]


@jax.custom_vjp
def spike(v: Any) -> Any:
    """A step function with the slope of a fast sigmoid."""
    return (v > 0).astype(v.dtype)


spike.defvjp(lambda v: (spike(v), v), lambda v, ct: (ct / (1 + jnp.abs(v)) ** 2,))


def tanh_cell(p: Params, h: Any, x: Any) -> Any:
    return jnp.tanh(x @ p["W"] + h @ p["U"])


def keys_in_the_inputs(p: Params, h: Any, x: Any) -> Any:
    x, key = x
    keep = jax.random.bernoulli(key, 0.8, h.shape)
    h = tanh_cell(p, jnp.where(keep, h / 0.8, 0.0), x)
    return h, h


def key_in_the_carry(p: Params, carry: Any, x: Any) -> Any:
    h, key = carry
    key, draw = jax.random.split(key)
    h = tanh_cell(p, h, x) + 0.1 * jax.random.normal(draw, h.shape)
    return (h, key), h


def counter_folded_in(p: Params, carry: Any, x: Any) -> Any:
    h, t = carry
    noise = jax.random.normal(jax.random.fold_in(KEY, t), h.shape)
    h = tanh_cell(p, h, x) + 0.1 * noise
    return (h, t + 1), h


def sampled_action(p: Params, carry: Any, x: Any) -> Any:
    h, key = carry
    key, draw = jax.random.split(key)
    h = tanh_cell(p, h, x)
    action = jax.random.categorical(draw, h)
    return (h, key), h * jax.nn.one_hot(action, h.shape[-1])


def spiking(p: Params, carry: Any, x: Any) -> Any:
    v, s = carry
    v = 0.9 * v * (1 - s) + x @ p["W"] + s @ p["U"]
    s = spike(v - 1.0)
    return (v, s), s


def inner_loop(p: Params, h: Any, x: Any) -> Any:
    h = lax.fori_loop(0, 3, lambda _, v: jnp.tanh(v @ p["U"]), h) + x @ p["W"]
    return h, h


def branch(p: Params, h: Any, x: Any) -> Any:
    h = lax.cond(jnp.sum(h) > 0, jnp.tanh, jnp.sin, x @ p["W"] + h @ p["U"])
    return h, h


STEPS: dict[str, tuple[Callable[..., Any], Any]] = {  # the step, what is beside h in its carry
    "keys in the inputs": (keys_in_the_inputs, None),
    "a key in the carry": (key_in_the_carry, KEY),
    "a counter folded in": (counter_folded_in, jnp.int32(0)),
    "a sampled action": (sampled_action, KEY),
    "spiking": (spiking, "zeros"),
    "an inner loop": (inner_loop, None),
    "a branch": (branch, None),
}


def measure(name: str, shape: str, contender: str) -> list[float]:
    batch, time, features = map(int, shape.split(","))
    step, beside = STEPS[name]
    key_w, key_u, key_x = jax.random.split(KEY, 3)
    scale = features**-0.5
    params = {
        "W": scale * jax.random.normal(key_w, (features, features)),
        "U": scale * jax.random.normal(key_u, (features, features)),
    }
    xs = jax.random.normal(key_x, (time, batch, features))
    h = jnp.zeros((batch, features))
    carry = h if beside is None else (h, h if isinstance(beside, str) else beside)
    keys = jax.random.split(KEY, time)

    def forward(params: Params, xs: Any) -> Any:
        inputs = (xs, keys) if step is keys_in_the_inputs else xs
        return SCANS[contender](partial(step, params), carry, inputs)[1]

    return milliseconds(forward, params, xs)


if __name__ == "__main__":
    heading = "batch, time, features"
    compare("benchmarks.opaque", measure, tuple(STEPS), SHAPES, tuple(SCANS), heading, tuple(STEPS))
