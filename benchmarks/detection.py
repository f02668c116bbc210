"""Every detector on real recordings, beside its peers: ./dev bench detection --help.

Tasks are found by being there: each file of `tasks/` has `measure(data, peers)`. Recordings
lie in `HEALTHSLM_DATA/<dataset>/<split>`; a split that is laid out alike runs unchanged.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import report  # noqa: E402
from benchmarks.data import Data, Missing  # noqa: E402
from benchmarks.peers import Peers  # noqa: E402
from healthslm.bench import Result  # noqa: E402

PACKAGES = ("healthslm", "numpy", "scipy", "pandas")
TASKS = sorted(module.name for module in iter_modules([str(Path(__file__).parent / "tasks")]))


def main() -> int:
    """Run the tasks that are asked for and say what they gave."""
    parser = argparse.ArgumentParser(prog="./dev bench detection", description=__doc__)
    report.options(parser, TASKS)
    parser.add_argument("--split", default="dev", help="folder of each data set (default: dev)")
    wanted = parser.parse_args()
    folder = os.environ.get("HEALTHSLM_DATA")
    if not folder:
        sys.stderr.write("detection: HEALTHSLM_DATA names no folder of recordings\n")
        return 2
    peers = None if wanted.no_peers else Peers.found()
    if peers is None and not wanted.no_peers:
        sys.stderr.write("detection: no peers: ./dev peers installs them\n")
    results: list[Result] = []
    for name in wanted.task or TASKS:
        sys.stderr.write(f"measuring: {name} ...\n")
        try:
            task = import_module(f"benchmarks.tasks.{name}")
            results += task.measure(Data(Path(folder), wanted.split), peers)
        except Missing as missing:
            sys.stderr.write(f"detection: {name} passed over: {missing}\n")
    return report.told("detection", results, wanted, PACKAGES, peers.versions() if peers else {})


if __name__ == "__main__":
    sys.exit(main())
