"""A plugin of pytest for ``tools/suite.py``: no test finds what another left, and each is timed."""

import json
import os
import sys
from pathlib import Path

import jax
import pytest

seconds: dict[str, float] = {}


@pytest.fixture(autouse=True)
def nothing_is_traced_yet():
    """What an earlier test had traced would seem to be code that this test does not run."""
    jax.clear_caches()
    for name, module in list(sys.modules.items()):
        if name.startswith("recurrax.program"):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    seconds[report.nodeid] = seconds.get(report.nodeid, 0) + report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):  # once, where all reports come together
        Path(os.environ["SECONDS_FILE"]).write_text(json.dumps(seconds))
