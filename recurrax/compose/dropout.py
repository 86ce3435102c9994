r"""Dropout, by the names of the papers.

With a mask m of independent zeros and ones (one with probability 1 - rate), and
d(v) = m * v / (1 - rate):

    Dropout               y = d(x)                                  a new mask at every step
    Dropout(per="run")    y = d(x)                                  one mask for all steps
    VariationalDropout    d(x) W_k and d(h) U_k in every product    one mask for all steps
    RecurrentDropout      c' = f * c + i * d(g)                     the candidate alone
    DropConnect           h d(U_k)                                  weights, once for a run

Masks are drawn for each row of the batch apart, except those of weights. Evaluation, a run without
a key, has no masks.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from recurrax.cell import activations, options
from recurrax.cell.cell import Cell, Noise
from recurrax.cell.options import name_of
from recurrax.cell.params import INPUT, RECURRENT, Gates
from recurrax.compose.wrapper import Wrapper, apart, keys, recurrent_kernels, together

PER = ("step", "run")


def dropped(value: Array, keep: Array, rate: float) -> Array:
    """d(v): zero where not kept, and scaled so that the expectation stays."""
    return jnp.where(keep, value / (1 - rate), jnp.zeros_like(value))


def mask(key: Array, rate: float, shape: tuple[int, ...]) -> Array:
    """What is kept, boolean."""
    return jax.random.bernoulli(key, 1 - rate, shape)


@dataclass(frozen=True)
class Dropout(Cell):
    """Dropout as a layer without parameters, for the places between the cells of a stack.

    Zaremba et al. (2014, arXiv:1409.2329) and torch draw ``per="step"``; Gal & Ghahramani (2016)
    and Keras' ``dropout`` argument once ``per="run"``.

    Attributes:
      rate: the probability that a number becomes zero, from 0 to below 1.
      per: ``"step"``, or ``"run"`` for one mask for all steps.
    """

    rate: float
    per: str = "step"

    def __post_init__(self) -> None:
        options.rate(self, "rate")
        options.one_of(self, "per", PER)

    def init(self, key: Array, in_features: int) -> None:
        del key, in_features

    def initial_carry(self, batch_shape: tuple[int, ...] = ()) -> tuple[()]:
        del batch_shape
        return ()

    def step(self, params: None, carry: tuple[()], x: Array) -> tuple[tuple[()], Array]:
        del params
        return carry, x

    def noise(self, key: Array, x: Any, steps: int) -> Noise:
        if self.per == "run":
            return Noise(run=mask(key, self.rate, x.shape))
        return Noise(step=mask(key, self.rate, (steps, *x.shape)))

    def training_step(self, params: None, carry: Any, x: Array, noise: Noise) -> tuple[Any, Array]:
        del params
        return carry, dropped(x, noise.run if self.per == "run" else noise.step, self.rate)

    def out_size(self, in_features: int) -> int:
        return in_features

    @property
    def out_features(self) -> int:
        raise AttributeError("rx.Dropout: as many as come in; out_size(in_features) tells.")

    @property
    def is_stochastic(self) -> bool:
        return True


@dataclass(frozen=True)
class VariationalDropout(Wrapper):
    """Masks on x and h that stay for all steps (Gal & Ghahramani 2016, arXiv:1512.05287).

    h is dropped where it is multiplied with a recurrent kernel, and nowhere else: the state itself
    is kept. Keras calls the two rates ``dropout`` and ``recurrent_dropout``.

    Attributes:
      cell: a cell whose products are ``x @ W.k`` and ``h @ U.k``, with ``W`` and ``U`` Gates.
      input: rate for x.
      recurrent: rate for h.
      per_gate: a mask for every gate, as in Keras' ``recurrent_dropout``, instead of one for all.
    """

    input: float = 0.0
    recurrent: float = 0.0
    per_gate: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        options.rate(self, "input")
        options.rate(self, "recurrent")
        options.one_of(self, "per_gate", (False, True))
        inner = self.cell
        while isinstance(inner, Wrapper):
            if isinstance(inner, DropConnect):
                raise ValueError(
                    "rx.VariationalDropout: rx.DropConnect changes the kernels that h meets, so it "
                    "goes outside: rx.DropConnect(rx.VariationalDropout(cell, ...), rate)."
                )
            inner = inner.cell

    @property
    def rates(self) -> dict[str, float]:
        """The rate for each kind of operand, by the name of its axis."""
        rates = {"x": self.input, "h": self.recurrent}
        return {axis: rate for axis, rate in rates.items() if rate}

    def noise(self, key: Array, x: Any, steps: int) -> Noise:
        key, inner = keys(key, 2)
        like = self.cell.params_like(x.shape[-1])
        masks: dict[Any, Array] = {}
        for name, gates in self.groups(like).items():
            for gate, kernel in gates.items():
                place = (name, gate) if self.per_gate else (gates.axes[0], kernel.shape[0])
                if place not in masks:
                    key, draw = keys(key, 2)
                    rows = (*x.shape[:-1], kernel.shape[0])
                    masks[place] = mask(draw, self.rates[gates.axes[0]], rows)
        return together([Noise(run=masks), self.cell.noise(inner, x, steps)])

    def training_step(self, params: Any, carry: Any, x: Array, noise: Noise) -> tuple[Any, Array]:
        own, inner = apart(noise)
        memo: dict[Any, Any] = {}
        replaced = {}
        for name, gates in self.groups(params).items():
            axis = gates.axes[0]
            kernels = {}
            for gate, kernel in gates.items():
                place = (name, gate) if self.per_gate else (axis, kernel.shape[0])
                kernels[gate] = DroppingKernel(
                    kernel, own.run[place], self.rates[axis], memo.setdefault(place, {})
                )
            replaced[name] = Gates(gates.axes, **kernels)
        return self.cell.training_step(params._replace(**replaced), carry, x, inner)

    def groups(self, params: Any) -> dict[str, Gates]:
        """The groups of kernels whose operands are dropped."""
        recurrent_kernels(self, params)
        groups = {name: getattr(params, name) for name in params._fields}
        return {
            name: group
            for name, group in groups.items()
            if isinstance(group, Gates)
            and group.axes in (INPUT, RECURRENT)
            and group.axes[0] in self.rates
        }

    @property
    def is_stochastic(self) -> bool:
        return True


class DroppingKernel:
    """A kernel that drops what is multiplied with it: ``h @ U`` is ``d(h) @ U``.

    Not an array on purpose: a step that uses it in any other way fails instead of losing the mask.
    """

    def __init__(self, kernel: Array, keep: Array, rate: float, memo: dict[int, Any]):
        self.kernel, self.keep, self.rate, self.memo = kernel, keep, rate, memo

    def __rmatmul__(self, operand: Array) -> Array:
        # The same operand meets several kernels: dropped once, their products can become one.
        if id(operand) not in self.memo:
            self.memo[id(operand)] = operand, dropped(operand, self.keep, self.rate)
        return self.memo[id(operand)][1] @ self.kernel


@dataclass(frozen=True)
class RecurrentDropout(Wrapper):
    """Recurrent dropout without memory loss (Semeniuta et al. 2016, arXiv:1603.05118).

    Only the candidate is dropped, ``c' = f * c + i * d(g)`` in an LSTM and
    ``h' = (1 - z) * d(n) + z * h`` in a GRU, so that no mask touches what the cell remembers.

    Attributes:
      cell: a cell with the option ``candidate_fn``, such as LSTM and GRU.
      rate: the probability that a candidate is dropped.
      per: ``"step"``, a new mask at every step, or ``"run"``.
    """

    rate: float
    per: str = "step"

    def __post_init__(self) -> None:
        super().__post_init__()
        options.rate(self, "rate")
        options.one_of(self, "per", PER)
        if not hasattr(self.cell, "candidate_fn"):
            raise TypeError(
                f"rx.RecurrentDropout: {name_of(self.cell)} has no option candidate_fn, whose "
                "result would be dropped; rx.LSTM and rx.GRU have one. Other wrappers go around "
                "this one."
            )

    def noise(self, key: Array, x: Any, steps: int) -> Noise:
        key, inner = keys(key, 2)
        shape = (*x.shape[:-1], self.cell.features)
        own = (
            Noise(run=mask(key, self.rate, shape))
            if self.per == "run"
            else Noise(step=mask(key, self.rate, (steps, *shape)))
        )
        return together([own, self.cell.noise(inner, x, steps)])

    def training_step(self, params: Any, carry: Any, x: Array, noise: Noise) -> tuple[Any, Array]:
        own, inner = apart(noise)
        keep = own.run if self.per == "run" else own.step
        cell: Any = self.cell  # a frozen dataclass
        phi = activations.get(cell.candidate_fn)

        def candidate(z: Array) -> Array:
            return dropped(phi(z), keep, self.rate)

        cell = dataclasses.replace(cell, candidate_fn=candidate)
        return cell.training_step(params, carry, x, inner)

    @property
    def is_stochastic(self) -> bool:
        return True


@dataclass(frozen=True)
class DropConnect(Wrapper):
    """Recurrent weights set to zero (Wan et al. 2013; Merity et al. 2017, arXiv:1708.02182).

    One draw for a whole run and for all rows of the batch.

    Attributes:
      cell: a cell with recurrent kernels ``U``.
      rate: the probability that a weight is dropped.
    """

    rate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        options.rate(self, "rate")

    def noise(self, key: Array, x: Any, steps: int) -> Noise:
        key, inner = keys(key, 2)
        kernels = recurrent_kernels(self, self.cell.params_like(x.shape[-1]))
        leaves, treedef = jax.tree.flatten(kernels)
        draws = keys(key, len(leaves))
        masks = [mask(k, self.rate, leaf.shape) for k, leaf in zip(draws, leaves, strict=True)]
        own = Noise(run=jax.tree.unflatten(treedef, masks))
        return together([own, self.cell.noise(inner, x, steps)])

    def training_step(self, params: Any, carry: Any, x: Array, noise: Noise) -> tuple[Any, Array]:
        own, inner = apart(noise)
        kernels = jax.tree.map(
            lambda U, keep: dropped(U, keep, self.rate), recurrent_kernels(self, params), own.run
        )
        return self.cell.training_step(params._replace(**kernels), carry, x, inner)

    @property
    def is_stochastic(self) -> bool:
        return True
