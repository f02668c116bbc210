"""Hours of a person's sensors, as the daemon takes them: what is committed, and when.

The rules are the daemon's own (commit after `commit_s`, after `commit_frames`, or at once on
a finding), under a clock that the data set, so that an hour takes seconds.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from benchmarks.data import Missing
from healthslm import ledger
from healthslm.config import Daemon
from healthslm.daemon import POLL_S
from healthslm.ingest import Intake, Taken
from healthslm.pipeline import Pipeline
from healthslm.recordings.tracks import FloatArray, Recording, Track, frames, quantised
from healthslm.records import Derived, Finding, Frame
from healthslm.simulate import make
from healthslm.simulate.body import Person, live
from healthslm.simulate.plan import MINUTE_S, Check, Happening, Plan

T0_S = 1_700_000_000.0
AXES_HZ = 50.0
STEP_G = 1 / 256  # of the accelerometer: ADXL345, full resolution, 3.9 mg
WALKS_G = 0.1  # mean deviation from 1 g; brisk walking is at 0.24
LATE_S = (0.02, 0.2)  # a message is so long on its way


@dataclass(frozen=True, slots=True, eq=False)
class Worn:
    """A recording, and what is true of each of its seconds; NaN where nobody knows."""

    recording: Recording
    rate_per_min: FloatArray  # shape (seconds,)
    activity_g: FloatArray  # the same


@dataclass(frozen=True, slots=True)
class Commit:
    """What one commit holds."""

    at_s: float
    frames: Sequence[Frame]
    derived: Sequence[Derived]
    state: bytes

    @property
    def told(self) -> bool:
        """Whether it was made at once, because something was found."""
        return any(isinstance(x, Finding) for x in self.derived)


def commits(recording: Recording, rng: np.random.Generator) -> Iterator[Commit]:
    """Yield what the daemon, as it is configured by default, would commit of a recording."""
    rules, intake, pipeline = Daemon(), Intake(), Pipeline()
    taken: list[Frame] = []
    derived: list[Derived] = []
    since_s = now_s = recording.t0_s

    def commit() -> Commit:
        state = ledger.State(intake.snapshot(), pipeline.snapshot(), intake.counts, now_s, 0.0)
        made = Commit(now_s, list(taken), list(derived), ledger.write(state))
        taken.clear()
        derived.clear()
        return made

    for arrives_s, frame in _arrivals(recording, rng):
        if taken and arrives_s - since_s > rules.commit_s + POLL_S:
            now_s = since_s + rules.commit_s + rng.uniform(0, POLL_S)
            yield commit()
        now_s = arrives_s
        since_s = since_s if taken else now_s
        taken.append(frame)
        result = intake.accept(frame, None)
        found = pipeline.feed(result.chunk) if isinstance(result, Taken) and result.chunk else []
        derived += found
        urgent = any(isinstance(x, Finding) for x in found)
        if urgent or len(taken) >= rules.commit_frames or now_s - since_s >= rules.commit_s:
            yield commit()
    if taken:
        yield commit()


def _arrivals(recording: Recording, rng: np.random.Generator) -> list[tuple[float, Frame]]:
    ends = ((f.t_s + f.count / f.fs + rng.uniform(*LATE_S), f) for f in frames(recording))
    return sorted(ends, key=lambda arrival: arrival[0])


def simulated(seed: int, minutes: int) -> Worn:
    """Return someone who rests and walks in turn, for minutes each: five streams and a rate."""
    rng = np.random.default_rng([seed, 9])
    span_s = int(minutes * MINUTE_S)
    happenings, at_s = [], float(rng.uniform(60, 240))
    while at_s < span_s - 60:
        walk_s, rest_s = rng.uniform(120, 300, 2).tolist()
        happenings.append(Happening("walk", at_s, min(walk_s, span_s - at_s)))
        if len(happenings) % 8 == 0:  # now and then something to be told at once
            at_s += walk_s
            happenings.append(Happening("desaturation", at_s, min(300.0, span_s - at_s), 86.0))
            walk_s = 300.0
        at_s += walk_s + rest_s
    plan = Plan("worn", float(span_s), 10.0, tuple(happenings), (Check(0, span_s),))
    body = live(plan, Person.of(seed), seed)
    made = make(plan, seed, start_s=T0_S)
    tracks = [t for t in made.tracks if t.kind in ("ecg", "ppg", "temperature")]
    tracks += [_acceleration(rng, body.activity_g[:span_s]), *_slow(rng, body, span_s)]
    by_s = {"chest": float(rng.uniform(0, 5)), "band": float(rng.uniform(0, 5))}
    moved = (replace(t, epoch_s=t.epoch_s + by_s[t.device]) for t in tracks)  # each starts alone
    recording = replace(made, tracks=tuple(moved))
    return Worn(recording, body.heart_bpm[:span_s], body.activity_g[:span_s])


def _acceleration(rng: np.random.Generator, activity_g: FloatArray) -> Track:
    """Return gravity, steps whose height follows the activity, and the sensor's noise."""
    n = int(len(activity_g) * AXES_HZ)
    t_s = np.arange(n) / AXES_HZ
    level = np.interp(t_s, np.arange(len(activity_g)), activity_g)[:, None]
    phase = 2 * np.pi * 1.8 * t_s[:, None] + np.array([0.0, 1.0, 2.0])
    xyz = np.array([0.1, 0.2, 0.97]) + level * (np.sin(phase) + 0.4 * np.sin(2 * phase))
    xyz += (0.004 + 0.05 * level) * rng.standard_normal(xyz.shape)
    samples = quantised(xyz.ravel(), STEP_G)
    return Track("band", "acceleration", 1, 0, T0_S, 3 * AXES_HZ, "g", STEP_G, 0.0, samples)


def _slow(rng: np.random.Generator, body: object, span_s: int) -> Iterator[Track]:
    for stream, unit, name, error in (
        ("spo2", "%", "spo2_pct", 0.3),
        ("heart_rate", "/min", "heart_bpm", 0.6),
    ):
        values = getattr(body, name)[:span_s] + error * rng.standard_normal(span_s)
        yield Track("band", stream, 1, 0, T0_S, 1.0, unit, 1.0, 0.0, quantised(values, 1.0))


def troika(folder: Path) -> Iterator[Worn]:
    """Yield people on a treadmill: ECG, PPG and acceleration at 125 Hz, true rates by ECG."""
    for path in sorted(folder.glob("DATA_*.mat")):
        signals = loadmat(path)["sig"].astype(float)
        true = loadmat(path.with_name(path.name.replace("DATA", "REF", 1)))["BPM0"].ravel()
        seconds = int(signals.shape[1] / 125)
        tracks = (
            _track("chest", "ecg", 125.0, "mV", signals[0], 0.005),
            _track("band", "ppg", 125.0, "1", signals[1], 1.0),
            _track("band", "acceleration", 375.0, "g", signals[3:6].T.ravel(), 1 / 64),
        )
        rate = np.interp(np.arange(seconds), 4.0 + 2.0 * np.arange(len(true)), true)
        yield Worn(Recording("troika", tracks), rate, _moved(signals[3:6].T, 125, seconds))


def wristband(folder: Path) -> Iterator[Worn]:
    """Yield hours of an Empatica E4: acceleration, pulse and skin temperature, its own rates."""
    for path in sorted(folder.glob("*_ACC.csv.xz")):
        acc, bvp, temp, rate = (
            _table(path.with_name(path.name.replace("ACC", kind)))
            for kind in ("ACC", "BVP", "TEMP", "HR")
        )
        xyz = acc[2:] / 64  # g
        seconds = len(xyz) // 32
        tracks = (
            _track("band", "ppg", 64.0, "1", bvp[2:, 0], 0.01),
            _track("band", "acceleration", 96.0, "g", xyz.ravel(), 1 / 64),
            _track("band", "temperature", 4.0, "Cel", temp[2:, 0], 0.01),
            _track("band", "heart_rate", 1.0, "/min", rate[2:, 0], 1.0),
        )
        lag = int(rate[0, 0] - acc[0, 0])
        known = np.full(seconds, np.nan)
        kept = rate[2:, 0][: max(seconds - lag, 0)]
        known[lag : lag + len(kept)] = kept
        yield Worn(Recording("e4", tracks), known, _moved(xyz, 32, seconds))


def real(root: Path, name: str, split: str = "dev") -> Iterator[Worn]:
    """Yield the people of a data set; raises Missing where it is not there."""
    folder = root / name / split
    if not folder.exists():
        raise Missing(f"no {name}/{split} in HEALTHSLM_DATA")
    return {"troika": troika, "stress_predict_e4": wristband}[name](folder)


def joined(people: Sequence[Worn]) -> Worn:
    """Return people who wear the same sensors one after another, ten seconds apart."""
    tracks: list[Track] = []
    rates, moves, at_s = [], [], 0
    pause = np.full(10, np.nan)
    for boot, one in enumerate(people, 1):
        moved = (replace(t, boot=boot, epoch_s=t.epoch_s + at_s) for t in one.recording.tracks)
        tracks += moved
        rates += [one.rate_per_min, pause]
        moves += [one.activity_g, pause]
        at_s += len(one.rate_per_min) + len(pause)
    recording = Recording(people[0].recording.name, tuple(tracks))
    return Worn(recording, np.concatenate(rates), np.concatenate(moves))


def _track(
    device: str, stream: str, fs: float, unit: str, values: FloatArray, gain: float
) -> Track:
    """Return values as a device sends them: in steps of `gain`, coarser where they need it."""
    span = float(np.nanmax(np.abs(values)))
    gain = max(gain, span / 32_000)
    return Track(device, stream, 1, 0, T0_S, fs, unit, gain, 0.0, quantised(values, gain))


def _table(path: Path) -> FloatArray:
    with lzma.open(path, "rt") as lines:
        return np.loadtxt(lines, delimiter=",", ndmin=2)


def _moved(xyz: FloatArray, fs: int, seconds: int) -> FloatArray:
    """Return the mean deviation of the acceleration's size from its median, for each second."""
    size = np.linalg.norm(xyz[: seconds * fs], axis=1)
    moved: FloatArray = np.abs(size - np.median(size)).reshape(seconds, fs).mean(axis=1)
    return moved
