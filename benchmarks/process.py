"""The parent's side of a worker."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ENVIRONMENT = {
    "JAX_ENABLE_COMPILATION_CACHE": "false",  # a first call is a first call
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # the workers share the memory of a GPU
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


class WorkerError(Exception):
    """A request that a worker could not serve."""


class Worker:
    """The process of one contender; after a death the next request starts it anew.

    Between two requests it sleeps, waiting for a line: only one contender computes at a time.
    """

    def __init__(self, name: str, log: Path, settings: dict[str, Any]):
        self.name = name
        self.log = log
        self.settings = settings
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> dict[str, Any]:
        """Returns the facts of the device that the contender runs on."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | ENVIRONMENT,
            )
        return self._exchange(self.process, do="start", name=self.name, **self.settings)

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Sends a request and waits for its reply."""
        if self.process is None:
            self.start()
        return self._exchange(self.process, do=do, **arguments)

    def _exchange(self, process: Any, **request: Any) -> dict[str, Any]:
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.process = None
            raise WorkerError(f"the process died with code {process.wait()}; see {self.log.name}")
        reply = json.loads(line)
        if "error" in reply:
            raise WorkerError(reply["error"])
        return reply

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None
