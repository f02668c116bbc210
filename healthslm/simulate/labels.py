"""What is true of a simulated recording: its events, its beats, the findings it must give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from healthslm.recordings.folder import Expected
from healthslm.recordings.tracks import Event, Marks, Recording, Track
from healthslm.simulate.body import RATE_RISE_S, Body
from healthslm.simulate.plan import Check, Plan
from healthslm.simulate.rhythm import Rhythm
from healthslm.simulate.waves import ECG_HZ

FEVER_C = 38.0  # a fever is labelled from the first second at this temperature to the last

# How far from its label a finding may lie: rates, fever and silence must last before they
# count, and a smoothed value comes late.
TOLERANCE_S = {
    "bradycardia": 120.0,
    "desaturation": 60.0,
    "fever": 900.0,
    "irregular_rhythm": 60.0,
    "no_data": 900.0,
    "pause": 5.0,
    "poor_signal": 60.0,
    "tachycardia": 120.0,
}


def slow_events(plan: Plan, body: Body) -> list[Event]:
    """Return what happens to the slow signals; times from the start of the recording."""
    events = []
    for h in plan.happenings:
        event = Event(h.kind, h.at_s, h.at_s + h.span_s, h.level)
        if h.kind == "desaturation":
            events.append(event)
        elif h.kind in ("no_data", "walk"):
            events.append(replace(event, level=None))
        elif h.kind in ("bradycardia", "tachycardia"):
            inner = replace(event, t0_s=event.t0_s + RATE_RISE_S, t1_s=event.t1_s - RATE_RISE_S)
            events.append(inner)
        elif h.kind == "fever":
            hot = np.flatnonzero(body.temperature_c >= FEVER_C)
            events.append(replace(event, t0_s=float(hot[0]), t1_s=float(hot[-1])))
    return events


def check_events(plan: Plan, check: Check, rhythm: Rhythm) -> list[Event]:
    """Return what happens during a check; times from the start of the recording."""
    at_s = check.at_s
    events = [replace(e, t0_s=e.t0_s + at_s, t1_s=e.t1_s + at_s) for e in rhythm.events]
    for kind in ("lost", "poor_signal"):
        for h in plan.during(check, kind):
            events.append(Event(kind, at_s + h.at_s, at_s + h.at_s + h.span_s))
    return events


def check_marks(check: Check, rhythm: Rhythm) -> list[tuple[int, str, str]]:
    """Return (sample, symbol, aux) of every beat and every change of rhythm."""
    index = np.rint((rhythm.times_s + check.at_s) * ECG_HZ).astype(int).tolist()
    symbols = np.where(rhythm.ectopic, "V", "N").tolist()
    wild = rhythm.fibrillating.tolist()
    rows = [(at, symbol, "") for at, symbol in zip(index, symbols, strict=True)]
    for at, before, now in zip(index, [None, *wild], wild, strict=False):
        if now != before:
            rows.append((at, "+", "(AFIB" if now else "(N"))
    return rows


def marked(rows: Iterable[tuple[int, str, str]], tracks: Iterable[Track]) -> Marks:
    """Return those annotations, oldest first, whose samples are in one of `tracks`."""
    spans = [(t.start, t.start + len(t.samples)) for t in tracks]
    kept = sorted(row for row in rows if any(low <= row[0] < high for low, high in spans))
    samples = np.array([row[0] for row in kept], np.int64)
    return Marks(samples, tuple(row[1] for row in kept), tuple(row[2] for row in kept))


def expected(recording: Recording) -> list[Expected]:
    """Return the findings that a replay must give, from the labels alone."""
    return [
        Expected(e.kind, e.t0_s, e.t1_s, TOLERANCE_S[e.kind])
        for e in recording.events
        if e.kind in TOLERANCE_S
    ]
