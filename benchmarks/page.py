"""Figures as a page: python benchmarks/page.py FILE.json ... > benchmarks/README.md.

Each file is one that `./dev bench ... --json FILE` wrote; of a task in several, the last counts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from healthslm.bench import met

ABOUT = """\
# Benchmarks

    HEALTHSLM_DATA=... ./dev bench detection            # every task below
    HEALTHSLM_DATA=... ./dev bench detection --task qrs --json figures.json --check
    ./dev peers                                          # other people's detectors, to compare
    ./dev bench language --seed 1 --n 10000              # the words: a file each of language_tasks/
    ./dev bench decode                                   # decode speed; ./dev peers language
    ./dev bench reliability                              # the store; files of reliability_tasks/

`HEALTHSLM_DATA` names a folder with `<dataset>/<split>`; the split is `dev` unless `--split` names
another. One task is one file of `tasks/`, found by being there. Rates are in percent, times in ms.
What each figure means, and what it does not, stands at the head of the task's file. These are
figures of the development half: constants were chosen while looking at it, so unseen people fare
worse. What was learnt is judged with one recording (or one fold) left out. CPU is compared as a
ratio in one run.

"""


def page(files: list[Path]) -> Iterator[str]:
    """Yield the page, line by line."""
    tasks: dict[tuple[str, str], dict[str, Any]] = {}
    versions: dict[str, str] = {}
    for file in files:
        data = json.loads(file.read_text("utf-8"))
        versions |= data["versions"]
        tasks |= {(r["task"], r["dataset"]): r for r in data["results"]}
    yield ABOUT
    made = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    yield f"Measured {datetime.now(UTC):%Y-%m-%d} with {made}.\n"
    for (task, dataset), result in sorted(tasks.items()):
        yield f"## {task}: {dataset}, {result['split']}\n"
        yield "| figure | value | goal | |"
        yield "|---|---|---|---|"
        for name, value in result["metrics"].items():
            goal = result["goals"].get(name)
            verdict = "" if goal is None else "holds" if met(value, goal) else "**missed**"
            want = "" if goal is None else f"{goal[0]} {goal[1]:g}"
            yield f"| {name} | {number(value)} | {want} | {verdict} |"
        if result["peers"]:
            names = list(dict.fromkeys(n for m in result["peers"].values() for n in m))
            yield f"\n| peer | {' | '.join(names)} |"
            yield "|---" * (len(names) + 1) + "|"
            for peer, metrics in result["peers"].items():
                yield f"| {peer} | {' | '.join(number(metrics.get(n)) for n in names)} |"
        yield ""


def number(value: float | None) -> str:
    """Return a figure to the digits it deserves."""
    return "-" if value is None else f"{value:,.5g}"


if __name__ == "__main__":
    sys.stdout.write("\n".join(page([Path(name) for name in sys.argv[1:]])))
