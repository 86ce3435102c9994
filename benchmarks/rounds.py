"""One case: every contender prepares, then rounds in which each is timed in turn."""

from collections.abc import Callable
from statistics import geometric_mean, median
from typing import Any

from benchmarks.contenders import BASELINE
from benchmarks.grid import Case
from benchmarks.process import Worker, WorkerError

Result = dict[str, Any]


def measure(
    case: Case,
    workers: dict[str, Worker],
    rounds: int,
    seconds: float,
    peak: float,
    advance: Callable[[str], None],
) -> Result:
    """The result of ``case``, as in the JSON file. ``advance`` is called after every request."""
    outcomes: dict[str, Result] = {}
    for name, worker in workers.items():
        if "error" in outcomes.get(BASELINE, {}):
            outcomes[name] = {"error": "not run, as there is nothing to compare with"}
        else:
            outcomes[name] = attempt(worker, "prepare", **case._asdict())
        advance(name)
    for _ in range(rounds):
        for name, outcome in outcomes.items():
            if "error" not in outcome:
                reply = attempt(workers[name], "time", seconds=seconds)
                if "error" in reply:
                    outcome["error"] = reply["error"]
                else:
                    outcome.setdefault("round_ms", []).append(median(reply["ms"]))
                    outcome.setdefault("calls", []).append(len(reply["ms"]))
            advance(name)
    for outcome in outcomes.values():
        if "error" not in outcome:
            outcome["ms"] = median(outcome["round_ms"])
            if "ms" in outcomes[BASELINE]:
                outcome["ratio"] = ratio(outcome["round_ms"], outcomes[BASELINE]["round_ms"])
    floor_ms = case.flops / peak * 1e3
    return {**case._asdict(), "flops": case.flops, "floor_ms": floor_ms, "contenders": outcomes}


def attempt(worker: Worker, do: str, **arguments: Any) -> Result:
    """The reply, or ``{"error": ...}``: one contender's failure must not end the run."""
    try:
        return worker.ask(do, **arguments)
    except WorkerError as error:
        return {"error": str(error)}


def ratio(peer_ms: list[float], baseline_ms: list[float]) -> float:
    """Median over the rounds of the ratio within a round, where the machine was the same."""
    return median(p / b for p, b in zip(peer_ms, baseline_ms, strict=True))


def summary(results: list[Result], peers: list[str]) -> list[dict[str, Any]]:
    """Geometric mean and worst ratio per peer, cell and direction."""
    rows = []
    for cell, direction in dict.fromkeys((r["cell"], r["direction"]) for r in results):
        for peer in peers:
            ratios = [
                outcome["ratio"]
                for r in results
                if (r["cell"], r["direction"]) == (cell, direction)
                and "ratio" in (outcome := r["contenders"][peer])
            ]
            if ratios:
                row = {"cell": cell, "direction": direction, "peer": peer, "shapes": len(ratios)}
                rows.append(row | {"mean": geometric_mean(ratios), "worst": min(ratios)})
    return rows
