"""Recordings of a person who never lived: physiology from a seed, with its true labels.

Made to test detectors and to show what a day looks like; it is no model of disease, and
good results on it say little about people.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from healthslm.errors import RecordingError
from healthslm.recordings import folder
from healthslm.recordings.atr import BEATS
from healthslm.recordings.tracks import Recording
from healthslm.simulate import labels, sensors
from healthslm.simulate import plan as plans
from healthslm.simulate.body import Person, live
from healthslm.simulate.labels import expected
from healthslm.simulate.plan import Plan
from healthslm.simulate.scenes import SCENES

__all__ = ["DEMO_SEED", "SCENES", "day", "expected", "make", "save", "scene"]

DEMO_SEED = 34
"""Its day shows a rhythm change, desaturation, fever, an artefact and a gap."""


def day(seed: int, *, start_s: float, hours: float = 24.0, clock_h: float = 0.0) -> Recording:
    """Return a day of the person that `seed` stands for.

    The band ("band/heart_rate", "/spo2", "/activity", "/respiratory_rate",
    "/temperature") is worn all day, but for the time it is off; "chest/ecg" and
    "band/ppg" are recorded for some minutes at a time.

    Parameters
    ----------
    start_s
        UTC seconds of the first sample.
    hours
        Length; what would happen later is left out.
    clock_h
        Hour of the person's clock at `start_s`; midnight by default.
    """
    return make(plans.day(seed, hours, clock_h), seed, start_s=start_s)


def scene(name: str) -> Recording:
    """Return one of the short recordings that `sample_data/` holds.

    Raises
    ------
    RecordingError
        There is no such scene.
    """
    if name not in SCENES:
        raise RecordingError(f"no such scene; there are: {', '.join(SCENES)}")
    return make(SCENES[name].plan, SCENES[name].seed, start_s=SCENES[name].start_s)


def make(plan: Plan, seed: int, *, start_s: float) -> Recording:
    """Return the recording that `plan` describes, of the person that `seed` stands for."""
    person = Person.of(seed)
    body = live(plan, person, seed)
    tracks, events = sensors.band(plan, body, seed, start_s), labels.slow_events(plan, body)
    rows: list[tuple[int, str, str]] = []
    for check in plan.checks:
        rhythm = sensors.check_beats(plan, check, body, person, seed)
        tracks += sensors.check_tracks(plan, check, rhythm, person, seed, start_s)
        events += labels.check_events(plan, check, rhythm)
        rows += labels.check_marks(check, rhythm)
    events = [replace(e, t0_s=e.t0_s + start_s, t1_s=e.t1_s + start_s) for e in events]
    notes = {}
    if plan.checks:
        notes["chest/ecg"] = labels.marked(rows, (t for t in tracks if t.lane == "chest/ecg"))
    return Recording(
        plan.name,
        tuple(tracks),
        tuple(sorted(events, key=lambda e: (e.t0_s, e.kind))),
        {lane: marks.only(BEATS) for lane, marks in notes.items()},
        notes,
    )


def save(recording: Recording, path: Path, *, command: str) -> None:
    """Write a simulated recording into the new folder `path`, with what must be found in it.

    Parameters
    ----------
    command
        The command line that makes it again, for SOURCE.md.

    Raises
    ------
    FileExistsError
        There is something at `path` already.
    """
    source = _source(recording, command)
    folder.write(recording, path, expect=expected(recording), source=source)


def _source(recording: Recording, command: str) -> str:
    """Return the text of SOURCE.md."""
    start_s = recording.t0_s
    when = datetime.fromtimestamp(start_s, UTC).isoformat(timespec="minutes")
    lanes = sorted({(t.lane, t.fs, t.unit) for t in recording.tracks})
    lines = [
        f"# {recording.name}",
        "",
        "Simulated: nobody's data, made from a seed. The command that makes it again:",
        "",
        f"    {command}",
        "",
        f"Begins {when}, lasts {(recording.t1_s - start_s) / 60:.0f} minutes.",
        "",
        "| Stream | Hz | Unit |",
        "|---|---|---|",
        *(f"| {lane} | {fs:.4g} | {unit} |" for lane, fs, unit in lanes),
        "",
        "| What happens | from (min) | to (min) | extreme |",
        "|---|---|---|---|",
    ]
    for e in recording.events:
        level = "" if e.level is None else f"{e.level:.4g}"
        span = f"{(e.t0_s - start_s) / 60:.1f} | {(e.t1_s - start_s) / 60:.1f}"
        lines.append(f"| {e.kind} | {span} | {level} |")
    return "\n".join(lines) + "\n"
