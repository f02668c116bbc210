"""Heart rate while the body moves: a pulse followed through spectra that motion is divided out of.

Single pulses cannot be told from steps on a running arm, but a heart keeps its rate from
one second to the next, and an accelerometer at the same place knows where the steps are.
So this stage holds a probability for each rate, and every 2 s

- lets it spread by what a heart may change (a forward Bayesian filter, as Temko 2017 has
  history-based tracking, doi:10.1109/TBME.2017.2676243, and Zhang et al. 2015 had before,
  doi:10.1109/TBME.2014.2359372);
- divides the spectrum of the PPG by a noise made of an even floor and of the spectrum of the
  acceleration (a Wiener filter, as Temko's), and takes what stands out as evidence: for a
  sine in Gaussian noise the logarithm of the likelihood is its power over the noise's.

Where we differ: no initial rest, no rule to find a lost pulse again, no choice among peaks,
no phase vocoder; and a rate is told only if it was foretold. The trust in it is how far the
rate of 8 s ago, which shares no sample with the spectrum of now, stands out of what lies
beside it, with the share of motion at that rate taken away. In noise that is little, and
where the pulse runs with the steps it is little too: then nobody can tell, and nothing is.

The rate is of kind "pulse_rate", not "heart_rate": it is a mean of 8 s and no beats stand
behind it, a block may have both, and what is known of a moving body is no evidence for
findings at rest. A gap in either stream ends the evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import ceil
from typing import ClassVar

import numpy as np

from healthslm.records import Spectrum, Vital
from healthslm.signals import cadence, pulse_spectrum
from healthslm.signals.spectra import STEP_S, heights, per_min
from healthslm.stage import FloatArray

_LOW, _HIGH = 40, 220  # rates per minute that are followed, one by one
_INDEPENDENT = 4  # steps after which two spectra share no sample
_DEVICES = 8  # of one person; more are not listened to


def _empty() -> FloatArray:
    return np.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What is believed of the rate after the newest spectrum."""

    t_s: float | None = None  # of that spectrum
    motions: tuple[Spectrum, ...] = ()  # of the newest moment, whatever the device
    belief: FloatArray = field(default_factory=_empty)  # shape (rates,), sum 1; empty: none
    rates: tuple[float, ...] = ()  # the newest estimates, per minute, oldest first
    trust: float = 0.0
    count: int = 0  # trusted estimates in the block under way
    total: float = 0.0  # their sum


@dataclass(frozen=True, slots=True)
class PulseRate:
    """The mean pulse rate (1/min) of every 10 s in which the body moved and it could be told.

    Where there is no accelerometer on the device of the PPG nothing is told.
    """

    reads: ClassVar[tuple[str, ...]] = ("pulse_spectrum",)
    context: ClassVar[tuple[str, ...]] = ("motion_spectrum",)
    latency_s: ClassVar[float] = 2.0

    every_s: float = 10.0  # a rate is told so often; a multiple of 2
    moving_g: float = 0.05  # rms: more than sitting, less than a slow walk [P]
    trust: float = 1.5  # mean heights of the spectrum [P]; noise stays below, see the tests
    trust_half_s: float = 10.0  # half-life of what trust is a mean of [P]
    drift_per_min: float = 3.0  # standard deviation of the change in 2 s [P]
    jump: float = 1e-5  # share of belief that forgets everything each step [P]
    evidence: float = 0.4  # of the log likelihood: a sample is in four spectra [P]
    motion_weight: float = 1.0  # of the acceleration's noise to the even floor [P]
    still_g: float = 0.03  # rms up to which motion is no noise: half as much counts half [P]
    around_per_min: float = 8.0  # to both sides of the likeliest, that the rate is the mean of
    near_per_min: float = 4.0  # a rate foretold for 8 s ahead may be off by so much
    beside_per_min: float = 16.0  # and so far away its line in the spectrum is over
    usual_per_min: tuple[float, float] = (90.0, 30.0)  # mean and deviation before all else [P]

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Spectrum, /) -> tuple[State, tuple[Vital, ...]]:
        """Take a spectrum of the pulse, or one of motion: that of a moment comes before."""
        if x.kind == "motion_spectrum":
            same = tuple(m for m in state.motions if m.t_s == x.t_s)[: _DEVICES - 1]
            return replace(state, motions=(*same, x)), ()
        motion = next(
            (m for m in state.motions if (m.t_s, _device(m)) == (x.t_s, _device(x))), None
        )
        if state.t_s is None or x.t_s != state.t_s + STEP_S:
            state = State(motions=state.motions)
        if motion is None:
            return state, ()
        noise = self._noise(motion)
        state = self._followed(state, heights(x.levels), noise)
        moving = motion.power >= self.moving_g**2
        if moving and state.trust >= self.trust:
            count, total = state.count + 1, state.total + state.rates[-1]
            state = replace(state, count=count, total=total)
        state = replace(state, t_s=x.t_s)
        if x.t_s % self.every_s:
            return state, ()
        told: tuple[Vital, ...] = ()
        if 2 * state.count > self.every_s / STEP_S:
            told = (Vital("pulse_rate", x.stream, x.t_s, state.total / state.count),)
        return replace(state, count=0, total=0.0), told

    def _noise(self, motion: Spectrum) -> FloatArray:
        """Return what motion may have put into each bin of the pulse's spectrum, floors."""
        if not motion.levels:
            return np.zeros(len(_pulse_per_min()))
        share = motion.power / (motion.power + self.still_g**2)
        there = np.interp(_pulse_per_min(), _motion_per_min(), heights(motion.levels))
        noise: FloatArray = self.motion_weight * share * there
        return noise

    def _followed(self, state: State, pulse: FloatArray, noise: FloatArray) -> State:
        """Return the state with one more estimate, and what trust it has."""
        clear = pulse / (1 + noise)
        clear /= np.mean(clear)
        belief = self._spread(state.belief)
        gain = self.evidence * _at(_rates(), clear)
        belief *= np.exp(gain - np.max(gain))
        belief /= np.sum(belief)
        likeliest = int(np.argmax(belief))
        near = np.abs(_rates() - _rates()[likeliest]) <= self.around_per_min
        rate = float(np.sum(belief[near] * _rates()[near]) / np.sum(belief[near]))
        trust, keep = state.trust, 0.5 ** (STEP_S / self.trust_half_s)
        if len(state.rates) == _INDEPENDENT:
            trust = keep * trust + (1 - keep) * self._foretold(state.rates[0], clear, noise)
        return replace(
            state, belief=belief, rates=(*state.rates, rate)[-_INDEPENDENT:], trust=trust
        )

    def _spread(self, belief: FloatArray) -> FloatArray:
        """Return what is believed of a rate 2 s later, before anything is seen of it."""
        if not len(belief):
            usual, deviation = self.usual_per_min
            belief = np.exp(-0.5 * ((_rates() - usual) / deviation) ** 2)
            return belief / np.sum(belief)
        spread = np.convolve(belief, _drift(self.drift_per_min), "same")
        return (1 - self.jump) * spread + self.jump / len(belief)

    def _foretold(self, rate: float, clear: FloatArray, noise: FloatArray) -> float:
        """Return how far a rate stands out of what lies beside it, mean heights; no motion's."""
        near, beside = self.near_per_min, self.beside_per_min
        here = np.max(_at(np.array([rate - near, rate, rate + near]), clear))
        there = np.max(_at(np.array([rate - beside, rate + beside]), clear))
        motion = _at(np.array([rate]), noise)[0]
        return float((here - there) / (1 + motion))


def _device(x: Spectrum) -> str:
    return x.stream.partition("/")[0]


def _at(per_min: FloatArray, bins: FloatArray) -> FloatArray:
    """Return a pulse spectrum's bins at any rates."""
    heights: FloatArray = np.interp(per_min, _pulse_per_min(), bins)
    return heights


@lru_cache(maxsize=1)
def _rates() -> FloatArray:
    return np.arange(float(_LOW), _HIGH + 1)


@lru_cache(maxsize=1)
def _pulse_per_min() -> FloatArray:
    return per_min(pulse_spectrum.BINS_PER_HZ)


@lru_cache(maxsize=1)
def _motion_per_min() -> FloatArray:
    return per_min(cadence.BINS_PER_HZ)


@lru_cache(maxsize=8)
def _drift(deviation: float) -> FloatArray:
    """Return the share of belief that moves by so many rates, its middle at 0."""
    half = min(ceil(4 * deviation), (_HIGH - _LOW) // 2)
    steps = np.arange(-half, half + 1.0)
    weights: FloatArray = np.exp(-0.5 * (steps / deviation) ** 2)
    return weights / np.sum(weights)


SIGNAL = PulseRate()
