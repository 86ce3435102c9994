"""Everything that must be clean: format, lint, types, documentation and tests, in this order.

    python tools/check.py             # all of it
    python tools/check.py --no-tests  # all but the tests

Needs ``pip install -e ".[test,quality,docs]"``.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
STEPS = {
    "format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "lint": [PYTHON, "-m", "ruff", "check", "."],
    "types": [PYTHON, "-m", "pyright", "--pythonpath", PYTHON],
    "docs": [PYTHON, "-m", "sphinx", "-q", "-W", "-b", "html", "docs", "docs/_build"],
    "tests": [PYTHON, "-m", "pytest", "-q", "-n", "auto"],
}


def main() -> None:
    skip = {"tests"} if "--no-tests" in sys.argv[1:] else set()
    for name, command in STEPS.items():
        if name in skip:
            continue
        print(f"--- {name}", flush=True)
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            sys.exit(f"{name} failed")
    print("all clean")


if __name__ == "__main__":
    main()
