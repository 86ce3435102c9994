"""Runs one layer of any JAX library: jitted, forward or with gradients, to its end."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from benchmarks import checks
from benchmarks.grid import Case
from benchmarks.timing import repeat


class Layer(NamedTuple):
    params: Any
    """Arrays, or only their shapes and dtypes; the runner draws the values."""
    apply: Callable[..., Any]
    """``apply(params, xs) -> (carry, ys)``, batch-major, from a carry of zeros."""
    beside: Any = None
    """More arrays, a third argument of ``apply`` that is data to the compiled program."""


class JaxRunner:
    def __init__(self, layer: Callable[[str, Array, int], Layer], precision: str):
        self.layer = layer
        if precision == "highest" and jax.default_backend() != "cpu":
            jax.config.update("jax_default_matmul_precision", "highest")

    def facts(self) -> dict[str, Any]:
        device = jax.devices()[0]
        return {"platform": device.platform, "device": device.device_kind}

    def prepare(self, case: Case) -> None:
        """Layer, parameters, input and cotangents of ``case``; nothing is compiled yet."""
        B, T, D, H = case.shape
        rng = np.random.default_rng(0)
        xs = jnp.asarray(rng.standard_normal((B, T, D), np.float32))
        like, apply, beside = self.layer(case.cell, xs, H)
        beside = () if beside is None else (beside,)
        params = normal_like(like, rng, H**-0.5)
        checks.number_of_parameters(case, sum(p.size for p in jax.tree.leaves(params)))
        cotangents = normal_like(jax.eval_shape(apply, params, xs, *beside), rng, 1.0)

        def loss(params: Any, xs: Array, cotangents: Any, *beside: Any) -> Array:
            results = apply(params, xs, *beside)
            products = jax.tree.map(lambda y, ct: (y * ct).sum(), results, cotangents)
            return sum(jax.tree.leaves(products), jnp.zeros(()))

        # A fresh jit and empty caches: whatever was traced above must not shorten the first call.
        jax.clear_caches()
        self.case = case
        if case.direction == "forward":
            self.function, self.arguments = jax.jit(apply), (params, xs, *beside)
        else:
            self.function = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))
            self.arguments = (params, xs, cotangents, *beside)

    def call(self) -> Any:
        """One forward pass, or one gradient, to its end."""
        return jax.block_until_ready(self.function(*self.arguments))

    def check(self, result: Any) -> None:
        """Raises unless ``result`` is what the case asks for."""
        first, second = jax.tree.map(np.asarray, result)
        if self.case.direction == "forward":
            checks.forward(self.case, second, jax.tree.leaves(first))
        else:
            dparams, dxs = second
            checks.backward(self.case, dxs, [first, *jax.tree.leaves(dparams)])

    def temp_bytes(self) -> int | None:
        """Temporary memory of the program just called (its compilation is found in the cache)."""
        analysis = self.function.lower(*self.arguments).compile().memory_analysis()
        return None if analysis is None else analysis.temp_size_in_bytes


def normal_like(tree: Any, rng: np.random.Generator, scale: float) -> Any:
    """Normal float32 arrays in the shapes of ``tree``: one distribution for all contenders."""

    def draw(leaf: Any) -> Array:
        return jnp.asarray(scale * rng.standard_normal(leaf.shape, np.float32))

    return jax.tree.map(draw, tree)


def peak_flops() -> float:
    """Arithmetic per second of a large float32 matmul, the best of some: the device's peak."""
    n = 2048 if jax.default_backend() == "cpu" else 8192
    a = jnp.asarray(np.random.default_rng(0).standard_normal((n, n), np.float32))
    matmul = jax.jit(jnp.matmul)
    fastest_ms = min(repeat(lambda: jax.block_until_ready(matmul(a, a)), seconds=1.0, least=5))
    return 2 * n**3 / (fastest_ms / 1e3)
