"""The first call of a training step: tracing and compilation, beside Flax linen's.

    python -m benchmarks.first_call
    python -m benchmarks.first_call --cells "3 bidirectional LSTM" --rounds 5

A training step is the loss with its gradients with respect to all parameters and the inputs. Every
measurement is the first of its process. The table has milliseconds of Python (tracing and lowering)
and of XLA (compilation), float32.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

import recurrax as rx
from benchmarks.alternating import compare

PARTS = {
    "LSTM": (rx.LSTM, nn.OptimizedLSTMCell),
    "GRU": (rx.GRU, nn.GRUCell),
    "RNN": (rx.Elman, nn.SimpleCell),
}
STACKS = [f"{kind}{name}" for kind in ("", "3 ", "3 bidirectional ") for name in PARTS]
CONTENDERS = ("recurrax", "linen")
SHAPES = ("32,128,64,128",)

Apply = Callable[[Any, Any], Any]


def recurrax_layers(stack: str, features: int) -> Any:
    cell = PARTS[stack.split()[-1]][0](features)
    layer = rx.Bidirectional(cell) if "bidirectional" in stack else cell
    return rx.Stack((layer,) * 3) if stack.startswith("3") else layer


class LinenLayers(nn.Module):
    stack: str
    features: int

    @nn.compact
    def __call__(self, xs: Any) -> Any:
        cell = PARTS[self.stack.split()[-1]][1]
        for _ in range(3 if self.stack.startswith("3") else 1):
            layer = nn.RNN(cell(self.features))
            if "bidirectional" in self.stack:
                xs = nn.Bidirectional(layer, nn.RNN(cell(self.features)))(xs)
            else:
                xs = layer(xs)
        return xs


def contender_of(name: str, stack: str, xs: Any, features: int) -> tuple[Apply, Any]:
    """A function ``(params, xs) -> ys`` and its parameters."""
    key = jax.random.key(0)
    if name == "linen":
        module = LinenLayers(stack, features)
        return module.apply, module.init(key, xs)
    layer = recurrax_layers(stack, features)
    return lambda params, xs: rx.unroll(layer, params, xs)[1], layer.init(key, xs.shape[-1])


def measure(stack: str, shape: str, name: str) -> list[float]:
    batch, time, in_features, features = map(int, shape.split(","))
    xs = jnp.ones((batch, time, in_features))
    apply, params = contender_of(name, stack, xs, features)

    def loss(params: Any, xs: Any) -> Any:
        return jnp.sum(apply(params, xs) ** 2)

    jax.clear_caches()
    start = perf_counter()
    lowered = jax.jit(jax.value_and_grad(loss, (0, 1))).lower(params, xs)
    traced = perf_counter()
    lowered.compile()
    return [1e3 * (traced - start), 1e3 * (perf_counter() - traced)]


if __name__ == "__main__":
    heading = "batch, time, features in and out"
    compare("benchmarks.first_call", measure, STACKS, SHAPES, CONTENDERS, heading, STACKS)
