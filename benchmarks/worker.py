"""One contender alone in a process. Reads requests and writes replies, one line of JSON each."""

import json
import os
import sys
import traceback
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.contenders import BASELINE, CONTENDERS, VARIANTS
from benchmarks.grid import Case, Shape
from benchmarks.timing import once, repeat


class Server:
    """Answers the requests; every method but the first needs a runner."""

    def start(self, name: str, platform: str, precision: str, method: str) -> dict[str, Any]:
        module = import_module(f"benchmarks.contenders.{CONTENDERS[name].module}")
        if name == "torch":
            self.runner = module.TorchRunner(platform, precision)
        else:
            from benchmarks.jax_runner import JaxRunner

            layer = module.layer
            if name == BASELINE or name in VARIANTS:
                layer = partial(layer, method=method, given=CONTENDERS[name].given)
            self.runner = JaxRunner(layer, precision)
        return self.runner.facts()

    def peak(self) -> dict[str, Any]:
        from benchmarks.jax_runner import peak_flops

        return {"flops_per_second": peak_flops()}

    def prepare(self, cell: str, shape: list[int], direction: str) -> dict[str, Any]:
        self.runner.prepare(Case(cell, Shape(*shape), direction))
        first_call_ms, result = once(self.runner.call)
        self.runner.check(result)
        return {"first_call_ms": first_call_ms, "temp_bytes": self.runner.temp_bytes()}

    def time(self, seconds: float) -> dict[str, Any]:
        return {"ms": repeat(self.runner.call, seconds, least=3)}


def main() -> None:
    # Replies have standard output to themselves: what a framework prints goes to standard error.
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server = Server()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = getattr(server, request.pop("do"))(**request)
        except Exception as error:
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        print(json.dumps(reply), file=replies)


if __name__ == "__main__":
    main()
