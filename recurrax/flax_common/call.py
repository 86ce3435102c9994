"""One call of a Flax layer, as a run over time."""

from collections.abc import Callable
from typing import Any, NamedTuple

from recurrax.cell.cell import Layer
from recurrax.cell.checks import feature_sizes, widest
from recurrax.cell.options import name_of
from recurrax.sequence.checks.names import ArgumentNames
from recurrax.sequence.checks.options import check_flag
from recurrax.sequence.options import Run, RunInputs
from recurrax.sequence.prepare import check_arguments, one_step, prepare_run
from recurrax.sequence.run import run_layer


def names_of(caller: str) -> ArgumentNames:
    """Flax's names of the arguments."""
    return ArgumentNames(caller, xs="inputs", carry="initial_carry", lengths="seq_lengths")


class Call(NamedTuple):
    """One call of a layer after its checks."""

    inputs: Any
    run: Run
    return_carry: bool
    num_feature_axes: int

    @property
    def x(self) -> Any:
        """Shapes and dtypes of one step."""
        return one_step(self.inputs, self.run.options.time)

    @property
    def in_features(self) -> Any:
        """The size of the last axis of every input."""
        return feature_sizes(self.x, self.num_feature_axes)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """What Flax's ``initialize_carry`` takes: the shape of one step."""
        return widest(self.x).shape


def prepare_call(
    caller: str, layer: Any, cell: Any, inputs: Any, run_inputs: RunInputs, **overrides: Any
) -> Call:
    """Checks a call, and fills the flags that it leaves open from the layer's attributes.

    ``cell`` is the recurrax cell of the layer, or one of Flax's.
    """
    flags = {n: getattr(layer, n) if flag is None else flag for n, flag in overrides.items()}
    for name, flag in flags.items():
        check_flag(caller, name, flag)
    run, inputs = prepare_run(
        names_of(caller),
        cell,
        inputs,
        run_inputs,
        time_axis=0 if flags["time_major"] else -(cell.num_feature_axes + 1),
        reverse=flags["reverse"],
        pad=layer.pad,
        order="processing" if flags["reverse"] and not flags["keep_order"] else "input",
        method=layer.method,
        chunk=layer.chunk,
        residuals=layer.residuals,
        unroll=layer.unroll,
        dtype=layer.dtype,
        carry_dtype=layer.carry_dtype,
    )
    return Call(inputs, run, flags["return_carry"], cell.num_feature_axes)


def training_key(
    caller: str, cell: Layer, deterministic: bool | None, draw: Callable[[], Any]
) -> Any:
    """The key for the random numbers of a cell in training; ``None`` for evaluation."""
    if deterministic is not None:
        check_flag(caller, "deterministic", deterministic)
    if not cell.is_stochastic or deterministic:
        return None
    if deterministic is None:
        raise ValueError(
            f"{caller}: {name_of(cell)} draws random numbers in training, so deterministic is "
            "required; pass True or False, in the call or as an attribute."
        )
    return draw()


def run_recurrax_cell(
    call: Call, cell: Layer, params: Any, carry: Any, key: Any
) -> tuple[Any, Any]:
    """A recurrax cell over time: ``(carry, outputs)``."""
    check_arguments(names_of(call.run.caller), cell, params, carry, call.x)
    result = run_layer(cell, call.run.with_inputs(key=key), params, call.inputs, carry)
    return result.carry, result.ys
