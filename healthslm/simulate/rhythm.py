"""When the heart of a simulated person beats, and what each beat is.

Sinus rhythm is an integral pulse frequency modulation of the heart rate by breathing
(RSA), a wave near 0.1 Hz and 1/f wandering: the bimodal RR spectrum of McSharry et al.
2003 (doi:10.1109/TBME.2003.808805), but from sines instead of a random-phase spectrum.
Atrial fibrillation is a renewal process: independent RR intervals, no P wave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from healthslm.recordings.tracks import Event, FloatArray
from healthslm.simulate.body import Person, pink
from healthslm.simulate.plan import Happening

_GRID_HZ = 8.0
_AF_CV = 0.22  # of RR; 0.15 to 0.30 is usual in atrial fibrillation
_AF_RR_S = (0.36, 1.30)


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm:
    """Beats of one check, times in seconds from its start; arrays of shape (n,)."""

    times_s: FloatArray
    ectopic: NDArray[np.bool_]  # from a ventricle, early and wide
    fibrillating: NDArray[np.bool_]  # without a P wave
    breath: FloatArray  # phase of breathing at each beat, rad
    events: tuple[Event, ...]  # as they came out, from the start of the check

    @property
    def rr_s(self) -> FloatArray:
        """Interval before each beat; the first beat gets the second's."""
        rr_s = np.diff(self.times_s)
        return np.concatenate((rr_s[:1], rr_s))


def beat(
    rng: np.random.Generator,
    person: Person,
    heart_bpm: FloatArray,
    breaths_bpm: FloatArray,
    fibrillation: tuple[Happening, ...],
    pauses: tuple[Happening, ...],
) -> Rhythm:
    """Return the beats of a check.

    Parameters
    ----------
    heart_bpm, breaths_bpm
        Shape (n + 1,), one value a second.
    """
    span_s = len(heart_bpm) - 1.0
    times, breath = _sinus(rng, person, heart_bpm, breaths_bpm)
    ectopic = np.zeros(len(times), np.bool_)
    if not fibrillation:
        times, ectopic = _with_ectopic(rng, times)
    events = []
    for h in pauses:
        i = int(np.searchsorted(times, h.at_s))
        times = np.concatenate((times[:i], times[i:] + h.level - (times[i] - times[i - 1])))
        events.append(Event("pause", float(times[i - 1]), float(times[i]), h.level))
    fibrillating = np.zeros(len(times), np.bool_)
    for h in fibrillation:
        wild = _fibrillation(rng, h)
        before, after = times[times < h.at_s], times[times > wild[-1] + 0.6]
        times = np.concatenate((before, wild, after))
        fibrillating = np.zeros(len(times), np.bool_)
        fibrillating[len(before) : len(before) + len(wild)] = True
        ectopic = np.zeros(len(times), np.bool_)
        events.append(Event("irregular_rhythm", float(wild[0]), float(wild[-1])))
    keep = times < span_s
    phase = np.interp(times[keep], np.arange(len(breath)) / _GRID_HZ, breath)
    return Rhythm(times[keep], ectopic[keep], fibrillating[keep], phase, tuple(events))


def _sinus(
    rng: np.random.Generator, person: Person, heart_bpm: FloatArray, breaths_bpm: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return beat times, and the phase of breathing on a grid of `_GRID_HZ`."""
    seconds = np.arange(len(heart_bpm))
    t_s = np.arange(int((len(heart_bpm) - 1) * _GRID_HZ) + 1) / _GRID_HZ
    breath = np.cumsum(2 * np.pi * np.interp(t_s, seconds, breaths_bpm) / 60 / _GRID_HZ)
    slow = np.cumsum(2 * np.pi * (0.095 + 0.01 * pink(rng, len(t_s))) / _GRID_HZ)
    change = (
        person.rsa * np.sin(breath)
        + 0.015 * np.sin(slow)
        + 0.01 * pink(rng, len(t_s), low_hz=1 / 1200)
    )
    rate_hz = np.interp(t_s, seconds, heart_bpm) / 60 / (1 + change)
    cycles = np.cumsum(rate_hz) / _GRID_HZ - rng.uniform(0, 0.5)
    due = np.arange(np.ceil(max(cycles[0], 0)), np.floor(cycles[-1]) + 1)
    return np.interp(due, cycles, t_s), breath


def _with_ectopic(
    rng: np.random.Generator, times: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the times with a few beats come early, and which these are (Lown grade 1)."""
    ectopic = np.zeros(len(times), np.bool_)
    at = np.cumsum(rng.integers(60, 160, len(times) // 60 + 1))
    at = at[at < len(times) - 2]
    at = at[np.diff(times)[at] < 1.1]  # else the pause that follows would be one to report
    moved = times.copy()
    moved[at] -= 0.38 * (times[at] - times[at - 1])  # the next sinus beat keeps its time
    ectopic[at] = True
    return moved, ectopic


def _fibrillation(rng: np.random.Generator, h: Happening) -> FloatArray:
    """Return beat times of an episode: RR independent, log-normal, within bounds."""
    count = int(h.span_s * h.level / 60 * 1.3) + 8
    rr_s = 60 / h.level * np.exp(_AF_CV * rng.standard_normal(count) - _AF_CV**2 / 2)
    times = h.at_s + np.cumsum(np.clip(rr_s, *_AF_RR_S))
    return times[times < h.at_s + h.span_s]
