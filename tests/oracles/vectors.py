"""Vectors computed by published implementations, stored in `<name>.npz` beside this file.

A file holds several cases, each as flat arrays: `lstm/xs`, `lstm/params/W/i`,
`lstm/grads/carry/h`, and `lstm/meta`, a JSON text with everything that is not an array. The
parameters are already split by gate, transposed to (in, out) and named as in `numpy_cells`.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

FOLDER = Path(__file__).parent


class Vector(NamedTuple):
    """A cell run over a batch of sequences, with the gradients of a loss.

    The loss is sum(ys * cot_ys) + sum(final_carry * cot_carry).
    """

    cell: str  # the key of the oracle in `numpy_cells.ORACLES`
    options: dict  # its keyword arguments
    params: dict
    carry: dict  # the initial carry
    xs: np.ndarray  # (T, B, I)
    ys: np.ndarray  # (T, B, out)
    final_carry: dict
    cot_ys: np.ndarray
    cot_carry: dict
    grads: dict  # "params", "carry" and "xs"
    library: str  # the implementation that computed it, with its version
    seed: int


META = ("cell", "options", "library", "seed")


def load(name):
    """The cases of `<name>.npz`: a dict from the name of the case to its `Vector`."""
    tree = {}
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        for key in file.files:
            *branches, last = key.split("/")
            node = tree
            for branch in branches:
                node = node.setdefault(branch, {})
            node[last] = file[key]
    return {
        case: Vector(**json.loads(str(arrays.pop("meta"))), **arrays)
        for case, arrays in tree.items()
    }


def save(name, cases):
    """Writes `cases`, a dict from name to `Vector`, and prints what was written."""
    flat = {}
    for case, vector in cases.items():
        fields = vector._asdict()
        meta = {field: fields.pop(field) for field in META}
        flat[f"{case}/meta"] = np.array(json.dumps(meta))
        flat |= leaves(fields, case)
        print(f"{case}: {meta}, xs {vector.xs.shape}, ys {vector.ys.shape}")
    for key, array in flat.items():
        # A library may compute in float32 inside and still return what is float64 by its type.
        if not key.endswith("/meta") and (
            array.dtype != np.float64 or np.array_equal(array, array.astype(np.float32))
        ):
            raise TypeError(f"{key} is not float64 throughout")
    path = FOLDER / f"{name}.npz"
    np.savez_compressed(path, **flat)
    print(f"{path.name}: {len(flat)} arrays, {path.stat().st_size / 1000:.0f} kB")


def leaves(tree, path=""):
    """Every array of a nested dict, by its path."""
    if not isinstance(tree, dict):
        return {path: tree}
    found = {}
    for key, branch in tree.items():
        found |= leaves(branch, f"{path}/{key}")
    return found


def assert_close(actual, expected, tolerance):
    """What is expected is there; more may be."""
    actual = leaves(actual)
    for path, array in leaves(expected).items():
        assert actual[path].shape == array.shape, path
        np.testing.assert_allclose(
            actual[path], array, rtol=tolerance, atol=tolerance, err_msg=path
        )
