"""JAX as users have it: float32 by default, types promote. In a process of its own."""

import os
import subprocess
import sys

PROGRAM = """
import jax, jax.numpy as jnp, numpy as np
import recurrax as rx
from flax import nnx

cell = rx.LSTM(4)
params = cell.init(jax.random.key(0), 3)
assert {a.dtype.name for a in jax.tree.leaves(params)} == {"float32"}
half = jax.tree.map(lambda a: a.astype(jnp.bfloat16), params)
xs = jax.random.normal(jax.random.key(1), (2, 5, 3))

def dtypes(params, xs, carry=None):
    carry, ys = rx.unroll(cell, params, xs, carry)
    return carry.h.dtype.name, carry.c.dtype.name, ys.dtype.name

f32, bf16 = "float32", "bfloat16"
assert dtypes(params, xs) == (f32, f32, f32)
assert dtypes(params, np.asarray(xs, np.float64)) == (f32, f32, f32)  # as jnp.asarray has it
assert dtypes(params, xs.astype(jnp.bfloat16)) == (f32, f32, f32)
assert dtypes(half, xs) == (f32, f32, f32)
assert dtypes(half, xs.astype(jnp.bfloat16)) == (bf16, bf16, bf16)
full = cell.initial_carry((2,))
assert full.c.dtype == jnp.float32
assert cell.initial_carry((2,), jnp.bfloat16).h.dtype == jnp.bfloat16
try:
    dtypes(params, xs, cell.initial_carry((2,), jnp.bfloat16))
except TypeError as error:
    assert "carry.h is bfloat16[2,4]" in str(error), error
else:
    raise AssertionError("a bfloat16 carry under float32 parameters must be refused")

layer = rx.linen.RNN(cell)
variables = layer.init(jax.random.key(0), xs)
assert layer.apply(variables, xs).dtype == jnp.float32
for dtype in (jnp.bfloat16, jnp.float16, jnp.float32):
    ours = rx.nnx.RNN(rx.GRU(4), 3, rngs=nnx.Rngs(0), param_dtype=dtype)
    assert ours(xs.astype(dtype)).dtype == dtype
    ours = rx.linen.RNN(rx.Elman(4), param_dtype=dtype)
    inputs = xs.astype(dtype)
    assert ours.apply(ours.init(jax.random.key(0), inputs), inputs).dtype == dtype
print("passed")
"""


def test_float32_by_default():
    environment = {**os.environ, "JAX_ENABLE_X64": "0"}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert run.stdout.strip() == "passed", run.stderr
