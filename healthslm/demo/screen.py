"""What a person sees of the demo: 80 columns, colours on a terminal, plain when piped."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthslm.cli import console
from healthslm.cli.review import listed, sums
from healthslm.records import Finding, Frame
from healthslm.review import timeline
from healthslm.review.timeline import Event

if TYPE_CHECKING:
    from healthslm.demo import Evidence
    from healthslm.recordings import Recording

WIDTH = 80
BAR = 48
WATTS = 5.0  # a Raspberry Pi 4 under load draws 5 to 6
NAMES = {"en": "English", "es": "español"}
STRIP_KINDS = ("irregular_rhythm", "pause", "poor_signal")  # what an ECG strip shows best


def opening(recording: Recording, *, real: bool) -> None:
    """Say what will be seen."""
    hours = (recording.t1_s - recording.t0_s) / 3600
    what = f"the recording {recording.name}" if real else "one simulated person"
    span = f"{hours:.0f} hours" if hours >= 2 else f"{hours * 60:.0f} minutes"
    console.out(console.bold("healthslm") + f"  {what}, {span}, and nothing leaves this machine")
    lanes = {t.lane: t for t in recording.tracks}.values()
    sensors = sorted({t.device for t in lanes})
    for device in sensors:
        streams = ", ".join(timeline.words(t.kind) for t in lanes if t.device == device)
        console.out(console.dim(f"  {device:<10}") + streams)


def heading(text: str) -> None:
    """Begin a part."""
    console.out()
    console.out(click.style(f"── {text} ".ljust(WIDTH, "─"), fg="cyan"))


class Day:
    """The day as it passes: findings as lines, and on a terminal a bar below them."""

    def __init__(self, recording: Recording, broker: str) -> None:
        self._t0_s, self._t1_s = recording.t0_s, recording.t1_s
        self._told: dict[str, bool] = {}
        self._live = sys.stdout.isatty()
        heading(f"the day, over MQTT ({broker}), into the daemon")

    def at(self, t_s: float, frames: int) -> None:
        """Draw how far the day has come."""
        if not self._live:
            return
        done = round(BAR * (t_s - self._t0_s) / (self._t1_s - self._t0_s))
        bar = click.style("━" * done, fg="cyan") + console.dim("━" * (BAR - done))
        click.echo(f"\r  {_clock(t_s)}  {bar}  {frames:>6,} frames", nl=False)

    def look(self, findings: Sequence[Finding]) -> None:
        """Write what is new among the findings: that one goes on, and how it ended."""
        for event in sorted(timeline.events(findings), key=lambda e: e.t0_s):
            if self._told.get(event.id) != event.ongoing:
                self._told[event.id] = event.ongoing
                self._line(_event(event))

    def cut(self, t_s: float) -> None:
        """Say that the daemon was killed."""
        text = "the daemon is killed (kill -9) and started again"
        self._line(f"  {_clock(t_s)}  {console.dim('······')}  {console.dim(text)}")

    def end(self, frames: int) -> None:
        """Close the day."""
        self._line(console.dim(f"  {_clock(self._t1_s)}  the day is over: {frames:,} frames"))

    def _line(self, text: str) -> None:
        if self._live:
            click.echo("\r" + " " * WIDTH + "\r", nl=False)
        console.out(text)


def _event(event: Event) -> str:
    """Return an event as one line."""
    lasted = "going on" if event.ongoing else timeline.lasting(event.t1_s - event.t0_s)
    numbers = ", ".join(" ".join(timeline.quantity(*e)) for e in event.findings[0].evidence[:2])
    grade = console.graded(event.severity)
    name = timeline.words(event.kind)
    return f"  {_clock(event.t0_s)}  {grade}   {name:<18} {lasted:<12} {console.dim(numbers)}"


def summaries(evidence: Evidence) -> None:
    """Show the day in words."""
    for told in evidence.summaries:
        heading(f"what the patient reads ({NAMES[told['lang']]})")
        text = click.wrap_text(told["text"], WIDTH - 2, initial_indent="  ", subsequent_indent="  ")
        console.out(text)
        why = f" ({told['reason']})" if told["reason"] else ""
        console.out(console.dim(f"  written by {told['source']}{why}"))


def review(events: Sequence[Event], frames: Sequence[Frame]) -> None:
    """Show the clinician's list, and the ECG of the first event that has one."""
    from healthslm.review import strips

    heading("what the clinician reads, with the owner's passphrase")
    if not events:
        console.out("  nothing was found")
        return
    listed(events, lambda t_s: timeline.when(t_s, "UTC")[5:16])
    console.out(f"{sums(events)}. Times are UTC.")
    lanes = {f.name for f in frames if f.kind == "ecg"}
    shown = [e for kind in STRIP_KINDS for e in events if e.kind == kind and lanes & {*e.sources}]
    if not shown:
        return
    event = shown[0]
    lane = next(s for s in event.sources if s in lanes)
    start_s = event.t0_s - 2.0
    strip = strips.cut(frames, lane, start_s - 5.0, start_s + 15.0)
    if strip is not None:
        strip = strips.crop(strips.monitor(strip), start_s, start_s + 10.0)
        console.out()
        console.out(strips.braille(strip, "UTC", (event.t0_s, event.t1_s)))


def proofs(evidence: Evidence) -> None:
    """Show what can be proven, and what it cost."""
    heading("what this run can prove")
    for holds, claim, counted in evidence.proofs():
        mark = click.style("✓", fg="green") if holds else click.style("✗", fg="red", bold=True)
        console.out(f"  {mark} {claim}")
        console.out(console.dim(f"      {counted}"))
    heading("what it cost")
    joules = evidence.daemon_cpu_s * WATTS
    console.pairs(
        [
            ("sealed", console.size(evidence.bytes_sealed)),
            ("daemon", f"{evidence.daemon_rss_mb:.0f} MB, {evidence.daemon_cpu_s:.1f} s of CPU "
             f"for the day: {joules:.0f} J at {WATTS:g} W"),
            ("model", f"{evidence.model_rss_mb:.0f} MB while it writes, "
             f"{console.cost(evidence.summary_cpu_ms / 1000, WATTS)} a summary"),
            ("time", f"{evidence.seconds:.0f} s"),
        ]
    )  # fmt: skip


def kept(home: Path, passphrase: str) -> None:
    """Say how to go on with the store that was kept."""
    console.out()
    console.out(f"Kept in {home}. Its passphrase, for this demo only, is in {passphrase}:")
    console.out(f"  healthslm review list --store {home}")
    console.out(f"  healthslm review show 1 --store {home} --passphrase-file {home / passphrase}")


def _clock(t_s: float) -> str:
    return datetime.fromtimestamp(t_s, UTC).strftime("%H:%M")
