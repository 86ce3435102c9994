"""A forward and a backward cell over one sequence (Schuster & Paliwal 1997)."""

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recurrax.cell import options
from recurrax.cell.cell import Layer
from recurrax.cell.exportable import exportable
from recurrax.compose.wrapper import check_params, check_part, keys
from recurrax.sequence.engine import valid_steps
from recurrax.sequence.options import Run, RunResult
from recurrax.sequence.padding import resets_of_reversed_run
from recurrax.sequence.run import run_layer

MERGES = {
    "concat": lambda a, b: jnp.concatenate([a, b], -1),
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "mean": lambda a, b: (a + b) / 2,
    None: lambda a, b: (a, b),
}


@exportable
class BidirectionalParams(NamedTuple):
    forward: Any
    backward: Any


@exportable
class BidirectionalCarry(NamedTuple):
    forward: Any
    """After the last step of each row."""
    backward: Any
    """After the first step of each row, where the backward run ends."""


@dataclass(frozen=True)
class Bidirectional(Layer):
    """Runs one cell forward and one cell backward over the valid steps of a sequence.

    Outputs are in the order of the inputs. Two equal cells run in one loop.

    Attributes:
      forward: a cell.
      backward: a cell; ``None`` for a cell like ``forward``, with parameters of its own.
      merge: ``"concat"``, ``"sum"``, ``"mul"``, ``"mean"``, or ``None`` for a pair of outputs.

    Example:
      >>> import jax
      >>> import recurrax as rx
      >>> layer = rx.Bidirectional(rx.LSTM(16))
      >>> params = layer.init(jax.random.key(0), in_features=3)
      >>> carry, ys = rx.unroll(layer, params, jax.numpy.ones((2, 5, 3)))
      >>> ys.shape, carry.backward.h.shape
      ((2, 5, 32), (2, 16))
    """

    forward: Any
    backward: Any = None
    _: KW_ONLY
    merge: str | None = "concat"

    Carry = BidirectionalCarry
    Params = BidirectionalParams

    def __post_init__(self) -> None:
        if self.backward is None:
            object.__setattr__(self, "backward", self.forward)
        check_part(self, "forward", self.forward, Layer)
        check_part(self, "backward", self.backward, Layer)
        options.one_of(self, "merge", tuple(MERGES))
        sizes = self.out_sizes(0)
        if self.merge is not None and any(isinstance(size, tuple) for size in sizes):
            raise ValueError(
                f"rx.Bidirectional: merge={self.merge!r} needs one output from each direction; "
                f"they put out {sizes[0]} and {sizes[1]}. Use merge=None outside, or another "
                "merge inside."
            )
        if self.merge in ("sum", "mul", "mean") and sizes[0] != sizes[1]:
            raise ValueError(
                f"rx.Bidirectional: merge={self.merge!r} needs outputs of one size; forward has "
                f"{sizes[0]} features and backward {sizes[1]}."
            )

    def init(self, key: Array, in_features: Any) -> BidirectionalParams:
        there, back = keys(key, 2)
        return BidirectionalParams(
            self.forward.init(there, in_features), self.backward.init(back, in_features)
        )

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> BidirectionalCarry:
        return BidirectionalCarry(
            self.forward.initial_carry(batch_shape), self.backward.initial_carry(batch_shape)
        )

    def initial_carry_from(self, params: Any, batch_shape: tuple[int, ...]) -> BidirectionalCarry:
        check_params(self, params, BidirectionalParams)
        return BidirectionalCarry(
            self.forward.initial_carry_from(params.forward, batch_shape),
            self.backward.initial_carry_from(params.backward, batch_shape),
        )

    def out_sizes(self, in_features: Any) -> tuple[Any, Any]:
        """The output sizes of the two directions."""
        return self.forward.out_size(in_features), self.backward.out_size(in_features)

    def out_size(self, in_features: Any) -> Any:
        there, back = self.out_sizes(in_features)
        if self.merge is None:
            return there, back
        return there + back if self.merge == "concat" else there

    @property
    def out_features(self) -> Any:
        return self.out_size(0)

    def out_batch_shape(self, batch_shape: tuple[int, ...]) -> tuple[int, ...]:
        return self.forward.out_batch_shape(batch_shape)

    @property
    def input_kinds(self) -> tuple[Any, ...]:
        return self.forward.input_kinds

    @property
    def num_feature_axes(self) -> int:
        return max(self.forward.num_feature_axes, self.backward.num_feature_axes)

    @property
    def is_stochastic(self) -> bool:
        return self.forward.is_stochastic or self.backward.is_stochastic

    @property
    def learns_carry(self) -> bool:
        return self.forward.learns_carry or self.backward.learns_carry

    def over_time(self, run: Run, params: Any, xs: Any, carry: Any) -> RunResult:
        alike = self.forward == self.backward and self.forward.has_step
        both = in_one_loop if alike and not run.options.reverse else one_after_the_other
        forward, backward = both(self, run, params, xs, carry)
        carries = None
        if run.options.every_carry:
            carries = BidirectionalCarry(forward.carries, backward.carries)
        return RunResult(
            BidirectionalCarry(forward.carry, backward.carry),
            MERGES[self.merge](forward.ys, backward.ys),
            carries,
        )


def one_after_the_other(
    layer: Bidirectional, run: Run, params: Any, xs: Any, carry: Any
) -> tuple[RunResult, RunResult]:
    """Two runs, one of them reversed."""
    carry = carry or (None, None)
    starts = run.inputs.reset_carry or (None, None)
    draws = (None, None) if run.inputs.key is None else keys(run.inputs.key, 2)
    forward, backward = (
        run.with_inputs(reset_carry=start, key=key)
        for start, key in zip(starts, draws, strict=True)
    )
    backward = backward.with_options(reverse=not run.options.reverse)
    return (
        run_layer(layer.forward, forward, params.forward, xs, carry[0]),
        run_layer(layer.backward, backward, params.backward, xs, carry[1]),
    )


def in_one_loop(
    layer: Bidirectional, run: Run, params: Any, xs: Any, carry: Any
) -> tuple[RunResult, RunResult]:
    """Both directions as two members of an ensemble, the second over flipped sequences."""
    time, resets = run.options.time, run.inputs.resets

    def flipped(tree: Any) -> Any:
        return jax.tree.map(lambda a: jnp.flip(a, time), tree)

    valid = valid_steps(run, xs)
    backwards = None if resets is None else resets_of_reversed_run(resets, valid, time)
    members = (
        (params.forward, xs, valid, resets),
        (params.backward, *flipped((xs, valid, backwards))),
    )
    members = jax.tree.map(lambda *pair: jnp.stack(pair), *members)
    # Carries and keys come in pairs already, or not at all.
    pairs = carry, run.inputs.reset_carry
    pairs = tuple(None if p is None else jax.tree.map(lambda *a: jnp.stack(a), *p) for p in pairs)
    draws = None if run.inputs.key is None else jax.random.split(run.inputs.key)

    def member(sequences: Any, pairs: Any, key: Any) -> RunResult:
        params, xs, valid, resets = sequences
        carry, start = pairs
        own = run.with_inputs(lengths=None, mask=valid, resets=resets, reset_carry=start, key=key)
        return run_layer(layer.forward, own, params, xs, carry)

    both: Any = jax.vmap(member)(members, pairs, draws)
    there, back = (jax.tree.map(lambda a, i=i: a[i], both) for i in (0, 1))
    return there, back._replace(ys=flipped(back.ys), carries=flipped(back.carries))
