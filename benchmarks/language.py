"""What the words are worth, and what the models cost: ./dev bench language --help.

Tasks are found by being there: each file of `language_tasks/` has `measure(seed, n, peers)`.
Days are invented from the seed, so that another seed is a fresh exam. Other people's engines
are compared where they are installed (`./dev peers language`).
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import decode, report  # noqa: E402
from healthslm.bench import Result  # noqa: E402

PACKAGES = ("healthslm", "numpy", "onnxruntime")
FOLDER = Path(__file__).with_name("language_tasks")
TASKS = sorted(module.name for module in iter_modules([str(FOLDER)]))


def main() -> int:
    """Run the tasks that are asked for and say what they gave."""
    parser = argparse.ArgumentParser(prog="./dev bench language", description=__doc__)
    report.options(parser, TASKS)
    parser.add_argument("--seed", type=int, default=1, help="of the invented days (default: 1)")
    parser.add_argument("--n", type=int, default=10_000, help="days in each language")
    wanted = parser.parse_args()
    peers = None if wanted.no_peers else decode.peers_python()
    if peers is None and not wanted.no_peers:
        sys.stderr.write("language: no other engines: ./dev peers language installs them\n")
    results: list[Result] = []
    for name in wanted.task or TASKS:
        sys.stderr.write(f"measuring: {name} ...\n")
        task = import_module(f"benchmarks.language_tasks.{name}")
        results += task.measure(wanted.seed, wanted.n, peers)
    return report.told("language", results, wanted, PACKAGES, {})


if __name__ == "__main__":
    sys.exit(main())
