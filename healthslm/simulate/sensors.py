"""What the sensors of a simulated person write down: tracks, beats and labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from healthslm.recordings.tracks import Track, quantised
from healthslm.simulate import waves
from healthslm.simulate.body import Body, Person
from healthslm.simulate.plan import Check, Plan
from healthslm.simulate.rhythm import Rhythm, beat

ECG_MV = 0.005  # step of the ECG's converter
PPG = 1 / 4096

# What the band measures: stream, seconds in a sample, unit, step, field of `Body`, error added.
_BAND = (
    ("activity", 10, "g", 0.001, "activity_g", 0.0),
    ("heart_rate", 10, "/min", 0.1, "heart_bpm", 0.6),
    ("respiratory_rate", 30, "/min", 0.1, "breaths_bpm", 0.5),
    ("spo2", 10, "%", 0.1, "spo2_pct", 0.2),
    ("temperature", 60, "Cel", 0.01, "temperature_c", 0.02),
)


def band(plan: Plan, body: Body, seed: int, start_s: float) -> list[Track]:
    """Return the slow streams of the band; it starts anew each time it was taken off."""
    rng = np.random.default_rng([seed, 3])
    tracks = []
    for boot, (on_s, off_s) in enumerate(_worn(plan), 1):
        for stream, period_s, unit, gain, field, error in _BAND:
            count = int(off_s - on_s) // period_s
            if count == 0:
                continue
            seconds = getattr(body, field)[int(on_s) : int(on_s) + count * period_s]
            values = seconds.reshape(count, period_s).mean(axis=1)
            values = values + error * rng.standard_normal(count)
            samples = quantised(values, gain)
            at_s, fs = start_s + on_s, 1 / period_s
            tracks.append(Track("band", stream, boot, 0, at_s, fs, unit, gain, 0.0, samples))
    return tracks


def _worn(plan: Plan) -> list[tuple[float, float]]:
    """Return when the band is worn, in whole seconds from the start."""
    edges = [0.0]
    for h in plan.of("no_data"):
        edges += [float(round(h.at_s)), float(round(h.at_s + h.span_s))]
    edges.append(plan.span_s)
    return list(zip(edges[::2], edges[1::2], strict=True))


def check_beats(plan: Plan, check: Check, body: Body, person: Person, seed: int) -> Rhythm:
    """Return the beats of one check."""
    first = check.at_s
    seconds = slice(first, first + check.span_s + 1)
    return beat(
        np.random.default_rng([seed, 4, first]),
        person,
        body.heart_bpm[seconds],
        body.breaths_bpm[seconds],
        plan.during(check, "irregular_rhythm"),
        plan.during(check, "pause"),
    )


def check_tracks(
    plan: Plan, check: Check, rhythm: Rhythm, person: Person, seed: int, start_s: float
) -> list[Track]:
    """Return the ECG and PPG of one check; samples that were lost leave a hole in the ECG."""
    first, span_s = check.at_s, check.span_s
    rng = np.random.default_rng([seed, 5, first])
    noise = plan.during(check, "poor_signal")
    ecg = quantised(waves.ecg(rng, person, rhythm, span_s, noise), ECG_MV)
    ppg = quantised(waves.ppg(rng, person, rhythm, span_s, noise), PPG)
    at = int(first * waves.ECG_HZ)
    track = Track("chest", "ecg", 1, at, start_s, waves.ECG_HZ, "mV", ECG_MV, 0.0, ecg)
    tracks = [track]
    for h in plan.during(check, "lost"):
        low, high = (int(t_s * waves.ECG_HZ) for t_s in (h.at_s, h.at_s + h.span_s))
        late = replace(track, start=at + high, samples=ecg[high:], continuous=False)
        tracks = [replace(track, samples=ecg[:low]), late]
    for boot, (on_s, off_s) in enumerate(_worn(plan), 1):
        if on_s <= first and first + span_s <= off_s:
            at, epoch_s = int((first - on_s) * waves.PPG_HZ), start_s + on_s
            tracks.append(Track("band", "ppg", boot, at, epoch_s, waves.PPG_HZ, "1", PPG, 0.0, ppg))
    return tracks
