"""What the linen and the nnx layer share: Flax's arguments, mapped onto a run over time."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from recurrax.cell import checks
from recurrax.cell.cell import Layer
from recurrax.cell.checks import cast_floating
from recurrax.cell.options import name_of
from recurrax.cell.params import describe, params_from_dict, params_to_dict
from recurrax.sequence.checks import (
    as_carry_dtype,
    as_dtype,
    check_flag,
    check_given,
    check_how,
    check_kept,
    check_reset_carry,
    check_sequence,
    first_step,
)
from recurrax.sequence.engine import over_time
from recurrax.sequence.how import RunInputs, RunOptions
from recurrax.sequence.run import run_layer
from recurrax.sequence.unroll import aligned


def to_tree(params: Any) -> dict[str, Any]:
    """Parameters as named entries of a module; those without names become one entry."""
    tree = params_to_dict(params)
    return tree if isinstance(tree, dict) else {"value": tree}


def from_tree(like: Any, tree: Any, where: str = "params") -> Any:
    """The inverse of :func:`to_tree`."""
    named = isinstance(params_to_dict(like), dict)
    return params_from_dict(like, tree if named else tree["value"], where)


def annotated(tree: Any, partitioning: Any, box: Callable[[Any, tuple[Any, ...]], Any]) -> Any:
    """The tree with the arrays of every named group boxed with the names of mesh axes."""
    if not partitioning:
        return tree

    def walk(node: Any, names: Any) -> Any:
        if isinstance(node, dict):
            return {k: walk(v, partitioning.get(k, names)) for k, v in node.items()}
        return node if names is None else box(node, tuple(names))

    return walk(tree, None)


def check_partitioning(who: str, tree: Any, partitioning: Any) -> None:
    """Every group must exist, with as many axes as there are names."""
    if partitioning is None:
        return
    if not isinstance(partitioning, Mapping):
        raise TypeError(
            f"{who}: partitioning must be a dict such as {{'U': (None, 'model')}}; "
            f"got {describe(partitioning)}."
        )
    found: set[str] = set()

    def check(array: Any, names: tuple[Any, ...]) -> Any:
        if array.ndim != len(names):
            raise ValueError(
                f"{who}: partitioning names {len(names)} axes, {names}, for an array of shape "
                f"{checks.describe_shape(array)}."
            )

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            found.update(node)
            for part in node.values():
                walk(part)

    walk(tree)
    for name in partitioning:
        if name not in found:
            raise ValueError(
                f"{who}: partitioning names {name!r}; the parameters have "
                f"{', '.join(sorted(found))}."
            )
        names = partitioning[name]
        if not isinstance(names, tuple | list | None):
            raise TypeError(
                f"{who}: partitioning[{name!r}] must be a tuple of names of mesh axes; "
                f"got {names!r}."
            )
    annotated(tree, partitioning, check)


class Call(NamedTuple):
    """One call of a layer: its inputs, how to run, the arrays beside, and what to return."""

    inputs: Any
    how: RunOptions
    given: RunInputs
    return_carry: bool

    @property
    def x0(self) -> Any:
        """Shapes and dtypes of one step."""
        return first_step(self.inputs, self.how.time)

    @property
    def in_features(self) -> Any:
        """The size of the last axis of every input."""
        return jax.tree.map(lambda a: a.shape[-1], self.x0)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """What Flax's ``initialize_carry`` takes: the shape of one step."""
        return jax.tree.leaves(self.x0)[0].shape


NAMES = RunInputs("seq_lengths", "mask", "resets", "reset_carry")


def prepare(
    who: str, layer: Any, spec: Layer | None, inputs: Any, given: RunInputs, **overrides: Any
) -> Call:
    """Checks a call, and fills the flags that it leaves open from the layer's attributes.

    ``spec`` is the recurrax cell of the layer, or ``None`` for one of Flax's.
    """
    flags = {n: getattr(layer, n) if flag is None else flag for n, flag in overrides.items()}
    for name, flag in flags.items():
        check_flag(who, name, flag)
    features = layer.cell.num_feature_axes
    time_axis = 0 if flags["time_major"] else -(features + 1)
    check_sequence(who, "inputs", inputs, time_axis, features)
    first = jax.tree.leaves(inputs)[0]
    how = RunOptions(
        time=time_axis % first.ndim,
        reverse=flags["reverse"],
        pad=layer.pad,
        order="processing" if flags["reverse"] and not flags["keep_order"] else "input",
        method=layer.method,
        chunk=layer.chunk,
        residuals=layer.residuals,
        dtype=as_dtype(who, "dtype", layer.dtype),
        carry_dtype=as_carry_dtype(who, spec, layer.carry_dtype),
    )
    check_how(who, how)
    given = check_given(who, spec, given, how, first.shape, features, "inputs", NAMES)
    return Call(aligned(inputs, time_axis, how.time), how, given, flags["return_carry"])


def training_key(who: str, spec: Layer, deterministic: bool | None, draw: Callable[[], Any]) -> Any:
    """The key for the random numbers of a cell in training; ``None`` for evaluation."""
    if deterministic is not None:
        check_flag(who, "deterministic", deterministic)
    if not spec.is_stochastic or deterministic:
        return None
    if deterministic is None:
        raise ValueError(
            f"{who}: {name_of(spec)} draws random numbers in training; say deterministic=True or "
            "False, in the call or as an attribute."
        )
    return draw()


def run(who: str, spec: Layer, params: Any, carry: Any, call: Call, key: Any) -> tuple[Any, Any]:
    """A recurrax cell over time."""
    checks.arguments(spec, who, params, carry, call.x0, "inputs", "initial_carry")
    given = call.given._replace(key=key)
    return run_layer(who, spec, params, call.inputs, carry, call.how, given)


def run_flax(who: str, step: Any, carry: Any, call: Call, state: Any = None) -> tuple[Any, Any]:
    """One of Flax's cells over time; with ``state``, its step takes ``(carry, state)``.

    A Flax cell makes its carry in ``param_dtype`` and may return it in its ``dtype``; the carry is
    kept in the dtype that the step returns.
    """
    # Where lax.scan takes a number, so does this.
    carry = jax.tree.map(lambda c: c if hasattr(c, "dtype") else jnp.asarray(c), carry)
    batch = check_batch_axes(who, carry, call)
    whole = carry if state is None else (carry, state)
    try:
        new, _ = jax.eval_shape(step, whole, call.x0)
    except (TypeError, ValueError, IndexError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        x0, given = (jax.tree.map(describe, tree) for tree in (call.x0, carry))
        raise kind(
            f"{who}: the Flax cell does not take a step of inputs, {x0}, with the carry {given}: "
            f"{error}"
        ) from error
    new = new if state is None else new[0]
    if jax.tree.structure(new) == jax.tree.structure(carry):
        carry = jax.tree.map(lambda c, n: cast_floating(c, n.dtype), carry, new)
    check_kept(who, "the Flax cell", carry, new)
    if call.given.reset_carry is not None:
        row = jax.tree.map(lambda c: jax.ShapeDtypeStruct(c.shape[len(batch) :], c.dtype), carry)
        hint = " cell.initialize_carry makes one."
        check_reset_carry(who, NAMES.reset_carry, call.given.reset_carry, row, carry, hint)
    return over_time(who, step, carry, call.inputs, call.how, call.given, state=state)


def in_dtype_of(cell: Any, carry: Any) -> Any:
    """The carry of a Flax cell in its ``dtype``: Flax makes it in ``param_dtype``."""
    dtype = getattr(cell, "dtype", None)
    return carry if dtype is None else cast_floating(carry, dtype)


def check_batch_axes(who: str, carry: Any, call: Call) -> tuple[int, ...]:
    """Steps are skipped and carries reset row by row, so a carry must have rows."""
    given = call.given
    if given.lengths is None and given.mask is None and given.resets is None:
        return ()
    time = call.how.time
    flags: Any = given.mask if given.resets is None else given.resets
    lengths: Any = given.lengths
    shape = lengths.shape if flags is None else flags.shape[:time] + flags.shape[time + 1 :]
    for path, leaf in jax.tree_util.tree_leaves_with_path(carry):
        if leaf.shape[: len(shape)] != shape:
            raise ValueError(
                f"{who}: carry{jax.tree_util.keystr(path)} must begin with the batch axes {shape} "
                f"for lengths, masks and resets; it has shape {checks.describe_shape(leaf)}."
            )
    return shape


def check_alone(who: str, spec: Layer) -> None:
    """A cell that Flax drives step by step has no dropout key and no parameters for its carry."""
    if spec.is_stochastic:
        raise ValueError(
            f"{who}: {name_of(spec)} draws random numbers in training, for which Flax's own layers "
            "have no key to hand on; use the RNN of recurrax."
        )
    if spec.learns_carry:
        raise ValueError(
            f"{who}: the initial carry of {name_of(spec)} is among its parameters, which "
            "initialize_carry does not see; use the RNN of recurrax."
        )


def check_flax_cell(who: str, **given: Any) -> None:
    """A Flax cell is made with its dtypes and the names of its axes."""
    for name, value in given.items():
        if name == "param_dtype" and value is jnp.float32:  # the default
            continue
        if value is not None:
            raise ValueError(
                f"{who}: {name} is for recurrax cells; a Flax cell has its own, as in "
                "nn.LSTMCell(64, dtype=jnp.bfloat16)."
            )


def check_flax_call(who: str, deterministic: Any) -> None:
    """A Flax cell is told by its own attributes whether to drop."""
    if deterministic is not None:
        raise ValueError(
            f"{who}: deterministic is for recurrax cells; a Flax cell has its own attributes."
        )
