"""The entrance checks of a cell: an error names who, what was expected, what came, what to do."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from recurrax.cell.options import name_of, wrong
from recurrax.cell.params import Gates, check_names, describe

# --- the carry type ---


@functools.cache
def carry_type(cls: type) -> Any:
    """The NamedTuple called as the cell with ``Carry`` behind it, as its ``step`` sees it."""
    for klass in cls.__mro__:
        if "step" not in vars(klass):
            continue
        step = inspect.unwrap(vars(klass)["step"])
        scope = step.__globals__ | dict(inspect.getclosurevars(step).nonlocals)
        found = scope.get(f"{klass.__name__}Carry")
        if isinstance(found, type):
            return found
    raise TypeError(
        f"{name_of(cls)}: no carry type found. Define a NamedTuple called {cls.__name__}Carry next "
        "to the cell, or override initial_carry(batch_shape)."
    )


# --- arguments of init, initial_carry and step ---


NOT_SIZES = bool | float | np.floating | str | None | tuple | list


def as_batch_shape(cell: Any, shape: Any) -> tuple[int, ...]:
    """The batch shape as a tuple of sizes."""
    sizes = shape if isinstance(shape, tuple | list) else None
    if sizes is None or any(isinstance(n, NOT_SIZES) for n in sizes):
        raise TypeError(
            f"{name_of(cell)}.initial_carry: batch_shape must be a tuple of sizes such as () or "
            f"(32,); got {shape!r}."
        )
    if any(n < 0 for n in sizes):
        raise ValueError(
            f"{name_of(cell)}.initial_carry: batch_shape must not be negative; got {shape!r}."
        )
    return tuple(sizes)


def array(who: str, what: str, value: Any) -> Any:
    """Refuses what is not an array, deleted ones, and masked ones, whose mask JAX would drop."""
    if _of_jax(type(value)):
        if value.is_deleted():
            raise ValueError(
                f"{who}: {what} is an array that has been deleted, {describe(value)}. It was "
                "donated to a call of jax.jit, which took its memory; use what that call returned."
            )
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{who}: {what} is a masked array, whose mask would be lost; pass .data.")
    if not hasattr(value, "shape") or not hasattr(value, "dtype") or not _is_dtype(value.dtype):
        raise TypeError(f"{who}: {what} must be an array; got {describe(value)}.")
    return value


@functools.cache
def _of_jax(kind: type) -> bool:
    """Whether this is the type of JAX's arrays, not of tracers."""
    return issubclass(kind, jax.Array) and not issubclass(kind, Tracer)


def _is_dtype(dtype: Any) -> bool:
    """Whether a dtype is NumPy's or JAX's, not that of another framework's tensor."""
    if isinstance(dtype, np.dtype):
        return True
    try:
        return jnp.issubdtype(dtype, jax.dtypes.extended)
    except TypeError:
        return False


def floating(who: str, what: str, value: Any) -> None:
    """Refuses integers, booleans, complex numbers, strings and objects."""
    array(who, what, value)
    if not jnp.issubdtype(value.dtype, jnp.floating):
        raise TypeError(
            f"{who}: {what} must be floating; got {value.dtype}. "
            f"Convert it, for instance with {what}.astype(jnp.float32)."
        )


def random_key(who: str, key: Any) -> None:
    """Refuses what is not one random key, typed or in JAX's raw form."""
    if not isinstance(key, jax.Array | np.ndarray):
        got = repr(key) if isinstance(key, int) else describe(key)
        raise TypeError(
            f"{who}: key must be a JAX random key such as jax.random.key(0); got {got}."
        )
    array(who, "key", key)
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    shape = () if typed else _raw_key_shape(jax.config.jax_default_prng_impl)  # type: ignore[attr-defined]
    if key.shape != shape or not (typed or key.dtype == jnp.uint32):
        raise TypeError(
            f"{who}: key must be one JAX random key such as jax.random.key(0); got {describe(key)}."
        )


@functools.cache
def _raw_key_shape(impl: str) -> tuple[int, ...]:
    return jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0, impl=impl))).shape


def as_dtype(who: str, name: str, dtype: Any) -> Any:
    """The name of a floating dtype that this machine computes in, or ``None``.

    The name, because NumPy holds ``dtype("float64")`` and ``None`` to be equal, so that JAX would
    take one for the other where it looks for what it has compiled already.
    """
    if dtype is None:
        return None
    try:
        named = isinstance(dtype, str | type | np.dtype)
        found = jnp.result_type(float) if dtype is float else jnp.dtype(dtype) if named else None
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise TypeError(
            f"{who}: {name} must be a floating dtype such as 'bfloat16'; got {dtype!r}."
        )
    if not jnp.issubdtype(found, jnp.floating) or found.itemsize > 8:
        raise TypeError(f"{who}: {name} must be a floating dtype; got {found}.")
    if found == jnp.float64 and not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        raise ValueError(
            f"{who}: {name}=float64 needs jax.config.update('jax_enable_x64', True); without it "
            "JAX computes in float32."
        )
    return found.name


def arguments(
    cell: Any,
    who: str,
    params: Any,
    carry: Any,
    x: Any,
    x_name: str = "x",
    carry_name: str = "carry",
) -> None:
    """Checks the arguments of one step; ``carry`` may be ``None`` where it is not given yet."""
    leaves, treedef = jax.tree.flatten(x)
    if not leaves:
        raise ValueError(f"{who}: {x_name} has no arrays.")
    for leaf in leaves:
        array(who, x_name, leaf)
        if leaf.ndim == 0:
            raise ValueError(
                f"{who}: {x_name} must have a feature axis, (*batch, in_features); got a scalar."
            )
        if leaf.shape[-1] == 0:
            raise ValueError(f"{who}: {x_name} has no features; got shape {describe_shape(leaf)}.")
    if treedef.num_nodes == 1:
        floating(who, x_name, x)
    try:
        like = cell.params_like(jax.tree.map(lambda a: a.shape[-1], x))
    except TypeError as error:
        if treedef.num_nodes == 1:
            raise
        raise TypeError(
            f"{who}: {x_name} is {describe(x)}, which {name_of(cell)} does not take. {error}"
        ) from error
    _check_params(who, params, like, x_name)
    if carry is not None:
        check_carry(who, carry, carry_like(cell, leaves[0].shape[:-1]), carry_name)


def params_like(cell: Any, in_features: Any) -> Any:
    """Shapes and dtypes of the parameters; computed once for equal cells and sizes."""
    sizes, treedef = jax.tree.flatten(in_features)
    return _params_like(cell, treedef, tuple(sizes), jnp.result_type(float))


@functools.lru_cache
def _params_like(cell: Any, treedef: Any, sizes: tuple[Any, ...], dtype: Any) -> Any:
    del dtype  # the default float dtype; init depends on it
    in_features = jax.tree.unflatten(treedef, sizes)
    return jax.eval_shape(lambda: cell.init(jax.random.key(0), in_features))


@functools.lru_cache
def carry_like(cell: Any, shape: tuple[Any, ...]) -> Any:
    return jax.eval_shape(lambda: cell.initial_carry(shape))


def row_like(cell: Any) -> Any:
    """Shapes and dtypes of the carry of a batch of one row; axes of space have the size 1 too."""
    return carry_like(cell, (1,) * cell.num_feature_axes)


def _check_params(who: str, params: Any, like: Any, x_name: str) -> None:
    if jax.tree.structure(params) != jax.tree.structure(like):
        hint = " Use cell.init, or rx.params_from_dict for nested dicts."
        _explain_structure(who, "params", params, like, hint)
    for (path, got), want in zip(
        jax.tree_util.tree_leaves_with_path(params), jax.tree.leaves(like), strict=True
    ):
        where = f"params{jax.tree_util.keystr(path)}"
        array(who, where, got)
        if got.shape != want.shape:
            first = not any(getattr(key, "idx", 0) for key in path)  # the part that sees x itself
            _explain_shape(who, where, got, want, _group(params, path), x_name if first else None)
        if not jnp.issubdtype(got.dtype, jnp.inexact):
            raise TypeError(f"{who}: {where} must be floating; got {got.dtype}.")


def _group(params: Any, path: tuple[Any, ...]) -> Gates | None:
    """The innermost ``Gates`` on the way to a leaf."""
    found: Gates | None = None
    node: Any = params
    for key in path:
        found = node if isinstance(node, Gates) else found
        if hasattr(key, "name"):
            node = getattr(node, key.name)
        elif isinstance(node, tuple | list | Mapping):
            node = node[key.idx if hasattr(key, "idx") else key.key]
        else:
            node = None
    return found


def _explain_shape(
    who: str, where: str, got: Any, want: Any, group: Gates | None, x_name: str | None
) -> None:
    expected, came = describe_shape(want), describe_shape(got)
    at = group.axes.index("x") if group is not None and "x" in group.axes else None
    differ = [
        i for i, sizes in enumerate(zip(got.shape, want.shape, strict=False)) if len({*sizes}) > 1
    ]
    if len(got.shape) == len(want.shape) and at is not None and differ == [at]:
        given, made_for = want.shape[at], got.shape[at]
        if x_name is None:
            raise ValueError(
                f"{who}: {where} was made for in_features={made_for}, but sees {given} features "
                f"there; expected {expected}, got {came}. Make params with cell.init of the whole."
            )
        raise ValueError(
            f"{who}: {x_name} has {given} features, but {where} was made for "
            f"in_features={made_for}; expected {expected}, got {came}. "
            f"Give {x_name} with {made_for} features, or make params with init(key, {given})."
        )
    hint = " It looks transposed: kernels are stored (in, out)."
    transposed = got.shape == want.shape[::-1] and len(want.shape) == 2
    raise ValueError(
        f"{who}: {where} must have shape {expected}; got {came}.{hint if transposed else ''}"
    )


def describe_shape(value: Any) -> str:
    """``(3, 4)``."""
    return f"({', '.join(str(n) for n in value.shape)}{',' if len(value.shape) == 1 else ''})"


def _explain_structure(who: str, where: str, got: Any, like: Any, hint: str = "") -> None:
    """Raises for the first place where two trees differ, naming it."""
    if like is None:
        raise ValueError(f"{who}: {where} must be None for this cell; got {describe(got)}.")
    plain = type(like) in (tuple, list)
    if type(got) is not type(like) or (plain and len(got) != len(like)):
        came = _kind(got) if plain and type(got) in (tuple, list) else describe(got)
        raise TypeError(f"{who}: {where} must be {_kind(like)}; got {came}.{hint}")
    if isinstance(like, Gates):
        if got.axes != like.axes and got.axes == like.axes[::-1]:
            raise ValueError(
                f"{who}: {where} is stored with axes {got.axes}, recurrax multiplies from the "
                f"right and expects {like.axes}; pass {where}.T."
            )
        if got.axes != like.axes:
            raise ValueError(
                f"{who}: {where} must have axes {like.axes}; got {got.axes}, "
                "which is another kind of parameter. Are two of them exchanged?"
            )
        check_names(f"{who}: {where}", like.names, got.names)
        if got.names != like.names:
            raise ValueError(
                f"{who}: {where} must have its gates in the order {', '.join(like.names)}; "
                f"got {', '.join(got.names)}."
            )
    if isinstance(like, Mapping):
        check_names(f"{who}: {where}", like, got)
    for place, (got_part, like_part) in _parts(got, like).items():
        if jax.tree.structure(got_part) != jax.tree.structure(like_part):
            _explain_structure(who, where + place, got_part, like_part)
    raise TypeError(
        f"{who}: {where} must have the structure {jax.tree.structure(like)}; "
        f"got {jax.tree.structure(got)}."
    )


def _parts(got: Any, like: Any) -> dict[str, tuple[Any, Any]]:
    """The parts of two containers of one kind, by their place."""
    if type(like) in (tuple, list):
        return {f"[{i}]": parts for i, parts in enumerate(zip(got, like, strict=True))}
    if isinstance(like, Mapping):
        return {f"[{name!r}]": (got[name], like[name]) for name in like}
    names = getattr(like, "_fields", None) or getattr(like, "names", ())
    return {f".{name}": (getattr(got, name), getattr(like, name)) for name in names}


def _kind(value: Any) -> str:
    """``LSTMCarry(h, c)`` for a container with names, ``tuple(LSTMCarry, GRUCarry)`` without."""
    names = getattr(value, "_fields", None) or getattr(value, "names", None)
    if names is None and type(value) in (tuple, list):
        names = ["None" if part is None else describe(part) for part in value]
    if names is None:
        return "an array" if hasattr(value, "dtype") else describe(value)
    return f"{type(value).__name__}({', '.join(names)})"


MADE = " cell.initial_carry(batch_shape) makes one."


def check_carry(who: str, carry: Any, like: Any, name: str = "carry", hint: str = MADE) -> None:
    """Refuses a carry of another structure, shape or kind of numbers than ``like``."""
    if jax.tree.structure(carry) != jax.tree.structure(like):
        _explain_structure(who, name, carry, like, hint)
    for (path, got), want in zip(
        jax.tree_util.tree_leaves_with_path(carry), jax.tree.leaves(like), strict=True
    ):
        where = f"{name}{jax.tree_util.keystr(path)}"
        array(who, where, got)
        if got.shape != want.shape:
            raise ValueError(
                f"{who}: {where} must have shape {describe_shape(want)}, the batch axes of x and "
                f"the state; got {describe_shape(got)}."
            )
        if jnp.issubdtype(want.dtype, jnp.floating):
            floating(who, where, got)


# --- the guards that Cell puts around the methods of every subclass ---


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
        who = f"{name_of(self)}.step"
        if carry is None:
            raise TypeError(f"{who}: carry must be given; cell.initial_carry makes one.")
        arguments(self, who, params, carry, x)
        # An equation adds a bias (features,) to (*batch, features): that much promotion of ranks is
        # meant, also where the user has made it an error everywhere else.
        with jax.numpy_rank_promotion("allow"):
            return step(self, params, carry, x)

    return guarded


def unguarded(cell: Any) -> Callable[..., Any]:
    """The step of a cell without its checks, for arguments that were checked before.

    Only the guard is taken off: decorators of the user's own stay, and so does a step that was put
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


def cast_floating(tree: Any, dtype: Any) -> Any:
    """The tree with its floating arrays cast to ``dtype``; all else untouched."""

    def cast(leaf: Any) -> Any:
        return leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    return jax.tree.map(cast, tree)
