"""What a step returns, and what a cell draws: known only while a run is traced."""

from typing import Any

import jax
import jax.numpy as jnp

from recurrax.cell import checks
from recurrax.cell.cell import Noise
from recurrax.cell.options import name_of
from recurrax.cell.params import describe


def check_outputs(caller: str, name: str, returned: Any, batch: tuple[int, ...]) -> None:
    """A step must return a pair, and outputs that begin with the batch axes of its input."""
    if type(returned) is not tuple or len(returned) != 2:
        raise TypeError(f"{caller}: {name} must return a pair, (carry, y); it returned {returned}.")
    for leaf in jax.tree.leaves(returned[1]):
        if leaf.shape[: len(batch)] != batch:
            raise ValueError(
                f"{caller}: {name} must return outputs that begin with the batch axes of x, "
                f"{batch}; it returned one of shape {checks.describe_shape(leaf)}."
            )


def check_carry_is_kept(caller: str, name: str, carry: Any, new: Any) -> None:
    """A step must return a carry of the structure, shapes and dtypes that it takes."""
    if jax.tree.structure(new) != jax.tree.structure(carry):
        raise TypeError(
            f"{caller}: {name} must return a carry of the structure that it takes, "
            f"{jax.tree.structure(carry)}; it returned {jax.tree.structure(new)}."
        )
    for (path, old), out in zip(
        jax.tree_util.tree_leaves_with_path(carry), jax.tree.leaves(new), strict=True
    ):
        if old.shape == out.shape and old.dtype == out.dtype:
            continue
        changed = (
            f"{caller}: carry{jax.tree_util.keystr(path)} is {describe(old)}, but {name} "
            f"returns it as {describe(out)}"
        )
        if old.shape != out.shape:
            raise TypeError(f"{changed}; a step must keep the shape of its carry.")
        raise TypeError(
            f"{changed}. Pass a carry of {out.dtype}, cast params and xs to {old.dtype}, or pass "
            "dtype and carry_dtype."
        )


def check_rows(caller: str, rows: tuple[int, ...], carry: Any) -> None:
    """Steps are skipped and carries are reset row by row, so every array of a carry has rows."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(carry):
        shape = jnp.shape(leaf)
        if shape[: len(rows)] != rows:
            raise ValueError(
                f"{caller}: carry{jax.tree_util.keystr(path)} must begin with the batch axes "
                f"{rows} for lengths, masks and resets; it has shape "
                f"{checks.describe_shape(leaf)}. Give each row a value of its own."
            )


def check_noise(caller: str, cell: Any, noise: Any, steps: int) -> None:
    """What a cell draws must have one entry for each step."""
    name = f"{name_of(cell)}.noise"
    if not isinstance(noise, Noise):
        raise TypeError(
            f"{caller}: {name} must return a Noise or None; it returned {describe(noise)}."
        )
    for leaf in jax.tree.leaves(noise.step):
        if leaf.shape[:1] != (steps,):
            raise ValueError(
                f"{caller}: {name} must return arrays with time as their first axis in step, "
                f"{steps} entries; it returned shape {checks.describe_shape(leaf)}."
            )
