"""The run as text, and as a picture again from its JSON: ``python -m benchmarks.report FILE``."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contenders import BASELINE


def heading(run: dict[str, Any]) -> str:
    """On what it ran, with which settings, and who is missing."""
    facts = dict(run["facts"])
    versions, devices = facts.pop("versions"), facts.pop("contenders")
    lines = [f"{name}: {value}" for name, value in facts.items()]
    lines.append("versions: " + ", ".join(f"{k} {v}" for k, v in versions.items() if v))
    for name, device in devices.items():
        lines.append(f"{name} runs on: " + ", ".join(f"{k} {v}" for k, v in device.items()))
    lines.append("settings: " + ", ".join(f"{k} {v}" for k, v in run["settings"].items()))
    lines.append(f"measured peak: {run['peak_flops'] / 1e9:.0f} GFLOP/s in a large float32 matmul")
    if facts["load average"] > facts["cores"] / 4:
        lines.append("WARNING: other work keeps this machine busy; these figures are noise")
    lines += [f"skipped: {name} ({why})" for name, why in run["skipped"].items()]
    return "\n".join(lines)


def text(run: dict[str, Any]) -> str:
    """All tables of a run."""
    names = list(run["facts"]["contenders"])
    peers = [name for name in names if name != BASELINE]
    parts = []
    for cell, direction in groups(run):
        results = of_group(run, cell, direction)
        title = f"{cell}, {direction}"
        parts.append(f"{title}: time, and peer / recurrax (above 1: recurrax is faster)")
        parts.append(times(results, peers) + "\n" + means(run, cell, direction, peers))
        parts.append(f"{title}: temporary memory of the compiled program, MB")
        parts.append(values(results, names, "temp_bytes", lambda size: f"{size / 1e6:.3g}"))
        parts.append(f"{title}: first call (tracing, compilation, one run), s")
        parts.append(values(results, names, "first_call_ms", lambda ms: f"{ms / 1e3:.2f}"))
    return "\n\n".join([*parts, *failures(run)])


def groups(run: dict[str, Any]) -> list[tuple[str, str]]:
    """Every cell with every direction that was measured, in that order."""
    return list(dict.fromkeys((r["cell"], r["direction"]) for r in run["results"]))


def of_group(run: dict[str, Any], cell: str, direction: str) -> list[dict[str, Any]]:
    return [r for r in run["results"] if (r["cell"], r["direction"]) == (cell, direction)]


def times(results: Sequence[dict[str, Any]], peers: Sequence[str]) -> str:
    rows = [["B,T,D,H", "recurrax ms", "x floor", *peers]]
    for r in results:
        ms = r["contenders"][BASELINE].get("ms")
        own = ["failed", "-"] if ms is None else [f"{ms:.3f}", f"{ms / r['floor_ms']:.1f}"]
        rows.append([label(r), *own, *(cell_text(r["contenders"][p], "ratio") for p in peers)])
    return table(rows)


def means(run: dict[str, Any], cell: str, direction: str, peers: Sequence[str]) -> str:
    group = [row for row in run["summary"] if (row["cell"], row["direction"]) == (cell, direction)]
    found = {row["peer"]: row for row in group}
    rows = [
        [name, "", "", *(f"{found[p][key]:.2f}" if p in found else "-" for p in peers)]
        for name, key in (("geometric mean", "mean"), ("worst", "worst"))
    ]
    return table(rows)


def values(
    results: Sequence[dict[str, Any]], names: Sequence[str], key: str, show: Callable[[Any], str]
) -> str:
    rows = [[label(r), *(cell_text(r["contenders"][n], key, show) for n in names)] for r in results]
    return table([["B,T,D,H", *names], *rows])


def cell_text(
    outcome: dict[str, Any], key: str, show: Callable[[Any], str] = "{:.2f}".format
) -> str:
    if "error" in outcome:
        return "failed"
    return "-" if outcome.get(key) is None else show(outcome[key])


def label(result: dict[str, Any]) -> str:
    return ",".join(map(str, result["shape"]))


def failures(run: dict[str, Any]) -> list[str]:
    lines = [
        f"{name} failed on {r['cell']}, {label(r)}, {r['direction']}: {outcome['error']}"
        for r in run["results"]
        for name, outcome in r["contenders"].items()
        if "error" in outcome
    ]
    return ["\n".join(lines)] if lines else []


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns of one width for all tables, so that they stand under one another."""
    return "\n".join(row[0].ljust(16) + "".join(c.rjust(12) for c in row[1:]) for row in rows)


def main() -> None:
    from benchmarks.plot import draw

    path = Path(sys.argv[1])
    run = json.loads(path.read_text())
    print(heading(run) + "\n\n" + text(run))
    draw(run, path.with_suffix(".png"))


if __name__ == "__main__":
    main()
