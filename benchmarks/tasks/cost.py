"""Processor time: finding beats beside the fastest peer, in one-second chunks, and all streams.

- `of_sleepecg`: CPU for finding the beats of every record at once, over that of sleepecg's C
  detector; the two take turns, and the median of the ratios counts. Both turn a signal into
  times of beats and do nothing else.
- `stage_of_sleepecg`: the same for the whole stage, which also judges each beat, tells its class
  and width, and makes a record of it: no part of the comparison.
- `times_real_time_1s`: how much faster than life beats are found and judged second by second, by
  the stage without classes; `classes_times_real_time_1s` is the whole stage.
- `five_streams_ms`: CPU that one second of ECG (250 Hz), PPG (64 Hz), acceleration (3 axes at
  50 Hz), SpO2 and temperature (1 Hz) costs the whole pipeline, over ten simulated minutes.

Only ratios can be compared between machines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import median
from time import process_time

import numpy as np

from benchmarks.data import Data
from benchmarks.peers import Peers
from benchmarks.tasks.qrs import Lead, finding, lead
from healthslm.bench import Goal, Result
from healthslm.pipeline import Pipeline
from healthslm.records import Chunk
from healthslm.signals.ecg import SIGNAL, EcgBeats
from healthslm.simulate import make
from healthslm.simulate.plan import Check, Plan

ROUNDS = 5
SECONDS = 600  # of the five streams
EPOCH_S = 1_700_000_000.0
AXES_HZ = 50
BEATS = replace(SIGNAL, finder=replace(SIGNAL.finder, measure=None))
"""The stage without classes."""


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Return the ratios and times of this machine."""
    leads = [lead(path, None) for path in data.mitdb()]
    goals: dict[str, Goal] = {"times_real_time_1s": (">=", 2000.0), "five_streams_ms": ("<=", 5.0)}
    metrics = {
        "times_real_time_1s": median(by_seconds(x, BEATS) for x in leads[:ROUNDS]),
        "classes_times_real_time_1s": median(by_seconds(x, SIGNAL) for x in leads[:ROUNDS]),
        "five_streams_ms": median(five_streams() for _ in range(3)),
    }
    theirs = {}
    if peers:
        goals["of_sleepecg"] = ("<=", 0.5)
        ours, stage, other = in_turn(leads, peers)
        metrics["of_sleepecg"] = median(a / b for a, b in zip(ours, other, strict=True))
        metrics["stage_of_sleepecg"] = median(a / b for a, b in zip(stage, other, strict=True))
        length_s = sum(len(x.values) / x.fs for x in leads)
        metrics["times_real_time"] = length_s / median(ours)
        theirs = {"sleepecg_qrs": {"times_real_time": length_s / median(other)}}
    return [Result("cost", "mitdb", data.split, metrics, goals, theirs)]


def in_turn(leads: Sequence[Lead], peers: Peers) -> tuple[list[float], list[float], list[float]]:
    """Return CPU seconds of the finder, of the stage, and of the peer, round by round."""
    find = finding(SIGNAL.finder)
    ours, stage, other = [], [], []
    for _ in range(ROUNDS):
        ours.append(timed(lambda: [find(x.values, x.fs) for x in leads]))
        stage.append(timed(lambda: [told(x) for x in leads]))
        answers = peers.run("sleepecg_qrs", [(x.values, x.fs) for x in leads])
        other.append(sum(seconds for _, seconds in answers))
    return ours, stage, other


def timed(work: Callable[[], object]) -> float:
    """Return the CPU seconds that `work` takes."""
    before = process_time()
    work()
    return process_time() - before


def told(x: Lead) -> None:
    """Take a whole record through the stage."""
    state, _ = SIGNAL.step(SIGNAL.start(), Chunk("chest/ecg", "ecg", 0.0, x.fs, 0, x.values))
    after = len(x.values) + int(x.fs)
    SIGNAL.step(state, Chunk("chest/ecg", "ecg", 1.0, x.fs, after, np.array([np.nan])))


def by_seconds(x: Lead, stage: EcgBeats) -> float:
    """Return how many seconds of a record a stage takes in one of CPU, a second at a time."""
    state, n = stage.start(), int(x.fs)
    before = process_time()
    for i in range(0, len(x.values), n):
        chunk = Chunk("chest/ecg", "ecg", 0.0, x.fs, i, x.values[i : i + n])
        state, _ = stage.step(state, chunk)
    return len(x.values) / x.fs / (process_time() - before)


def five_streams() -> float:
    """Return the CPU milliseconds that a second of all streams costs the pipeline."""
    chunks, pipeline = list(seconds()), Pipeline()
    before = process_time()
    for chunk in chunks:
        pipeline.feed(chunk)
    return 1000 * (process_time() - before) / SECONDS


def seconds() -> Iterator[Chunk]:
    """Yield the five streams of a person who walks, second by second."""
    rng = np.random.default_rng(1)
    plan = Plan("minutes", float(SECONDS), 12.0, checks=(Check(0, SECONDS),))
    made = make(plan, 1, start_s=EPOCH_S)
    waves = {t.kind: t for t in made.tracks if t.kind in ("ecg", "ppg")}
    t_s = np.arange(SECONDS * AXES_HZ)[:, None] / AXES_HZ
    steps = 0.3 * np.sin(2 * np.pi * 1.8 * t_s + np.array([0.0, 1.0, 2.0]))
    axes = np.array([0.1, 0.2, 0.97]) + steps + 0.02 * rng.standard_normal(steps.shape)
    streams = [
        ("chest/ecg", "ecg", waves["ecg"].fs, waves["ecg"].values),
        ("band/ppg", "ppg", waves["ppg"].fs, waves["ppg"].values),
        ("band/acceleration", "acceleration", 3.0 * AXES_HZ, axes.ravel()),
        ("band/spo2", "spo2", 1.0, np.round(96 + rng.standard_normal(SECONDS))),
        (
            "band/temperature",
            "temperature",
            1.0,
            np.round(36.6 + 0.05 * rng.standard_normal(SECONDS), 2),
        ),
    ]
    for second in range(SECONDS):
        for stream, kind, fs, values in streams:
            start, n = int(second * fs), int(fs)
            yield Chunk(stream, kind, EPOCH_S, fs, start, values[start : start + n])
