"""How a run over time is asked for: what is static, and the arrays beside the inputs."""

from typing import Any, NamedTuple

PADS = ("zero", "hold")
ORDERS = ("input", "processing")


class RunOptions(NamedTuple):
    """Everything about a run that is not an array; hashable, so that equal runs share a trace."""

    time: int  # the axis of time, counted from the front
    reverse: bool = False
    pad: str = "zero"
    order: str = "input"
    method: str = "auto"
    chunk: int | None = None
    residuals: str = "auto"
    return_carries: bool = False
    dtype: Any = None
    carry_dtype: Any = None  # a dtype, or pairs (name of a carry's field, dtype)


class RunInputs(NamedTuple):
    """Arrays that say which steps count, where sequences begin, and what random numbers to draw."""

    lengths: Any = None
    mask: Any = None
    resets: Any = None
    reset_carry: Any = None
    key: Any = None
