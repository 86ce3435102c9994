"""Figures as PNG files, drawn without a screen."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from support.training import History

STYLES = ("-", "--", ":", "-.")
"""of lines, when the ten colours come again"""
SMALLEST_ERROR = 1e-3
"""Below it the axis is linear, because an error rate may be 0."""
SMALLEST_NORM = 1e-18
"""Of what is smaller, the square is no float32 number any more."""


def learning_curves(path: Path, panels: Mapping[str, Mapping[str, History]], epoch: str) -> None:
    """Loss over epochs, a panel per task and a colour per cell."""
    figure = Figure(figsize=(4.5 * len(panels), 3.6), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for ax, (title, runs) in zip(axes, panels.items(), strict=True):
        for number, (cell, history) in enumerate(runs.items()):
            epochs = range(1, history.epochs + 1)
            ax.plot(epochs, history.train_loss, color=f"C{number}", linestyle=":", linewidth=1)
            ax.plot(epochs, history.valid_loss, ".-", color=f"C{number}", markersize=4, label=cell)
        ax.set(title=title, xlabel=epoch, yscale="log")
    axes[0].set_ylabel("loss (dotted: training, solid: validation)")
    axes[0].legend()
    _save(figure, path)


def gradient_flows(
    path: Path, panels: Mapping[str, Mapping[str, tuple[ArrayLike, ArrayLike]]]
) -> None:
    """The gradient norm that reaches each step: a column per task, before and after training."""
    figure = Figure(figsize=(4.5 * len(panels), 6.4), layout="constrained")
    grid = figure.subplots(2, len(panels), squeeze=False, sharex="col", sharey="col")
    for column, (title, runs) in zip(grid.T, panels.items(), strict=True):
        for cell, flows in runs.items():
            for ax, flow in zip(column, flows, strict=True):
                ax.plot(flow, label=cell)
                ax.set_yscale("log")
        column[0].set_title(f"{title}\nbefore training")
        column[1].set(title="after training", xlabel="time step")
        column[1].set_ylim(bottom=max(column[1].get_ylim()[0], SMALLEST_NORM))
    for row in grid:
        row[0].set_ylabel("norm of d loss / d carry")
    grid[0, 0].legend()
    _save(figure, path)


def seeds(
    path: Path, title: str, runs: Mapping[str, np.ndarray], epoch: str, error_name: str
) -> None:
    """Errors (epochs, seeds) over epochs: the median as a line, the range as a shade around it."""
    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    ax = figure.subplots()
    for number, (cell, errors) in enumerate(runs.items()):
        epochs = np.arange(1, len(errors) + 1)
        color, style = f"C{number}", STYLES[number // 10 % len(STYLES)]
        ax.plot(epochs, np.median(errors, axis=1), style, color=color, linewidth=1.2, label=cell)
        ax.fill_between(epochs, errors.min(1), errors.max(1), color=color, alpha=0.15, linewidth=0)
    ax.set(title=title, xlabel=epoch, ylabel=error_name)
    lowest = min(errors.min() for errors in runs.values())
    if lowest < SMALLEST_ERROR:
        ax.set_yscale("symlog", linthresh=SMALLEST_ERROR)
        ax.set_ylim(bottom=0)
    else:
        ax.set_yscale("log")
    figure.legend(loc="outside right upper")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(path)
