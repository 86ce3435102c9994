"""A forward and a backward cell over one sequence (Schuster & Paliwal 1997)."""

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recurrax.cell import options
from recurrax.cell.cell import Layer
from recurrax.compose.wrapper import check_params, check_part, keys
from recurrax.sequence.engine import which_count
from recurrax.sequence.padding import entered_from_behind

MERGES = {
    "concat": lambda a, b: jnp.concatenate([a, b], -1),
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "mean": lambda a, b: (a + b) / 2,
    None: lambda a, b: (a, b),
}


class BidirectionalParams(NamedTuple):
    forward: Any
    backward: Any


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
    def num_feature_axes(self) -> int:
        return max(self.forward.num_feature_axes, self.backward.num_feature_axes)

    @property
    def is_stochastic(self) -> bool:
        return self.forward.is_stochastic or self.backward.is_stochastic

    @property
    def learns_carry(self) -> bool:
        return self.forward.learns_carry or self.backward.learns_carry

    def over_time(
        self, run: Any, who: str, params: Any, xs: Any, carry: Any, how: Any, given: Any
    ) -> tuple[Any, Any]:
        together = self.forward == self.backward and self.forward.has_step and not how.reverse
        runner = in_one_loop if together else one_after_the_other
        carries, ys = runner(self, run, who, params, xs, carry, how, given)
        return BidirectionalCarry(*carries), MERGES[self.merge](*ys)


def one_after_the_other(
    layer: Bidirectional,
    run: Any,
    who: str,
    params: Any,
    xs: Any,
    carry: Any,
    how: Any,
    given: Any,
) -> tuple[Any, Any]:
    """Two runs, one of them reversed."""
    carry = carry or (None, None)
    starts = given.reset_carry or (None, None)
    draws = (None, None) if given.key is None else keys(given.key, 2)
    directions = (how, how._replace(reverse=not how.reverse))
    cells = (layer.forward, layer.backward)
    results = [
        run(who, cell, p, xs, c, way, given._replace(reset_carry=start, key=key))
        for cell, p, c, way, start, key in zip(
            cells, params, carry, directions, starts, draws, strict=True
        )
    ]
    return tuple(zip(*results, strict=True))  # type: ignore[return-value]


def in_one_loop(
    layer: Bidirectional,
    run: Any,
    who: str,
    params: Any,
    xs: Any,
    carry: Any,
    how: Any,
    given: Any,
) -> tuple[Any, Any]:
    """Both directions as two members of an ensemble, the second over flipped sequences."""
    time = how.time

    def flipped(tree: Any) -> Any:
        return jax.tree.map(lambda a: jnp.flip(a, time), tree)

    valid = which_count(jax.tree.leaves(xs)[0].shape[time], how, given)
    resets = given.resets
    backwards = resets
    if resets is not None:
        backwards = entered_from_behind(resets, valid, time)
    members = (
        (params.forward, xs, valid, resets),
        (params.backward, *flipped((xs, valid, backwards))),
    )
    members = jax.tree.map(lambda *pair: jnp.stack(pair), *members)
    # Carries and keys come in pairs already, or not at all.
    pairs = carry, given.reset_carry
    pairs = tuple(None if p is None else jax.tree.map(lambda *a: jnp.stack(a), *p) for p in pairs)
    draws = None if given.key is None else jax.random.split(given.key)

    def member(params: Any, xs: Any, valid: Any, resets: Any, pairs: Any, key: Any) -> Any:
        carry, start = pairs
        beside = type(given)(None, valid, resets, start, key)
        return run(who, layer.forward, params, xs, carry, how, beside)

    both: Any = jax.vmap(member)
    carries, ys = both(*members, pairs, draws)
    (there, back), (ys_there, ys_back) = (
        [jax.tree.map(lambda a, i=i: a[i], tree) for i in (0, 1)] for tree in (carries, ys)
    )
    if how.return_carries:
        back = flipped(back)
    return (there, back), (ys_there, flipped(ys_back))
