"""The table of all cells, computed from the cells themselves: ``rx.gallery.table()``."""

import re
import sys
from functools import partial
from typing import Any, NamedTuple

import jax

from recurrax import cells
from recurrax.cell.cell import Cell
from recurrax.cell.operators import Diagonal
from recurrax.explain import explain

SIZE = 6  # of h and x where the plan of a step is computed; the result does not depend on it
SPACE = 4  # the size of each axis of space of a convolutional cell


class Row(NamedTuple):
    """One row of the table."""

    name: str
    cell: Cell
    title: str
    """the first line of its documentation"""
    paper: str
    parameters: int
    """the number of parameters for the requested sizes"""
    state: tuple[str, ...]
    """the fields of its carry"""
    stages: int
    """the number of matmuls that depend on one another within a step"""
    linear: bool
    """whether the recurrence is linear in the state"""
    parallel: bool
    """whether it can run in parallel over time"""
    equations: str
    """the documentation of its module"""


# Cells that are options of other cells, under their usual names.
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "GRU, reset before": ("GRU", {"reset": "before"}),
    "Peephole LSTM (V)": ("LSTM", {"peephole": "diagonal"}),
    "LSTM, full peepholes": ("LSTM", {"peephole": "full"}),
    "CIFG": ("LSTM", {"couple": True}),
    "LSTM of 1997 (NFG)": ("LSTM", {"gates": "io"}),
    "NIG": ("LSTM", {"gates": "fo"}),
    "NOG": ("LSTM", {"gates": "if"}),
    "NIAF": ("LSTM", {"candidate_fn": "identity"}),
    "NOAF": ("LSTM", {"output_fn": "identity"}),
    "LSTMP": ("LSTM", {"projection": 3}),
    "IndyLSTM": ("LSTM", {"recurrent": Diagonal()}),
    "IndyGRU": ("GRU", {"recurrent": Diagonal()}),
    "IRNN": ("Elman", {"candidate_fn": "relu", "preset": "irnn"}),
    "Leaky RNN": ("Elman", {"leak": 0.1}),
    "MUT1": ("MUT", {"variant": 1}),
    "MUT2": ("MUT", {"variant": 2}),
    "MUT3": ("MUT", {"variant": 3}),
    "SRU, version 1": ("SRU", {"version": 1}),
    "nBRC": ("BRC", {"neuromodulated": True}),
    "Gated antisymmetric RNN": ("AntisymmetricRNN", {"gated": True}),
    "LSTM that adds x": ("KrauseLSTM", {"candidate": "input"}),
}
SIZES: dict[str, dict[str, Any]] = {
    "ClockworkRNN": {"periods": (1, 2)},
    "Jordan": {"readout": 3},
    "LMU": {"order": 4, "theta": 4},
    "SCRN": {"slow": 3},
}
# The papers of cells whose docstring has another reference first.
GREFF = "Greff et al. 2017, arXiv:1503.04069"
INDY = "Gonnet & Deselaers 2019, arXiv:1903.08023"
PAPERS = {
    "CIFG": GREFF,
    "NIG": GREFF,
    "NOG": GREFF,
    "NIAF": GREFF,
    "NOAF": GREFF,
    "LSTM of 1997 (NFG)": "Hochreiter & Schmidhuber 1997",
    "Peephole LSTM (V)": "Gers & Schmidhuber 2000",
    "LSTM, full peepholes": "as Graves 2013, arXiv:1308.0850, is printed",
    "LSTMP": "Sak et al. 2014, arXiv:1402.1128",
    "IndyLSTM": INDY,
    "IndyGRU": INDY,
    "GRU, reset before": "Chung et al. 2014, arXiv:1412.3555",
    "IRNN": "Le, Jaitly & Hinton 2015, arXiv:1504.00941",
    "Leaky RNN": "Jaeger 2001",
    "LSTM that adds x": "blog posts",
    "SquashedGRU": "blog posts",
    "ConvGRU": "Ballas et al. 2016, arXiv:1511.06432",
}


def table(features: int = 64, in_features: int = 64) -> tuple[Row, ...]:
    """Every cell, and every option that has a name of its own, in alphabetical order.

    Args:
      features: size of h, for the number of parameters.
      in_features: size of x, for the number of parameters; a cell that only takes an x of its own
        size is counted with that.

    Returns:
      A tuple of rows: name, cell, paper, number of parameters, fields of the state, stages of a
      step, whether it is linear in its state, whether it can run in parallel over time, equations.

    Example:
      >>> import recurrax as rx
      >>> rows = {row.name: row for row in rx.gallery.table()}
      >>> rows["GRU"].parameters, rows["GRU"].state, rows["GRU"].stages
      (24832, ('h',), 1)
      >>> rows["MinGRU"].linear, rows["LEM"].stages
      (True, 2)
    """
    public = [c for c in vars(cells).values() if isinstance(c, type) and issubclass(c, Cell)]
    specs = {c.__name__: (c, SIZES.get(c.__name__, {})) for c in public}
    specs.pop("MUT")  # it is one of three
    specs |= {name: (getattr(cells, cls), given) for name, (cls, given) in OPTIONS.items()}
    return tuple(
        row(name, cls, options, features, in_features)
        for name, (cls, options) in sorted(specs.items(), key=lambda item: item[0].lower())
    )


def row(
    name: str, cls: type[Cell], options: dict[str, Any], features: int, in_features: int
) -> Row:
    make: Any = cls
    cell = make(features=features, **options)
    text = documentation(cls)
    plan = plan_of(make(features=SIZE, **options))
    return Row(
        name=name,
        cell=cell,
        title=text.split("\n\n")[0].replace("\n", " "),
        paper=PAPERS.get(name, paper_of(text)),
        parameters=sum(a.size for a in jax.tree.leaves(params_of(cell, in_features))),
        state=getattr(cell.initial_carry((1,) * (cell.num_feature_axes - 1)), "_fields", ()),
        stages=max((loop.stages for loop in plan.loops), default=0),
        linear=all(loop.linear for loop in plan.loops),
        parallel=all(loop.linear and loop.diagonal for loop in plan.loops),
        equations=text,
    )


def documentation(cls: type) -> str:
    """The docstring of the module of a cell."""
    return (sys.modules[cls.__module__].__doc__ or "").strip()


def paper_of(text: str) -> str:
    """The first reference in a text, ``(authors year, arXiv:number)`` or the like."""
    found = re.search(r"\(([A-Zv][^()]*\d{4}[^()]*)\)", " ".join(text.split()))
    return found.group(1) if found else ""


def params_of(cell: Cell, in_features: int) -> Any:
    try:
        return cell.params_like(in_features)
    except ValueError:  # the cell only takes an x of its own size
        return cell.params_like(cell.features)


def plan_of(cell: Cell) -> Any:
    """What the compiler makes of one step."""
    space = (SPACE,) * (cell.num_feature_axes - 1)
    params = jax.tree.map(lambda a: jax.numpy.zeros(a.shape, a.dtype), params_of(cell, SIZE))
    x = jax.ShapeDtypeStruct((2, 1, *space, SIZE), params_dtype(params))
    plan = explain(partial(cell.step, params), cell.initial_carry((1, *space)), x)
    assert plan.forward is not None
    return plan.forward


def params_dtype(params: Any) -> Any:
    return jax.tree.leaves(params)[0].dtype
