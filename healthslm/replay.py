"""Recordings played again: straight through the pipeline, or to a broker as sensors would.

Both ways see the same frames. How they are cut, and a restart in between, change nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from healthslm.errors import BadMessage, RecordingError
from healthslm.records import Derived, Finding, Frame

if TYPE_CHECKING:
    from healthslm.pipeline import Pipeline
    from healthslm.recordings import Recording


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of the frames that were published."""

    frames: int
    acknowledged: int
    again: int  # sent more than once
    seconds: float  # of wall clock


def direct(
    recording: Recording,
    *,
    pipeline: Callable[[], Pipeline] | None = None,
    cuts: Random | None = None,
    restarts: Collection[int] = (),
) -> list[Derived]:
    """Return everything that `played` yields."""
    return list(played(recording, pipeline=pipeline, cuts=cuts, restarts=restarts))


def played(
    recording: Recording,
    *,
    pipeline: Callable[[], Pipeline] | None = None,
    cuts: Random | None = None,
    restarts: Collection[int] = (),
) -> Iterator[Derived]:
    """Yield what the recording leads to, as the daemon would derive it.

    Parameters
    ----------
    pipeline
        Makes an empty pipeline; by default one of all signals and detectors.
    cuts
        Cut the streams into frames at random.
    restarts
        Before each frame of these numbers (from 0) everything is snapshotted, thrown away
        and restored.

    Raises
    ------
    RecordingError
        The recording breaks what a sensor may send.
    """
    from healthslm.ingest import Intake, Taken
    from healthslm.pipeline import Pipeline
    from healthslm.recordings import frames

    make = pipeline or Pipeline
    intake, line = Intake(), make()
    for n, frame in enumerate(frames(recording, cuts=cuts)):
        if n in restarts:
            kept = intake.snapshot(), line.snapshot()
            intake, line = Intake(), make()
            intake.restore(kept[0])
            line.restore(kept[1])
        try:
            result = intake.accept(frame, None)
        except BadMessage as error:
            raise RecordingError(f"{frame.name}: refused: {error.reason}") from error
        if isinstance(result, Taken):
            if result.gap is not None:
                yield result.gap
            if result.chunk is not None:
                yield from line.feed(result.chunk)


def findings(derived: Iterable[Derived]) -> list[Finding]:
    """Return the last word on each finding, oldest first."""
    newest = {x.key: x for x in derived if isinstance(x, Finding)}
    return sorted(newest.values(), key=lambda f: (f.t0_s, f.kind, f.stream))


def publish(
    recording: Recording,
    url: str,
    person: str,
    speed: float = 0.0,
    *,
    base_s: float | None = None,
    cuts: Random | None = None,
    told: Callable[[Frame], None] = lambda frame: None,
) -> Sent:
    """Publish the recording as the sensors would; return when all of it is stored.

    A recording that is moved to now is a new start of its sensors each time: were their boots
    the same, the daemon would take the second for the first come twice.

    Parameters
    ----------
    url, person
        The broker, and whose topics.
    speed
        1 is real time, 60 a minute in a second, 0 as fast as the daemon takes it.
    base_s
        Move the recording so that its first sample falls here (UTC seconds).
    told
        Called with each frame when it was sent.

    Raises
    ------
    BrokerError
        The broker or the daemon does not answer.
    ConfigError
        `url` does not lead to this machine.
    """
    from healthslm.publisher import Publisher
    from healthslm.recordings import frames

    began, count = time.monotonic(), 0
    t0_s = recording.t0_s if base_s is None else base_s
    boot = max(int(t0_s if base_s is None else time.time()), 0)
    with Publisher(url, person) as publisher:
        publisher.meet()
        for device, stream, fs, unit in sorted(
            {(t.device, t.stream, t.fs, t.unit) for t in recording.tracks}
        ):
            publisher.describe(device, stream, {"fs": fs, "unit": unit})
        for frame in frames(recording, cuts=cuts, base_s=base_s):
            end_s = frame.t_s + frame.count / frame.fs
            while speed and (wait_s := began + (end_s - t0_s) / speed - time.monotonic()) > 0:
                publisher.poll(min(wait_s, 0.25))
            publisher.send(replace(frame, boot=boot + frame.boot))
            told(frame)
            count += 1
        publisher.flush()
        box = publisher.outbox
        return Sent(count, box.acknowledged, box.again, time.monotonic() - began)
