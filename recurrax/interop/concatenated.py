"""The concatenated form ``W [h, x] + b`` of a cell's parameters, and back.

Many texts write a gate as one kernel times the concatenation of h and x,

    sigma(K_f [h, x] + b_f)   where   K_f = [U_f; W_f]   (rows of h first)

which equals ``sigma(W_f x + U_f h + b_f)``. recurrax stores the two kernels separately; these
functions convert between the two forms. Haiku and TensorFlow 1 put x first: ``order="xh"``.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array

from recurrax.cell.cell import Cell
from recurrax.cell.convolutional import Convolutional
from recurrax.cell.naming import name_of
from recurrax.cell.operators import Kernel
from recurrax.cell.params import INPUT, RECURRENT, Gates
from recurrax.cells.antisymmetric import AntisymmetricRNN
from recurrax.cells.layer_norm_gru import LayerNormGRU
from recurrax.cells.layer_norm_lstm import LayerNormLSTM
from recurrax.cells.lem import LEM
from recurrax.cells.multiplicative_lstm import MultiplicativeLSTM
from recurrax.cells.mut import MUT
from recurrax.cells.nas import NAS

# Cells whose gates multiply something other than x and h, or use a product by itself.
OTHERWISE = (AntisymmetricRNN, Convolutional, LEM, MUT, MultiplicativeLSTM, NAS)
AXES = {"hx": ("[h,x]", "gate"), "xh": ("[x,h]", "gate")}


def to_concatenated(cell: Cell, params: Any, *, order: str = "hx") -> Gates:
    """One kernel per gate, ``(features + in_features, features)``, from ``U`` and ``W``.

    The biases do not change. In a GRU, the rows of h of ``K.n`` multiply r * h, not h.

    Args:
      cell: the cell that the parameters belong to.
      params: parameters with ``W`` and ``U``.
      order: ``"hx"`` puts the rows of h first, ``"xh"`` those of x.

    Raises:
      ValueError: for a GRU with reset="after", whose candidate has no such form.
    """
    _check(cell, order, "rx.to_concatenated")
    rows = (params.U, params.W) if order == "hx" else (params.W, params.U)
    kernels = {
        gate: jnp.concatenate([rows[0][gate], rows[1][gate]], axis=0) for gate in params.W.names
    }
    return Gates(AXES[order], **kernels)


def from_concatenated(
    cell: Cell, K: Gates | dict[str, Array], in_features: int, *, order: str = "hx"
) -> tuple[Gates, Gates]:
    """``(W, U)`` from the concatenated kernels; the inverse of :func:`to_concatenated`.

    Args:
      cell: the cell that the parameters are for.
      K: one kernel per gate, ``(features + in_features, features)``.
      in_features: how many of the rows belong to x.
      order: which rows come first, as in :func:`to_concatenated`.

    Raises:
      ValueError: if the rows do not add up, or ``K`` says that it has the other order.
    """
    _check(cell, order, "rx.from_concatenated")
    if isinstance(K, Gates) and K.axes != AXES[order]:
        raise ValueError(
            f"rx.from_concatenated: K has axes {K.axes}, but order={order!r} expects {AXES[order]}."
        )
    W: dict[str, Array] = {}
    U: dict[str, Array] = {}
    for gate, kernel in K.items():
        h_rows = kernel.shape[0] - in_features
        if h_rows != cell.out_features:
            raise ValueError(
                f"rx.from_concatenated: K.{gate} has {kernel.shape[0]} rows; expected "
                f"{cell.out_features} for h and in_features={in_features} for x."
            )
        if order == "hx":
            U[gate], W[gate] = kernel[:h_rows], kernel[h_rows:]
        else:
            W[gate], U[gate] = kernel[:in_features], kernel[in_features:]
    return Gates(INPUT, **W), Gates(RECURRENT, **U)


def _check(cell: Cell, order: str, who: str) -> None:
    if order not in AXES:
        raise ValueError(f"{who}: order must be 'hx' or 'xh'; got {order!r}.")
    if isinstance(cell, LayerNormLSTM | LayerNormGRU):
        raise ValueError(
            f"{who}: {name_of(cell)} normalises W x and U h apart, so its gates have no "
            "concatenated form."
        )
    if getattr(cell, "reset", None) == "after":
        raise ValueError(
            f"{who}: {name_of(cell)} with reset='after' multiplies r with U_n h alone, so its "
            "candidate has no concatenated form; use reset='before'."
        )
    like = cell.params_like(cell.features)
    W, U = getattr(like, "W", None), getattr(like, "U", None)
    plain = (
        isinstance(W, Gates)
        and isinstance(U, Gates)
        and W.names == U.names
        and not any(isinstance(kernel, Kernel) for _, kernel in U.items())
    )
    if not plain or isinstance(cell, OTHERWISE):
        raise ValueError(
            f"{who}: the gates of {name_of(cell)} are not all sums of a kernel times x and a "
            "matrix times h, so they have no concatenated form."
        )
