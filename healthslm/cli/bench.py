"""`healthslm bench`: what this machine needs for a simulated hour, and for a text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from healthslm.bench import Goal, Result, document, met
from healthslm.cli import console

if TYPE_CHECKING:
    from healthslm.recordings import Recording

LANGUAGES = ("en", "es")
PACKAGES = ("healthslm", "numpy", "scipy", "onnxruntime")

START_S = 1_772_323_200.0  # 2026-03-01; any other day is the same work


def pipeline() -> Result:
    """Return what a simulated day takes, and an hour of ECG without a break."""
    from healthslm.cli.replay import direct

    recording = day()
    whole = direct(recording)
    lead = replace(recording, tracks=tuple(t for t in recording.tracks if t.kind == "ecg"))
    ecg, read_s = direct(lead), sum(len(t.samples) / t.fs for t in lead.tracks)
    metrics = {
        "day_cpu_ms": round(1000 * whole.a_day_cpu_s, 1),
        "ecg_hour_cpu_ms": round(1000 * ecg.cpu_s * 3600 / read_s, 1),
        "ecg_times_real_time": round(read_s / ecg.cpu_s, 1),
    }
    goals: dict[str, Goal] = {"ecg_times_real_time": (">=", 100)}
    return Result("pipeline", recording.name, "24 h", metrics, goals)


def summary() -> Result:
    """Return what a text takes, in each language, on the facts of a simulated day."""
    from healthslm.cli.model import bundled
    from healthslm.cli.replay import direct
    from healthslm.language import facts, writer

    recording = day()
    derived = direct(recording).derived
    told = facts.gather(derived, recording.t0_s, recording.t1_s, zone="UTC")
    before = console.cpu_s()
    texts = [writer.summarise(told, lang, bundled(), emergency="112") for lang in LANGUAGES]
    spent_ms = 1000 * (console.cpu_s() - before) / len(texts)
    metrics = {
        "cpu_ms": round(spent_ms, 1),
        "model_cpu_ms": round(sum(t.cpu_ms for t in texts) / len(texts), 1),
        "model_rss_mb": round(max(t.rss_mb for t in texts), 1),
        "template_share": sum(t.summary.source == "template" for t in texts) / len(texts),
    }
    goals: dict[str, Goal] = {
        "cpu_ms": ("<=", 5000),
        "model_rss_mb": ("<=", 80),
        "template_share": ("<=", 0.5),
    }
    return Result("summary", recording.name, "24 h", metrics, goals)


def day() -> Recording:
    """Return the day that every task works on."""
    from healthslm import simulate

    return simulate.day(simulate.DEMO_SEED, start_s=START_S)


TASKS: dict[str, Callable[[], Result]] = {"pipeline": pipeline, "summary": summary}


@click.command("bench")
@click.argument("task", required=False, type=click.Choice(list(TASKS)))
@click.option(
    "--json",
    "json_file",
    metavar="FILE",
    type=click.File("w", encoding="utf-8", lazy=True),
    help="Write the figures to this file; - is stdout.",
)
@click.option("--check", is_flag=True, help="Exit with 1 where a goal is missed.")
def command(task: str | None, json_file: Any, check: bool) -> None:
    """Measure this machine.

    Everything is made from a seed, so that figures of two machines, or of two versions on
    one machine, speak of the same work.
    """
    results = []
    for name in [task] if task else TASKS:
        console.note(f"measuring: {name} ...")
        results.append(TASKS[name]())
    if json_file is not None:
        json.dump(document(results, PACKAGES), json_file, indent=2)
        json_file.write("\n")
    if json_file is None or json_file.name != "-":
        for result in results:
            show(result)
    missed = [f"{r.task}.{name}" for r in results for name in r.missed]
    if check and missed:
        raise click.ClickException(f"a goal is missed: {', '.join(missed)}")


def show(result: Result) -> None:
    """Write one task's figures."""
    console.out(f"{console.bold(result.task)}  {result.dataset}, {result.split}")
    rows = []
    for name, value in result.metrics.items():
        goal = result.goals.get(name)
        said = "" if goal is None else f"{goal[0]} {goal[1]:g}  "
        verdict = "" if goal is None else "holds" if met(value, goal) else "missed"
        rows.append((f"  {name}", f"{value:,g}", said + verdict))
    console.table(("", "value", "goal"), rows, right="value")
