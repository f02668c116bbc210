"""What a run of tasks gave, in the one shape that every benchmark of the project has."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from healthslm.bench import Result, document, met


def options(parser: argparse.ArgumentParser, tasks: Sequence[str]) -> None:
    """Add what every benchmark understands."""
    parser.add_argument("--task", action="append", choices=tasks, help="only this one; repeatable")
    parser.add_argument("--json", metavar="FILE", help="write the figures here; - is stdout")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a goal is missed")
    parser.add_argument("--no-peers", action="store_true", help="measure ours alone")


def told(
    name: str,
    results: Sequence[Result],
    wanted: argparse.Namespace,
    packages: Sequence[str],
    peers: Mapping[str, str],
) -> int:
    """Write the figures as asked; return the exit status. `peers`: their versions."""
    shown = sys.stderr if wanted.json == "-" else sys.stdout
    for result in results:
        shown.write(table(result))
    if wanted.json:
        plain = document(results, packages)
        plain["versions"] |= peers
        text = json.dumps(plain, indent=2) + "\n"
        sys.stdout.write(text) if wanted.json == "-" else Path(wanted.json).write_text(text)
    missed = [f"{r.task}.{metric}" for r in results for metric in r.missed]
    if missed:
        sys.stderr.write(f"{name}: goals missed: {', '.join(missed)}\n")
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
