"""The ratios as bars, one panel for every cell and direction."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from benchmarks.contenders import BASELINE, PEERS, VARIANTS
from benchmarks.report import groups, label, of_group

ORDER = [*PEERS, *VARIANTS]


def draw(run: dict[str, Any], path: Path) -> None:
    peers = [name for name in run["facts"]["contenders"] if name != BASELINE]
    panels = groups(run)
    fig, axes = plt.subplots(
        len(panels), figsize=(12, 1 + 2.6 * len(panels)), squeeze=False, layout="constrained"
    )
    for ax, (cell, direction) in zip(axes[:, 0], panels, strict=True):
        panel(ax, of_group(run, cell, direction), peers)
        ax.set_title(f"{cell}, {direction}", loc="left")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper right", ncols=len(labels))
    device = run["facts"]["contenders"][BASELINE]["device"]
    where = f"{run['facts']['processor']}, {run['facts']['cores']} cores, device {device}"
    fig.supxlabel(f"B,T,D,H      {where}, {run['facts']['date']}")
    fig.supylabel("time of the peer / time of recurrax (above 1: recurrax is faster)")
    fig.savefig(path, dpi=120)
    plt.close(fig)


def panel(ax: Any, results: list[dict[str, Any]], peers: list[str]) -> None:
    width = 0.8 / max(len(peers), 1)
    for i, peer in enumerate(peers):
        ratios = [r["contenders"][peer].get("ratio") for r in results]
        left = [at + (i - (len(peers) - 1) / 2) * width for at in range(len(results))]
        heights = [float("nan") if ratio is None else ratio - 1 for ratio in ratios]
        # Bars start at 1, so that a faster and a slower peer point in opposite directions; one
        # peer keeps its colour whoever else takes part.
        ax.bar(left, heights, width, bottom=1, label=peer, color=f"C{ORDER.index(peer)}")
    ax.axhline(1, color="black", linewidth=0.8)
    ax.set_yscale("log", base=2)
    ax.set_xticks(range(len(results)), [label(r) for r in results])
    ax.grid(axis="y", alpha=0.3)
    ax.yaxis.set_major_formatter("{x:g}")
