"""Every detector on real recordings, beside its peers: ./dev bench detection --help.

Tasks are found by being there: each file of `tasks/` has `measure(data, peers)`. Recordings
lie in `HEALTHSLM_DATA/<dataset>/<split>`; a split that is laid out alike runs unchanged.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.data import Data, Missing  # noqa: E402
from benchmarks.peers import Peers  # noqa: E402
from healthslm.bench import Result, document, met  # noqa: E402

PACKAGES = ("healthslm", "numpy", "scipy", "pandas")
TASKS = sorted(module.name for module in iter_modules([str(Path(__file__).parent / "tasks")]))


def main() -> int:
    """Run the tasks that are asked for and say what they gave."""
    parser = argparse.ArgumentParser(prog="./dev bench detection", description=__doc__)
    parser.add_argument("--task", action="append", choices=TASKS, help="only this one; repeatable")
    parser.add_argument("--split", default="dev", help="folder of each data set (default: dev)")
    parser.add_argument("--json", metavar="FILE", help="write the figures here; - is stdout")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a goal is missed")
    parser.add_argument("--no-peers", action="store_true", help="do not run other detectors")
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
    shown = sys.stderr if wanted.json == "-" else sys.stdout
    for result in results:
        shown.write(table(result))
    if wanted.json:
        plain = document(results, PACKAGES)
        plain["versions"] |= peers.versions() if peers else {}
        text = json.dumps(plain, indent=2) + "\n"
        sys.stdout.write(text) if wanted.json == "-" else Path(wanted.json).write_text(text)
    missed = [f"{r.task}.{name}" for r in results for name in r.missed]
    if missed:
        sys.stderr.write(f"detection: goals missed: {', '.join(missed)}\n")
    return 1 if wanted.check and missed else 0


def table(result: Result) -> str:
    """Return one task's figures as lines of text."""
    lines = [f"{result.task}  {result.dataset}, {result.split}"]
    for name, value in result.metrics.items():
        goal = result.goals.get(name)
        verdict = "" if goal is None else "holds" if met(value, goal) else "missed"
        want = "" if goal is None else f"{goal[0]} {goal[1]:g}"
        lines.append(f"  {name:<28} {value:>12,.6g}  {want:<10} {verdict}".rstrip())
    for peer, metrics in result.peers.items():
        said = "  ".join(f"{name} {value:,.6g}" for name, value in metrics.items())
        lines.append(f"    {peer:<26} {said}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
