"""The slow physiology of a simulated person: one value each second, the whole day.

Heart rate follows the clock, activity, temperature and a 1/f wandering (Kobayashi and Musha
1982, doi:10.1109/TBME.1982.324972); the shapes are plain textbook ones, made to look right and to
be labelled exactly, and no model of disease.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from healthslm.recordings.tracks import FloatArray
from healthslm.simulate.plan import HOUR_S, Happening, Plan

RATE_RISE_S = 45.0  # in which the heart goes to a planned rate, and comes back


@dataclass(frozen=True, slots=True)
class Person:
    """What differs from person to person."""

    rest_bpm: float
    breaths_bpm: float
    temperature_c: float
    spo2_pct: float
    sleeps_h: float  # hour of the clock
    wakes_h: float
    rsa: float  # depth of respiratory sinus arrhythmia, as a part of the RR interval
    r_mv: float  # height of the R wave
    transit_s: float  # from R peak to pulse foot at the wrist

    @classmethod
    def of(cls, seed: int) -> Person:
        """Return the person that a seed stands for."""
        rng = np.random.default_rng([seed, 1])
        low = (58, 12.5, 36.4, 96.8, 22.6, 6.6, 0.02, 0.9, 0.18)
        high = (66, 15.0, 36.7, 97.8, 23.4, 7.3, 0.04, 1.4, 0.24)
        return cls(*(float(x) for x in rng.uniform(low, high)))


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """Seconds of a life; every array has shape (n,), one value a second."""

    asleep: FloatArray  # 0 or 1
    activity_g: FloatArray
    heart_bpm: FloatArray
    breaths_bpm: FloatArray
    spo2_pct: FloatArray
    temperature_c: FloatArray


def live(plan: Plan, person: Person, seed: int) -> Body:
    """Return what the body of `person` does in the time of `plan`."""
    rng = np.random.default_rng([seed, 2])
    t_s = np.arange(int(plan.span_s) + 1, dtype=np.float64)
    clock_h = (plan.clock_h + t_s / HOUR_S) % 24
    asleep = ((clock_h >= person.sleeps_h) | (clock_h < person.wakes_h)).astype(np.float64)
    activity_g = _activity(rng, plan, t_s, asleep)
    temperature_c = _temperature(rng, plan, person, t_s, clock_h)
    fever_c = np.maximum(temperature_c - 37.2, 0)
    heart_bpm = (
        person.rest_bpm
        + 2.5 * np.cos((clock_h - 16) * np.pi / 12)
        + 7 * _lag(1 - asleep, 300)
        + 110 * _lag(activity_g, 45)
        + 9 * fever_c
        + 1.6 * pink(rng, len(t_s))
    )
    breaths_bpm = (
        person.breaths_bpm
        - asleep
        + 15 * _lag(activity_g, 60)
        + 2 * fever_c
        + 0.7 * pink(rng, len(t_s))
    )
    return Body(
        asleep,
        activity_g,
        _overridden(rng, plan, t_s, heart_bpm),
        breaths_bpm,
        _spo2(rng, plan, person, t_s),
        temperature_c,
    )


def pink(rng: np.random.Generator, n: int, low_hz: float = 1 / 7200) -> FloatArray:
    """Return 1/f noise of unit variance at 1 Hz, shape (n,), flat below `low_hz`."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(n), low_hz))
    noise: FloatArray = np.fft.irfft(spectrum, n)
    noise -= noise.mean()
    noise /= noise.std()
    return noise


def plateau(t_s: FloatArray, h: Happening, rise_s: float) -> FloatArray:
    """Return 0 outside `h`, 1 inside, with straight flanks of `rise_s` within it."""
    inner = np.minimum(t_s - h.at_s, h.at_s + h.span_s - t_s)
    return np.clip(inner / rise_s, 0, 1)


def _lag(x: FloatArray, tau_s: float) -> FloatArray:
    """Return x after a first-order delay; before it began it was as at first."""
    keep = float(np.exp(-1 / tau_s))
    lagged, _ = lfilter([1 - keep], [1, -keep], x, zi=keep * x[:1])
    return np.asarray(lagged, np.float64)


def _activity(
    rng: np.random.Generator, plan: Plan, t_s: FloatArray, asleep: FloatArray
) -> FloatArray:
    """Return the mean deviation from 1 g: still in sleep, fidgeting by day, brisk on a walk."""
    activity_g = np.where(asleep > 0, 0.004, 0.02 * np.exp(0.3 * pink(rng, len(t_s))))
    stirs = rng.random(len(t_s)) < np.where(asleep > 0, 1 / 1500, 1 / 150)  # one in so many seconds
    stirs |= (asleep == 0) & (t_s % 240 == 0)  # nobody sits quite still for long
    moving = np.convolve(stirs, np.ones(15))[: len(t_s)] > 0
    for h in plan.of("tachycardia"):  # which is one at rest
        moving &= plateau(t_s, h, 1.0) == 0
    activity_g += np.where(asleep > 0, 0.015, 0.08) * moving
    for h in plan.of("walk"):
        activity_g += 0.24 * plateau(t_s, h, 30)
    for h in plan.of("poor_signal"):
        activity_g += 0.35 * plateau(t_s, h, 10)
    jitter: FloatArray = np.exp(0.15 * rng.standard_normal(len(t_s)))
    return activity_g * jitter


def _overridden(
    rng: np.random.Generator, plan: Plan, t_s: FloatArray, heart_bpm: FloatArray
) -> FloatArray:
    """Return heart rate in 1/min, where a planned rhythm does not heed what the body wants."""
    wander = pink(rng, len(t_s), low_hz=1 / 120)
    for kind, rise_s, jitter in (
        ("tachycardia", RATE_RISE_S, 1.5),
        ("bradycardia", RATE_RISE_S, 0.7),
        ("irregular_rhythm", 2.0, 4.0),
    ):
        for h in plan.of(kind):
            weight = plateau(t_s, h, rise_s)
            heart_bpm = heart_bpm * (1 - weight) + (h.level + jitter * wander) * weight
    return heart_bpm


def _spo2(rng: np.random.Generator, plan: Plan, person: Person, t_s: FloatArray) -> FloatArray:
    """Return oxygen saturation in %; a planned dip falls to its level and comes back."""
    spo2_pct = person.spo2_pct + 0.3 * pink(rng, len(t_s))
    for h in plan.of("desaturation"):
        weight = plateau(t_s, h, 0.2 * h.span_s)
        spo2_pct = spo2_pct * (1 - weight) + h.level * weight
    return np.minimum(spo2_pct, 100)


def _temperature(
    rng: np.random.Generator, plan: Plan, person: Person, t_s: FloatArray, clock_h: FloatArray
) -> FloatArray:
    """Return body temperature in Cel: lowest towards 6 h, highest towards 18 h."""
    temperature_c = (
        person.temperature_c
        + 0.25 * np.cos((clock_h - 18) * np.pi / 12)
        + 0.04 * pink(rng, len(t_s))
    )
    for h in plan.of("fever"):
        weight = plateau(t_s, h, 0.35 * h.span_s)
        smooth = weight * weight * (3 - 2 * weight)
        temperature_c = temperature_c * (1 - smooth) + h.level * smooth
    return temperature_c
