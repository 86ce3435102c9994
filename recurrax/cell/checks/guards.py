"""The checks that Layer puts around init, initial_carry and step of every subclass."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from recurrax.cell.checks.arguments import arguments
from recurrax.cell.checks.arrays import random_key
from recurrax.cell.checks.carry import as_batch_shape
from recurrax.cell.checks.dtypes import as_dtype, cast_floating
from recurrax.cell.naming import name_of
from recurrax.cell.options.errors import wrong


def guard_init(init: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(init)
    def guarded(self: Any, key: Any, in_features: Any) -> Any:
        who = f"{name_of(self)}.init"
        random_key(who, key)
        for size in jax.tree.leaves(in_features, is_leaf=lambda n: n is None):
            whole = isinstance(size, int | np.integer) and not isinstance(size, bool)
            if not whole or size < 1:
                raise wrong(size, int)(
                    f"{who}: in_features must be a positive whole number; got {size!r}."
                )
        try:
            return init(self, key, in_features)
        except TypeError as error:
            if isinstance(in_features, int | np.integer) or error.__cause__ is not None:
                raise
            raise TypeError(
                f"{who}: in_features must be the size of one array; got {in_features!r}, with "
                f"which it fails: {error}"
            ) from error

    return guarded


def guard_initial_carry(initial_carry: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(initial_carry)
    def guarded(self: Any, batch_shape: Any = (), dtype: Any = None) -> Any:
        dtype = as_dtype(f"{name_of(self)}.initial_carry", "dtype", dtype)
        carry = initial_carry(self, as_batch_shape(self, batch_shape))
        return carry if dtype is None else cast_floating(carry, dtype)

    return guarded


def guard_step(step: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(step)
    def guarded(self: Any, params: Any, carry: Any, x: Any) -> tuple[Any, Any]:
        if type(self).step is guarded:  # not for super().step, which may have another carry
            who = f"{name_of(self)}.step"
            if carry is None:
                raise TypeError(f"{who}: carry must be given; cell.initial_carry makes one.")
            arguments(self, who, params, carry, x)
        # An equation adds a bias (features,) to (*batch, features). Rank promotion is therefore
        # allowed here, also for users who have made it an error everywhere else.
        with jax.numpy_rank_promotion("allow"):
            return step(self, params, carry, x)

    return guarded


def unguarded(cell: Any) -> Callable[..., Any]:
    """The step of a cell without its checks, for arguments that have been checked already.

    Only the guard is removed: decorators of the user's own stay, and so does a step that was put
    into the class later.
    """
    step = type(cell).step
    if getattr(step, "__code__", None) is GUARDED_STEP:
        step = step.__wrapped__

    def plain(params: Any, carry: Any, x: Any) -> tuple[Any, Any]:
        with jax.numpy_rank_promotion("allow"):
            return step(cell, params, carry, x)

    return plain


GUARDED_STEP = guard_step(lambda self, params, carry, x: (carry, x)).__code__
GUARDS = {"init": guard_init, "initial_carry": guard_initial_carry, "step": guard_step}
