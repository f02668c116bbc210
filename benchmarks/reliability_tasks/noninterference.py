"""Raw signals that differ below a report's rounding leave no trace in what leaves the board.

Pairs of recordings of four minutes (ECG with a pause, SpO2, temperature) go through the whole
pipeline. The second of a pair has other noise in every stream, each value within its step, other
frames and another boot; the third, the control, differs above the rounding.

- `pairs`: those whose derived numbers are alike once they are rounded by other means; `unlike`:
  candidates that were not, because a value happened to lie at the edge of its step.
- `raw_differing`: share of the samples that differ, in percent.
- `differing`: pairs with another plaintext under the same release. `size_differing`: with
  another size. `control_differing`: pairs whose control has another plaintext: all must.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal
from random import Random

import numpy as np
from numpy.typing import NDArray

from healthslm.bench import Goal, Result
from healthslm.recordings.tracks import Recording, Track
from healthslm.records import Beat, Derived, Finding, Vital
from healthslm.replay import direct
from healthslm.share import digest, envelope
from healthslm.share.terms import EVIDENCE, EVIDENCE_OF, MEASURE_OF, MEASURES
from healthslm.vault.keys import Device
from healthslm.vault.readers import Reader
from healthslm.vault.release import Release

BEGIN = 29_537_280  # minutes: 2026-02-28 00:00 UTC
MINUTES = 4
FS = 250
PERIOD = digest.Period(BEGIN, BEGIN + 15)
TRIES = 5  # candidates for each pair that is asked for

Samples = NDArray[np.int16]


PAIRS = 40


def measure(seed: int, n: int) -> list[Result]:
    """Return the figures of `n` pairs (40)."""
    n = n or PAIRS
    release = released(Random(seed))  # noqa: S311 - to be made again
    unlike = differing = size_differing = control_differing = pairs = changed = total = 0
    for number in range(TRIES * n):
        if pairs == n:
            break
        one, other, control = (
            recording(seed * 100_000 + number, which) for which in ("one", "other", "control")
        )
        first, second = direct(one), direct(other, cuts=Random(number))  # noqa: S311
        if rounded(first) != rounded(second):
            unlike += 1
            continue
        pairs += 1
        changed += sum(int((a.samples != b.samples).sum()) for a, b in _both(one, other))
        total += sum(len(track.samples) for track in one.tracks)
        texts = [text(records, release) for records in (first, second, direct(control))]
        sizes = {len(envelope.seal(x, release.public, release.reader_id)) for x in texts[:2]}
        differing += texts[0] != texts[1]
        size_differing += len(sizes) > 1
        control_differing += texts[0] != texts[2]
    metrics = {
        "pairs": float(pairs),
        "unlike": float(unlike),
        "raw_differing": 100.0 * changed / max(total, 1),
        "differing": float(differing),
        "size_differing": float(size_differing),
        "control_differing": float(control_differing),
    }
    goals: dict[str, Goal] = {
        "pairs": (">=", float(max(n, 1))),
        "differing": ("<=", 0.0),
        "size_differing": ("<=", 0.0),
        "control_differing": (">=", float(max(pairs, 1))),
    }
    return [Result("noninterference", "invented signals", f"seed {seed}", metrics, goals)]


def released(random: Random) -> Release:
    """Return what a store would release, the same each time."""
    device, reader = (
        Device(random.randbytes(16), random.randbytes(32)),
        Reader(random.randbytes(96)),
    )
    audit = (7, random.randbytes(32))
    return Release(device.store_id, reader.id, reader.public, 3, audit, device.public, device.sign)


def text(records: Iterable[Derived], release: Release) -> bytes:
    """Return the plaintext of a report."""
    body = digest.body(records, PERIOD, envelope.ROOM)
    return envelope.plaintext(body, PERIOD, release, (BEGIN + 15) * 60.0)


def recording(seed: int, which: str) -> Recording:
    """Return one person's four minutes; what differs between the three of a seed is the noise."""
    person, noise = np.random.default_rng(seed), np.random.default_rng([seed, len(which)])
    seconds = MINUTES * 60
    rr_s = 60.0 / person.integers(55, 90)
    beats = np.delete(np.arange(0.5, seconds - 0.5, rr_s), [60, 61])  # a pause of three intervals
    t = np.arange(seconds * FS) / FS
    wave = np.zeros(len(t))
    for at in beats:
        near = slice(max(int((at - 0.1) * FS), 0), int((at + 0.1) * FS))
        wave[near] += np.exp(-((t[near] - at) ** 2) / (2 * 0.012**2))
    ecg = np.rint(1000 * (wave + person.normal(0, 0.01, len(t)))) + noise.integers(-1, 2, len(t))
    more = 1.0 if which == "control" else 0.0
    level = int(person.integers(92, 99))
    spo2 = np.rint(10 * (level - 2 * more + noise.uniform(-0.4, 0.4, seconds)))
    warm = person.integers(364, 372) / 10
    degrees = np.rint(1000 * (warm + 0.2 * more + noise.uniform(-0.04, 0.04, MINUTES)))
    tracks = (
        _track("chest", "ecg", FS, "mV", 0.001, ecg, which),
        _track("wrist", "spo2", 1.0, "%", 0.1, spo2, which),
        _track("arm", "temperature", 1 / 60, "Cel", 0.001, degrees - 30_000, which, 30.0),
    )
    return Recording(which, tracks)


def _track(
    device: str,
    stream: str,
    fs: float,
    unit: str,
    gain: float,
    samples: NDArray[np.float64],
    which: str,
    offset: float = 0.0,
) -> Track:
    boot = 1 + len(which)
    return Track(
        device, stream, boot, 0, BEGIN * 60.0, fs, unit, gain, offset, samples.astype(np.int16)
    )


def _both(one: Recording, other: Recording) -> Iterable[tuple[Track, Track]]:
    return zip(one.tracks, other.tracks, strict=True)


def rounded(records: Iterable[Derived]) -> list[tuple[object, ...]]:
    """Return derived records as a person would round them, by other means than the report's."""
    out: list[tuple[object, ...]] = []
    for x in records:
        if isinstance(x, Beat):
            out.append(("beat", x.stream, _minute(x.t_s)))
        if isinstance(x, Vital):
            step = MEASURES[MEASURE_OF[x.kind]].quantum if x.kind in MEASURE_OF else None
            value = None if step is None else _nearest(x.value, step)
            out.append((x.kind, x.stream, _minute(x.t_s), value))
        if isinstance(x, Finding):
            numbers = tuple(
                (name, _nearest(value, EVIDENCE[EVIDENCE_OF[name]].quantum))
                for name, value in x.evidence
                if name in EVIDENCE_OF
            )
            span = (_minute(x.t0_s), _minute(x.t1_s))
            out.append((x.kind, x.stream, span, x.severity, x.ongoing, numbers))
    return sorted(out, key=repr)


def _minute(t_s: float) -> int:
    """Return the minute whose end is the first whole one not before a time."""
    return -int(-t_s // 60)


def _nearest(value: float, step: float) -> int:
    steps = Decimal(value) / Decimal(str(step)) + Decimal("0.5")
    return int(steps.to_integral_value(ROUND_FLOOR))
