"""`healthslm simulate`: a labelled recording from a seed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from click.core import ParameterSource

from healthslm.cli import console
from healthslm.review import timeline


def instant(ctx: click.Context, parameter: click.Parameter, text: str) -> float:
    """Read ISO 8601 as UTC seconds; a time without a zone is UTC."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter("want ISO 8601, e.g. 2026-03-01T00:00Z", ctx, parameter) from error
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


@click.command("simulate")
@click.option(
    "--scene",
    metavar="NAME",
    help="One of the short recordings of sample_data/, e.g. fever, instead of a day.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Which person, and which day.",
)
@click.option(
    "--out",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="New folder for the recording.",
)
@click.option(
    "--hours",
    type=click.FloatRange(0.1, 48.0),
    default=24.0,
    show_default=True,
    help="Its length, from midnight.",
)
@click.option(
    "--start",
    default="2026-03-01T00:00Z",
    show_default=True,
    callback=instant,
    help="Time of the first sample, ISO 8601; UTC unless it says.",
)
@console.as_json
@click.pass_context
def command(
    ctx: click.Context,
    scene: str | None,
    seed: int,
    folder: Path,
    hours: float,
    start: float,
    json_: bool,
) -> None:
    """Make a labelled recording from a seed.

    The same seed makes the same recording. It holds ECG, PPG, SpO2, respiration,
    temperature and motion of one person, and says what truly happened and when.
    """
    if folder.exists() and any(folder.iterdir()):
        raise click.BadParameter(f"{folder} is not empty", param_hint="--out")
    given = [
        name
        for name in ("seed", "hours", "start")
        if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT
    ]
    if scene and given:
        raise click.UsageError(f"a scene has its own {given[0]}: leave out --{given[0]}")
    from healthslm import simulate

    before = console.cpu_s()
    if scene:
        if scene not in simulate.SCENES:
            there = ", ".join(simulate.SCENES)
            raise click.BadParameter(f"no {scene!r}; there are {there}", param_hint="--scene")
        recording, seed = simulate.scene(scene), simulate.SCENES[scene].seed
        made_by = f"healthslm simulate --scene {scene} --out {scene}"
    else:
        recording = simulate.day(seed, start_s=start, hours=hours)
        began = datetime.fromtimestamp(start, UTC).isoformat()
        made_by = f"healthslm simulate --seed {seed} --hours {hours:g} --start {began} --out FOLDER"
    simulate.save(recording, folder, command=made_by)
    spent = console.cpu_s() - before
    octets = sum(path.stat().st_size for path in folder.iterdir())
    if json_:
        tracks = [
            {"stream": t.lane, "fs": t.fs, "samples": len(t.samples)} for t in recording.tracks
        ]
        labels = [{"kind": e.kind, "t0_s": e.t0_s, "t1_s": e.t1_s} for e in recording.events]
        data = {"folder": str(folder), "seed": seed, "bytes": octets, "cpu_s": round(spent, 3)}
        console.emit("simulate", {**data, "tracks": tracks, "events": labels})
        return
    lasted = timeline.lasting(recording.t1_s - recording.t0_s)
    console.out(f"{folder}: {scene or f'seed {seed}'}, {lasted}, {console.size(octets)}")
    streams: dict[str, float] = {}
    for track in recording.tracks:
        streams[track.lane] = streams.get(track.lane, 0.0) + (track.t1_s - track.t0_s)
    console.pairs([(lane, timeline.lasting(seconds)) for lane, seconds in sorted(streams.items())])
    console.out(f"{console.count(len(recording.events), 'labelled event')}")
    console.note(f"made with {spent:.1f} s of CPU; play it: healthslm replay {folder}")
