"""Variational dropout: masks on x and h that stay for all steps."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

from jax import Array

from recurrax.cell import options
from recurrax.cell.cell import Noise
from recurrax.cell.params import INPUT, RECURRENT, Gates
from recurrax.compose.drop_connect import DropConnect
from recurrax.compose.masks import dropped, mask
from recurrax.compose.wrapper import Wrapper, apart, keys, recurrent_kernels, together


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

    _: KW_ONLY
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
