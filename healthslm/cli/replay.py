"""`healthslm replay`: a recording through the pipeline, or to a broker."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from healthslm.cli import console
from healthslm.cli.place import DAY_S
from healthslm.cli.review import listed, sums
from healthslm.records import Beat, Derived, Vital
from healthslm.review import timeline

if TYPE_CHECKING:
    from healthslm.recordings import Recording, Track
    from healthslm.records import Frame

QUIET_S = 1.0  # what takes longer shows how far it is


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a recording, and what it cost."""

    derived: tuple[Derived, ...]
    cpu_s: float
    seconds: float  # of the recording

    @property
    def a_day_cpu_s(self) -> float:
        """CPU seconds that a whole day of such a recording would take."""
        return self.cpu_s * DAY_S / self.seconds


@click.command("replay")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--to", "url", metavar="URL", help="Publish to this broker, as the sensors would.")
@click.option("--person", default="me", show_default=True, help="With --to: the name in topics.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=0.0,
    help="With --to: 1 is real time, 60 a minute in a second.  [default: as fast as it goes]",
)
@click.option(
    "--keep-dates",
    is_flag=True,
    help="With --to: send the recording's own times, not as if it happened now.",
)
@console.watts
@console.as_json
def command(
    path: Path,
    url: str | None,
    person: str,
    speed: float,
    keep_dates: bool,
    watts: float | None,
    json_: bool,
) -> None:
    """Play a recording through the pipeline, or to a broker.

    PATH is a folder made by `healthslm simulate`, a WFDB header (.hea) or a CSV file.
    Without --to nothing is stored or sent: what was found is printed. With it the
    recording ends now; what falls into time that the same streams have filled already is
    stored, not analysed.
    """
    from healthslm import recordings

    recording = recordings.load(path)
    if url is not None:
        publish(recording, url, person, speed, keep_dates)
        return
    played = direct(recording)
    if json_:
        console.emit("replay", document(recording, played, watts or 5.0))
        return
    show(recording, played)
    power = watts or 5.0
    console.note(console.cost(played.cpu_s, power))
    console.note(f"a day of it: {console.cost(played.a_day_cpu_s, power)}")


def direct(recording: Recording) -> Played:
    """Play a recording through a fresh pipeline; show the progress where it takes long."""
    from healthslm import replay
    from healthslm.pipeline import Pipeline

    Pipeline()  # what loads once is no part of what a day takes
    before = console.cpu_s()
    derived = tuple(shown(replay.played(recording), recording))
    return Played(derived, console.cpu_s() - before, recording.t1_s - recording.t0_s)


def shown(derived: Iterator[Derived], recording: Recording) -> Iterator[Derived]:
    """Pass records on, and say on a terminal's stderr how far they have come."""
    began = said = time.monotonic()
    tty = sys.stderr.isatty()
    whole_s = recording.t1_s - recording.t0_s
    for n, x in enumerate(derived):
        yield x
        if tty and not n % 256 and isinstance(x, Beat | Vital):
            now = time.monotonic()
            if now - began > QUIET_S and now - said > 0.1:
                share = min(max((x.t_s - recording.t0_s) / whole_s, 0.0), 1.0)
                click.echo(f"\r{share:4.0%} of {timeline.lasting(whole_s)} ", err=True, nl=False)
                said = now
    if said > began:
        click.echo("\r\x1b[K", err=True, nl=False)


def publish(recording: Recording, url: str, person: str, speed: float, keep: bool) -> None:
    """Send a recording to a broker and wait until the daemon has stored it."""
    from healthslm import replay

    whole_s = recording.t1_s - recording.t0_s
    ends_s = time.time() + (whole_s / speed if speed else 0.0)
    base_s = None if keep else ends_s - whole_s  # the newest sample is of the moment it is sent
    said = time.monotonic()
    sent = 0
    tty = sys.stderr.isatty()

    def told(frame: Frame) -> None:
        nonlocal said, sent
        sent += 1
        if tty and time.monotonic() - said > 0.1:
            share = (frame.t_s - (recording.t0_s if keep else ends_s - whole_s)) / whole_s
            click.echo(f"\r{max(share, 0.0):4.0%}  {sent:,} frames sent ", err=True, nl=False)
            said = time.monotonic()

    result = replay.publish(recording, url, person, speed, base_s=base_s, told=told)
    if tty:
        click.echo("\r\x1b[K", err=True, nl=False)
    console.out(
        f"{console.count(result.frames, 'frame')} sent, {result.acknowledged:,} stored by the "
        f"daemon, {result.again:,} sent again, in {timeline.lasting(result.seconds)}"
    )


def show(recording: Recording, played: Played) -> None:
    """Write what was found in a recording."""
    t0_s, zone = recording.t0_s, "UTC"
    console.out(
        f"{console.bold(recording.name)}  {timeline.lasting(played.seconds)}"
        + (f" from {timeline.when(t0_s, zone)}" if recording.dated else ", undated")
    )
    console.pairs([(name, value) for name, value in figures(recording, played)])
    found = timeline.events(played.derived)
    console.out()
    if not found:
        console.out("Nothing was found.")
        console.note("that is no all-clear: only what was recorded well can be judged")
        return
    if recording.dated:
        listed(found, lambda t_s: timeline.when(t_s, zone)[:16])
        console.out(f"{sums(found)}. Times are {zone}.")
    else:
        listed(found, lambda t_s: elapsed(t_s - t0_s))
        console.out(f"{sums(found)}. Times count from its first sample.")


def elapsed(seconds: float) -> str:
    """Return a place in an undated recording: "0:12:05"."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def figures(recording: Recording, played: Played) -> list[tuple[str, str]]:
    """Return what was measured, a line each."""
    rows = []
    for lane, tracks in lanes(recording).items():
        fs, read_s = tracks[0].fs, sum(t.t1_s - t.t0_s for t in tracks)
        pace = f"{fs:g} Hz" if fs >= 1 else f"every {1 / fs:g} s"
        rows.append((lane, f"{pace}, {timeline.lasting(read_s)}"))
    for kind, name in (("beat", "beats"), ("pulse", "pulses")):
        beats = [x for x in played.derived if isinstance(x, Beat) and x.kind == kind]
        if beats:
            good = sum(x.good for x in beats)
            rows.append((name, f"{len(beats):,}, {good / len(beats):.0%} in good signal"))
    for (kind, stream), level in levels(played.derived).items():
        unit, _ = timeline.VITAL_UNITS.get(kind, ("", 2))
        least, middle, most = (
            timeline.reading(kind, v) for v in (level.low, level.middle, level.high)
        )
        name = timeline.words(kind)
        span = f"{middle} {unit}".rstrip()
        if least != most:
            span = f"{least}-{most} {unit}".rstrip() + f", median {middle}"
        rows.append((name, f"{span}  ({stream})"))
    return rows


def lanes(recording: Recording) -> dict[str, list[Track]]:
    """Return the tracks of each stream."""
    found: dict[str, list[Track]] = {}
    for track in recording.tracks:
        found.setdefault(track.lane, []).append(track)
    return dict(sorted(found.items()))


def levels(derived: Sequence[Derived]) -> dict[tuple[str, str], timeline.Level]:
    """Return each vital's range, by kind and stream."""
    values: dict[tuple[str, str], list[float]] = {}
    for x in derived:
        if isinstance(x, Vital):
            values.setdefault((x.kind, x.stream), []).append(x.value)
    found = ((lane, timeline.level(values[lane])) for lane in sorted(values))
    return {lane: level for lane, level in found if level is not None}


def document(recording: Recording, played: Played, watts: float) -> dict[str, Any]:
    """Return everything that a replay found, as plain data."""
    beats = [x for x in played.derived if isinstance(x, Beat)]
    vitals = [
        {"kind": kind, "stream": stream, "n": level.count, "least": level.low}
        | {"median": level.middle, "greatest": level.high}
        for (kind, stream), level in levels(played.derived).items()
    ]
    return {
        "recording": recording.name,
        "dated": recording.dated,
        "start": timeline.iso(recording.t0_s, "UTC"),
        "seconds": round(played.seconds, 3),
        "streams": [{"stream": n, "fs": t[0].fs} for n, t in lanes(recording).items()],
        "beats": sum(x.kind == "beat" for x in beats),
        "pulses": sum(x.kind == "pulse" for x in beats),
        "good_share": round(sum(x.good for x in beats) / len(beats), 4) if beats else None,
        "vitals": vitals,
        "findings": [timeline.as_json(e, "UTC") for e in timeline.events(played.derived)],
        "cpu_ms": round(1000 * played.cpu_s, 1),
        "day_cpu_ms": round(1000 * played.a_day_cpu_s, 1),
        "day_joules": round(played.a_day_cpu_s * watts, 2),
        "watts": watts,
    }
