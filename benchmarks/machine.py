"""On what the figures were taken."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS, version


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def facts() -> dict[str, Any]:
    distributions = ["jax", "jaxlib", *(c.distribution for c in CONTENDERS.values()), "numpy"]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "load average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "commit": commit(),
        "versions": {name: version(name) for name in dict.fromkeys(distributions)},
    }


def processor() -> str:
    """The processor's model; Linux keeps it in a file."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def commit() -> str | None:
    """The commit that was measured, with "-dirty" behind it if files were changed since."""
    git = ["git", "describe", "--always", "--dirty"]
    try:
        result = subprocess.run(git, cwd=Path(__file__).parent, capture_output=True, text=True)
    except OSError:
        return None
    return result.stdout.strip() or None
