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

    The mask of h applies only where h is multiplied by a recurrent kernel; the state itself is not
    dropped. Keras calls the two rates ``dropout`` and ``recurrent_dropout``.

    Attributes:
      cell: a cell whose matmuls are ``x @ W.k`` and ``h @ U.k``, where ``W`` and ``U`` are Gates.
      input: rate for x.
      recurrent: rate for h.
      per_gate: whether every gate has its own mask, as in Keras' ``recurrent_dropout``.
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
        """The rates above zero, by the axis of the operand."""
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
    """A kernel that applies dropout to its left operand: ``h @ U`` is ``d(h) @ U``.

    It is deliberately not an array: a step that uses it in another way fails instead of silently
    ignoring the mask.
    """

    def __init__(self, kernel: Array, keep: Array, rate: float, memo: dict[int, Any]):
        self.kernel, self.keep, self.rate, self.memo = kernel, keep, rate, memo

    def __rmatmul__(self, operand: Array) -> Array:
        # All kernels share the dropped operand, so that the compiler can fuse their matmuls.
        if id(operand) not in self.memo:
            self.memo[id(operand)] = operand, dropped(operand, self.keep, self.rate)
        return self.memo[id(operand)][1] @ self.kernel
