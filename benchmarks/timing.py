"""The clock."""

import gc
import time
from collections.abc import Callable
from typing import Any


def repeat(call: Callable[[], Any], seconds: float, least: int) -> list[float]:
    """Times of single calls in ms, for ``seconds``, or longer for ``least`` calls if they are slow.

    No call starts after eight times ``seconds``: one stalled contender must not hold up the run.
    """
    call()  # not timed: what ran before has filled the processor's caches with its own data
    gc.collect()
    gc.disable()
    try:
        times: list[float] = []
        start = now = time.perf_counter()
        while not times or now < start + (8 if len(times) < least else 1) * seconds:
            times.append(once(call)[0])
            now = time.perf_counter()
    finally:
        gc.enable()
    return times


def once(call: Callable[[], Any]) -> tuple[float, Any]:
    """The time of one call in ms, and its result."""
    start = time.perf_counter()
    result = call()
    return (time.perf_counter() - start) * 1e3, result
