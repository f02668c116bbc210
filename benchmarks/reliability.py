"""What the store withstands, each promise attacked: ./dev bench reliability --help.

Tasks are found by being there: each file of `reliability_tasks/` has `measure(seed, n)`, and says
at its head what its figures mean. Another seed is a fresh exam.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import report  # noqa: E402
from healthslm.bench import Result  # noqa: E402

PACKAGES = ("healthslm", "cryptography", "numpy", "apsw")
FOLDER = Path(__file__).with_name("reliability_tasks")
TASKS = sorted(module.name for module in iter_modules([str(FOLDER)]))


def main() -> int:
    """Run the tasks that are asked for and say what they gave."""
    parser = argparse.ArgumentParser(prog="./dev bench reliability", description=__doc__)
    report.options(parser, TASKS)
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn (default: 1)")
    parser.add_argument("--n", type=int, default=0, help="size of the exam; 0: the task's own")
    wanted = parser.parse_args()
    results: list[Result] = []
    for name in wanted.task or TASKS:
        sys.stderr.write(f"measuring: {name} ...\n")
        task = import_module(f"benchmarks.reliability_tasks.{name}")
        results += task.measure(wanted.seed, wanted.n)
    return report.told("reliability", results, wanted, PACKAGES, {})


if __name__ == "__main__":
    sys.exit(main())
