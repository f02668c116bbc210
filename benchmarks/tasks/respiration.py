"""Respiratory rate against two people's breath marks, and against breaths that were made.

BIDMC (Pimentel et al. 2017, doi:10.1109/TBME.2016.2613124): intensive care, eight minutes
each, breaths marked on the impedance channel by two annotators. The reference of a window
is 60 (n - 1) / (last - first) of the breaths in it, the mean of both annotators; windows in
which they differ by more than 2/min, or one saw fewer than three, are left out and counted.
The last two windows before a recording ends are not counted either: a rate is told when
other sensors can have nothing more to say of its window.

A best constant, the median of the reference, comes off well here: what counts is how much
better an answer is (`mae_constant_ratio`) on the windows that were answered.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Data
from benchmarks.peers import Peers
from healthslm.bench import Goal, Result
from healthslm.pipeline import Pipeline
from healthslm.recordings.csv import load
from healthslm.recordings.tracks import Recording
from healthslm.records import Chunk, Tick, Vital
from healthslm.signals import signals
from healthslm.signals.respiration_periods import STEP_S, WINDOW_S

FloatArray = NDArray[np.float64]

MOST_APART_PER_MIN = 2.0
CHUNK_S = 10.0
GOALS: dict[str, Goal] = {
    "coverage": (">=", 50.0),
    "within_3": (">=", 90.0),
    "r": (">=", 0.6),
    "mae_constant_ratio": ("<=", 0.6),
    "impedance_within_3": (">=", 97.0),
    "impedance_mae": ("<=", 0.5),
}
MADE_GOALS: dict[str, Goal] = {
    "reach_low": ("<=", 5.0),
    "reach_high": (">=", 40.0),
    "impedance_reach_low": ("<=", 5.0),
    "impedance_reach_high": (">=", 40.0),
}
Rates = Mapping[float, float]  # by the end of the window, seconds from the start


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Measure the respiratory rate of both."""
    return [_bidmc(data, peers), _made(data.split)]


# ---- recordings ------------------------------------------------------------------------------


def _bidmc(data: Data, peers: Peers | None) -> Result:
    paths = sorted(data.folder("bidmc").glob("*_Signals.csv.xz"))
    recordings = [load(path) for path in paths]
    references, left_out = [], 0
    for path, recording in zip(paths, recordings, strict=True):
        reference, excluded = _reference(path, recording.t1_s - recording.t0_s)
        references.append(reference)
        left_out += excluded
    beats = [_told(r, ("ecg", "ppg")) for r in recordings]
    metrics = {"records": float(len(paths)), "left_out": float(left_out)}
    metrics |= _agreement([x["respiratory_rate", "csv/ecg"] for x in beats], references)
    belts = [_told(r, ("respiration",))["respiratory_rate", "csv/respiration"] for r in recordings]
    metrics |= _named("impedance", _agreement(belts, references))
    for kind in ("ecg", "ppg"):
        alone = [_told(r, (kind,))["respiratory_rate", f"csv/{kind}"] for r in recordings]
        metrics |= _named(f"{kind}_alone", _agreement(alone, references))
    found = {} if peers is None else _peers(peers, recordings, references)
    return Result("respiration", "bidmc", data.split, metrics, GOALS, found)


def _reference(path: Path, span_s: float) -> tuple[Rates, int]:
    """Return the reference rate of each window, and how many windows have none."""
    marks = path.with_name(path.name.replace("_Signals", "_Breaths"))
    with lzma.open(marks, "rt") as file:
        rows = [line.split(",") for line in file.read().split("\n")[1:] if line.strip()]
    both = [np.array([_number(row[i]) for row in rows]) / 125 for i in (0, 1)]
    both = [np.sort(x[np.isfinite(x)]) for x in both]
    rates, left_out = {}, 0
    for end_s in _ends(span_s):
        a, b = (_rate(breaths_s, end_s) for breaths_s in both)
        if abs(a - b) <= MOST_APART_PER_MIN:
            rates[end_s] = (a + b) / 2
        else:
            left_out += 1
    return rates, left_out


def _number(field: str) -> float:
    try:
        return float(field)
    except ValueError:
        return float("nan")


def _ends(span_s: float) -> Iterator[float]:
    """Yield the end of each window that is told before the recording ends."""
    end_s = -(-WINDOW_S // STEP_S) * STEP_S
    while end_s + 3 * STEP_S <= span_s:
        yield end_s
        end_s += STEP_S


def _rate(breaths_s: FloatArray, end_s: float) -> float:
    inside = breaths_s[(breaths_s >= end_s - WINDOW_S) & (breaths_s < end_s)]
    if len(inside) < 3:
        return float("nan")
    return float(60 * (len(inside) - 1) / (inside[-1] - inside[0]))


def _told(recording: Recording, kinds: Sequence[str]) -> _Lanes:
    """Return the vitals of a recording as the pipeline tells them, by kind and stream."""
    pipeline = Pipeline({k: s for k, s in signals().items() if k.startswith("respiration")}, {})
    pieces = []
    for track in recording.tracks:
        if track.kind not in kinds:
            continue
        size = int(CHUNK_S * track.fs)
        for at in range(0, len(track.samples), size):
            start, values = track.start + at, track.values[at : at + size]
            pieces.append(Chunk(track.lane, track.kind, 0.0, track.fs, start, values))
    lanes = _Lanes()
    for piece in sorted(pieces, key=lambda c: c.end_s):
        lanes.take(pipeline.feed(piece))
    lanes.take(pipeline.feed(Tick(recording.t1_s - recording.t0_s + 600)))
    return lanes


class _Lanes(dict[tuple[str, str], dict[float, float]]):
    """Values by kind and stream, and by time."""

    def __missing__(self, key: tuple[str, str]) -> dict[float, float]:
        return self.setdefault(key, {})

    def take(self, derived: Sequence[object]) -> None:
        for x in derived:
            if isinstance(x, Vital):
                self[x.kind, x.stream][x.t_s] = x.value


def _agreement(told: Sequence[Rates], references: Sequence[Rates]) -> dict[str, float]:
    """Return how well the windows that were answered agree with the reference."""
    pairs = [
        (rates[end_s], true)
        for rates, reference in zip(told, references, strict=True)
        for end_s, true in reference.items()
        if end_s in rates
    ]
    windows = sum(map(len, references))
    said, true = np.array(pairs).reshape(-1, 2).T
    error = np.abs(said - true)
    constant = np.abs(true - np.median(true)) if len(true) else true
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "windows": float(windows),
            "coverage": 100 * len(pairs) / max(windows, 1),
            "within_3": 100 * float(np.mean(error <= 3)) if pairs else float("nan"),
            "r": float(np.corrcoef(said, true)[0, 1]) if len(pairs) > 2 else float("nan"),
            "mae": float(np.mean(error)) if pairs else float("nan"),
            "mae_constant_ratio": float(np.sum(error) / np.sum(constant)),
        }


def _named(first: str, metrics: Mapping[str, float]) -> dict[str, float]:
    return {f"{first}_{name}": x for name, x in metrics.items() if name != "windows"}


def _peers(
    peers: Peers, recordings: Sequence[Recording], references: Sequence[Rates]
) -> dict[str, Mapping[str, float]]:
    """Return the same figures of the peers; they answer every window that has three breaths."""
    asked = (("neurokit_rsp", "respiration"), ("neurokit_ecg_rsp", "ecg"))
    found: dict[str, Mapping[str, float]] = {}
    for method, kind in asked:
        tracks = [next(t for t in r.tracks if t.kind == kind) for r in recordings]
        answers = peers.run(method, [(t.values, t.fs) for t in tracks])
        told = [
            {end_s: x for end_s in reference if np.isfinite(x := _rate(breaths_s, end_s))}
            for (breaths_s, _), reference in zip(answers, references, strict=True)
        ]
        cpu_s = sum(seconds for _, seconds in answers)
        found[f"{method} on {kind}"] = _agreement(told, references) | {"cpu_s": cpu_s}
    return found


# ---- breaths that were made ------------------------------------------------------------------

SPAN_S = 200.0
MADE_PER_MIN = tuple(5 + 2.5 * i for i in range(15))  # 5 to 40/min
FS_HZ = 125.0


def _made(split: str) -> Result:
    """Return the range of rates that are told rightly, one after the other from 15/min."""
    errors: dict[str, dict[float, float]] = {"": {}, "impedance_": {}}
    covered = []
    for n, per_min in enumerate(MADE_PER_MIN):
        tracks = made(per_min, seed=n)
        ends = list(_ends(SPAN_S))
        for name, kinds in (("", ("ecg", "ppg")), ("impedance_", ("respiration",))):
            rates = _told_of({k: tracks[k] for k in kinds})
            answers = [rates[end_s] for end_s in ends if end_s in rates]
            worst = max((abs(x - per_min) for x in answers), default=float("inf"))
            enough = 2 * len(answers) >= len(ends)
            errors[name][per_min] = worst if enough else float("inf")
            covered.append(100 * len(answers) / len(ends))
    metrics = {"coverage": float(np.mean(covered))}
    for name, error in errors.items():
        metrics[f"{name}reach_low"] = _reach(error, MADE_PER_MIN[::-1])
        metrics[f"{name}reach_high"] = _reach(error, MADE_PER_MIN)
        metrics[f"{name}max_error"] = max(error.values())
    return Result("respiration", "made", split, metrics, MADE_GOALS)


def _told_of(tracks: Mapping[str, FloatArray]) -> Rates:
    pipeline = Pipeline({k: s for k, s in signals().items() if k.startswith("respiration")}, {})
    lanes, size = _Lanes(), int(CHUNK_S * FS_HZ)
    for at in range(0, int(SPAN_S * FS_HZ), size):
        for kind, x in tracks.items():
            lanes.take(
                pipeline.feed(Chunk(f"made/{kind}", kind, 0.0, FS_HZ, at, x[at : at + size]))
            )
    lanes.take(pipeline.feed(Tick(SPAN_S + 600)))
    return lanes["respiratory_rate", f"made/{'ecg' if 'ecg' in tracks else 'respiration'}"]


def _reach(error: Mapping[float, float], order: Sequence[float]) -> float:
    """Return the last rate, going on from 15/min, up to which all are right within 3/min."""
    reached = float("nan")
    for per_min in order[order.index(15.0) :]:
        if error[per_min] > 3:
            break
        reached = per_min
    return reached


def made(per_min: float, seed: int) -> dict[str, FloatArray]:
    """Return an ECG, a PPG and a belt of one breathing person, at `FS_HZ`.

    Breathing moves the level of all, and the height (10 %) and the intervals (4 %) of the
    beats; the pressure's own waves at 6/min move the intervals and the PPG as well. The heart beats
    70/min, or 2.6 times a breath where that is more: fast breathing comes with a fast heart.
    """
    rng = np.random.default_rng([seed, 61])
    t_s = np.arange(int(SPAN_S * FS_HZ)) / FS_HZ
    phase = 2 * np.pi * per_min / 60 * t_s + rng.uniform(0, 2 * np.pi)
    breath = np.sin(phase) + 0.2 * np.sin(2 * phase + 1.0)
    slow = np.sin(2 * np.pi * 0.1 * t_s + rng.uniform(0, 2 * np.pi))
    heart_hz = max(70.0, 2.6 * per_min) / 60 * (1 + 0.04 * breath + 0.02 * slow)
    turned = np.cumsum(heart_hz) / FS_HZ
    beats_s = np.interp(np.arange(1, int(turned[-1])), turned, t_s)
    height = 1 + 0.1 * np.interp(beats_s, t_s, breath) + 0.01 * rng.standard_normal(len(beats_s))
    ecg = 0.05 * breath + 0.02 * rng.standard_normal(len(t_s))
    ppg = 0.1 * breath + 0.05 * slow + 0.01 * rng.standard_normal(len(t_s))
    bumps = {"ecg": ((0.0, 0.012, 1.0), (0.25, 0.05, 0.2)), "ppg": ((0.2, 0.1, 1.0),)}
    for kind, signal in (("ecg", ecg), ("ppg", ppg)):
        for at_s, tall in zip(beats_s.tolist(), height.tolist(), strict=True):
            near = slice(max(int((at_s - 0.5) * FS_HZ), 0), int((at_s + 0.9) * FS_HZ))
            for delay, width, size in bumps[kind]:
                signal[near] += tall * size * np.exp(-(((t_s[near] - at_s - delay) / width) ** 2))
    belt = breath + 0.1 * rng.standard_normal(len(t_s)) + 0.2 * slow
    return {"ecg": ecg, "ppg": ppg, "respiration": belt}
