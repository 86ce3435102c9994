"""Nothing is timed before it has shown that it does the work."""

from collections.abc import Sequence

import numpy as np

from benchmarks.grid import GATES, Case


def number_of_parameters(case: Case, number: int) -> None:
    """All weights of all gates, and at most the two biases per gate that torch keeps."""
    most = case.weights + 2 * GATES[case.cell] * case.shape.features
    if not case.weights <= number <= most:
        raise AssertionError(f"{number} parameters; expected {case.weights} to {most}")


def forward(case: Case, ys: np.ndarray, carry: Sequence[np.ndarray]) -> None:
    B, T, _, H = case.shape
    has_shape("ys", ys, (B, T, H))
    if len(carry) != (2 if case.cell == "lstm" else 1):
        raise AssertionError(f"{len(carry)} arrays in the final carry")
    for array in carry:
        has_shape("final carry", array, (B, H))
    finite([ys, *carry])
    if not any(np.allclose(ys[:, -1], array, atol=1e-5) for array in carry):
        raise AssertionError("the last output is not in the final carry")


def backward(case: Case, dxs: np.ndarray, others: Sequence[np.ndarray]) -> None:
    B, T, D, _ = case.shape
    has_shape("gradient of the input", dxs, (B, T, D))
    finite([dxs, *others])
    if not (dxs != 0).any(axis=-1).all():
        raise AssertionError("no gradient reaches some step of the input")


def has_shape(what: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape or array.dtype != np.float32:
        raise AssertionError(f"{what} is {array.dtype}{array.shape}; expected float32{shape}")


def finite(arrays: Sequence[np.ndarray]) -> None:
    if not all(np.isfinite(array).all() for array in arrays):
        raise AssertionError("a result is not finite")
