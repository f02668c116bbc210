"""Breathing in beats and pulses that were made."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from healthslm.records import Chunk, Vital
from healthslm.signals.respiration_beats import SIGNAL
from healthslm.signals.respiration_traits import Grid, celled, traits
from healthslm.stage import freeze

T0 = 1_700_000_000.0  # a whole multiple of 20 s
FS = 125.0
BUMPS = {"ecg": ((0.0, 0.017, 1.0), (0.25, 0.05, 0.2)), "ppg": ((0.0, 0.1, 1.0),)}
EVERY = pytest.mark.parametrize("kind", ["ecg", "ppg"])


def signal(
    kind: str,
    per_min: float,
    bpm: float = 84.0,
    *,
    height: float = 0.1,
    level: float = 0.0,
    rr_s: list[float] | None = None,
    tall: list[float] | None = None,
    seconds: float = 85,
    noise: float = 0.01,
) -> np.ndarray:
    """Return beats that breathing makes higher and lower, and lifts; `rr_s`, `tall` repeat."""
    rng = np.random.default_rng(7)
    t_s = np.arange(int(seconds * FS)) / FS
    breath = np.sin(2 * np.pi * per_min / 60 * t_s + 0.5)
    x = level * breath + noise * rng.standard_normal(len(t_s))
    at_s, i = 0.4, 0
    while at_s < seconds:
        size = (1 + height * np.interp(at_s, t_s, breath)) * (tall or [1.0])[i % len(tall or [1])]
        near = slice(max(int((at_s - 0.5) * FS), 0), int((at_s + 0.9) * FS))
        for delay, width, part in BUMPS[kind]:
            x[near] += size * part * np.exp(-(((t_s[near] - at_s - delay) / width) ** 2))
        at_s += 60 / bpm * (rr_s or [1.0])[i % len(rr_s or [1])]
        i += 1
    return x


def told(
    kind: str, x: np.ndarray, fs: float = FS, start: int = 0, stage=SIGNAL
) -> dict[float, tuple[float, float]]:
    """Return (rate, quality) by seconds since T0."""
    _, out = stage.step(stage.start(), Chunk("b/x", kind, T0, fs, start, x))
    return paired(kind, out)


def paired(kind: str, out: tuple[Vital, ...]) -> dict[float, tuple[float, float]]:
    rates = {v.t_s - T0: v.value for v in out if v.kind == f"breaths_{kind}"}
    sure = {v.t_s - T0: v.value for v in out if v.kind == f"breaths_{kind}_quality"}
    assert list(rates) == list(sure)
    assert len(out) == 2 * len(rates)
    return {t: (rates[t], sure[t]) for t in rates}


@EVERY
@pytest.mark.parametrize("per_min", [5, 7, 12, 18, 25, 30, 35, 40])
@pytest.mark.parametrize(("height", "level"), [(0.1, 0.0), (0.0, 0.05)])
def test_height_and_level_each_show_every_rate(
    kind: str, per_min: float, height: float, level: float
) -> None:
    x = signal(kind, per_min, max(70.0, 2.6 * per_min), height=height, level=level)
    out = told(kind, x)
    assert list(out) == [40, 60, 80]
    for rate, sure in out.values():
        assert rate == pytest.approx(per_min, abs=0.6)
        assert sure > 0.5


@EVERY
@settings(max_examples=12)
@given(
    size=st.sampled_from([-40.0, -1.0, 0.1, 25.0]),
    offset=st.sampled_from([0.0, 7.0, -300.0]),
    per_min=st.floats(8, 25),
)
def test_size_sign_and_offset_do_not_matter(
    kind: str, size: float, offset: float, per_min: float
) -> None:
    x = signal(kind, per_min, level=0.05)
    for rate, sure in told(kind, size * x + size * offset).values():
        assert rate == pytest.approx(per_min, abs=0.5)
        assert sure > 0.5


@EVERY
@pytest.mark.parametrize(("fs", "up", "down"), [(100.0, 4, 5), (250.0, 2, 1), (1000.0, 8, 1)])
def test_the_sampling_rate_does_not_matter(kind: str, fs: float, up: int, down: int) -> None:
    x = resample_poly(signal(kind, 17), up, down)
    assert [r for r, _ in told(kind, x, fs).values()] == pytest.approx([17] * 3, abs=0.4)


@EVERY
@pytest.mark.parametrize("bpm", [66.0, 70.0, 78.0, 84.0, 100.0])
def test_in_a_paced_heart_the_samples_do_not_seem_to_breathe(kind: str, bpm: float) -> None:
    """Perfectly even beats fall on samples in a pattern that comes back slowly."""
    out = told(kind, signal(kind, 15, bpm, height=0.0, noise=0.02))
    assert all(sure < 0.6 for _, sure in out.values())
    out = told(kind, signal(kind, 15, bpm, height=0.05, noise=0.02))
    assert [rate for rate, _ in out.values()] == pytest.approx([15] * 3, abs=0.5)


@EVERY
@pytest.mark.parametrize("bpm", [45, 60, 90])
@pytest.mark.parametrize("rr_s", [[0.65, 1.35], [1.0, 0.6, 1.4]], ids=["bigeminy", "trigeminy"])
def test_an_extra_beat_in_turn_is_no_breath(kind: str, bpm: float, rr_s: list[float]) -> None:
    tall = [1.6 if i == len(rr_s) - 1 else 1.0 for i in range(len(rr_s))]
    assert told(kind, signal(kind, 15, bpm, height=0.0, rr_s=rr_s, tall=tall)) == {}


@EVERY
@pytest.mark.parametrize("bpm", [45, 60, 90])
def test_a_pulse_that_alternates_is_no_breath(kind: str, bpm: float) -> None:
    out = told(kind, signal(kind, 15, bpm, height=0.0, tall=[1.0, 1.25]))
    assert all(sure < 0.3 for _, sure in out.values())


@EVERY
def test_single_extra_beats_are_left_out(kind: str) -> None:
    rr_s = [1.0] * 11 + [0.6, 1.4]
    tall = [1.0] * 12 + [2.0]
    out = told(kind, signal(kind, 17, rr_s=rr_s, tall=tall))
    assert [r for r, _ in out.values()] == pytest.approx([17] * 3, abs=0.5)


@EVERY
def test_an_irregular_heart_tells_nothing(kind: str) -> None:
    rr_s = np.random.default_rng(1).uniform(0.5, 1.6, 97).tolist()
    assert told(kind, signal(kind, 15, rr_s=rr_s)) == {}


@EVERY
@pytest.mark.parametrize(("odd", "n"), [(3, 3), (4, 0)])
def test_three_of_ten_beats_may_be_left_out(kind: str, odd: int, n: int) -> None:
    """Give and take the ends of the window, hence of eleven."""
    rr_s = [1.0] * (11 - odd) + [1.4] * odd
    assert len(told(kind, signal(kind, 15, 100, rr_s=rr_s))) == n


@EVERY
@pytest.mark.parametrize(("change", "n"), [(0.24, 3), (0.27, 0)])
def test_what_is_an_odd_interval(kind: str, change: float, n: int) -> None:
    rr_s = [1.0, 1.0, 1.0, 1.0 - change, 1.0 + change]
    assert len(told(kind, signal(kind, 15, rr_s=rr_s, height=0.0, level=0.05))) == n


@EVERY
@pytest.mark.parametrize(("bpm", "seen"), [(58, False), (72, True)])
def test_nothing_faster_than_nearly_half_the_heart_is_looked_for(
    kind: str, bpm: float, seen: bool
) -> None:
    out = told(kind, signal(kind, 30, bpm))
    assert any(abs(rate - 30) < 1 and sure > 0.5 for rate, sure in out.values()) == seen
    assert all(rate <= 0.45 * bpm + 1 for rate, _ in out.values())


@EVERY
@pytest.mark.parametrize(("missed", "told_at"), [(4, [40, 60, 80]), (5, [40, 80])])
def test_three_seconds_without_a_beat_end_the_window(
    kind: str, missed: int, told_at: list[float]
) -> None:
    """At 100/min, four that are missed leave 3.0 s; five leave 3.6 s, in the windows to 60 s."""
    tall = [1.0] * 70 + [1e-3] * missed + [1.0] * 100
    stage = replace(SIGNAL, hole_s=3.05)
    assert list(told(kind, signal(kind, 15, 100, tall=tall, noise=1e-5), stage=stage)) == told_at


@EVERY
def test_a_missing_sample_and_a_gap_end_the_window(kind: str) -> None:
    x = signal(kind, 15, seconds=105)
    x[int(45 * FS)] = np.nan
    assert list(told(kind, x)) == [40, 80, 100]
    x = signal(kind, 15, seconds=105)
    at = int(45 * FS)
    state, first = SIGNAL.step(SIGNAL.start(), Chunk("b/x", kind, T0, FS, 0, x[:at]))
    _, then = SIGNAL.step(state, Chunk("b/x", kind, T0, FS, at + 1, x[at + 1 :]))
    assert list(paired(kind, (*first, *then))) == [40, 80, 100]


@EVERY
@pytest.mark.parametrize(("begin_s", "first"), [(7.9, 40), (8.0, 60)])
def test_a_window_must_be_full(kind: str, begin_s: float, first: float) -> None:
    out = told(kind, signal(kind, 15, seconds=90), start=round(begin_s * FS))
    assert min(out) == first


@EVERY
def test_cells_are_counted_from_sample_zero_wherever_a_stream_begins(kind: str) -> None:
    x = resample_poly(signal(kind, 15), 8, 1)
    whole, later = (told(kind, x[i:], 1000.0, i) for i in (0, 3))
    assert whole == later
    assert len(whole) == 3


@EVERY
@pytest.mark.parametrize("fs", [25.0, 187.0, 1000.0])
def test_ten_minutes_of_beats_as_dense_as_can_be_stay_small(kind: str, fs: float) -> None:
    """A hum of 3.5 Hz has a candidate in nearly every place that one can be."""
    x = np.sin(2 * np.pi * 3.5 * np.arange(int(10 * fs)) / fs)
    state, largest = SIGNAL.start(), 0
    for i in range(60):
        state, _ = SIGNAL.step(state, Chunk("b/x", kind, T0, fs, i * len(x), x))
        largest = max(largest, len(freeze(state)))
    assert largest < 8192


@EVERY
def test_another_clock_begins_anew(kind: str) -> None:
    x = signal(kind, 15, seconds=70)
    state, _ = SIGNAL.step(SIGNAL.start(), Chunk("b/x", kind, T0, FS, 0, x[:4375]))
    _, out = SIGNAL.step(state, Chunk("b/x", kind, T0 + 1, FS, 4375, x[4375:]))
    assert out == ()


@EVERY
@pytest.mark.parametrize("seed", range(3))
def test_noise_is_not_sure_of_anything(kind: str, seed: int) -> None:
    noise = np.random.default_rng(seed).standard_normal(10_000)
    assert all(sure < 0.4 for _, sure in told(kind, noise).values())


@EVERY
def test_a_stream_too_slow_to_show_beats_is_left_alone(kind: str) -> None:
    assert told(kind, np.sin(np.arange(3000) / 3), 19.9) == {}


def test_cells_are_means_and_the_rest_is_not_used() -> None:
    assert celled(np.arange(11.0), 4).tolist() == [1.5, 5.5]
    assert celled(np.arange(3.0), 1).tolist() == [0.0, 1.0, 2.0]


def test_the_traits_of_an_ecg_are_height_and_level() -> None:
    t_s = np.arange(1000) / FS
    beats_s = np.arange(0.8, 7.5, 0.8)
    x = 0.3 + sum((1 + i / 10) * np.exp(-(((t_s - s) / 0.012) ** 2)) for i, s in enumerate(beats_s))
    at_s, slope, height, level = traits(Grid.at("ecg", FS), x, 0)
    assert at_s == pytest.approx(beats_s[: len(at_s)], abs=0.01)
    assert height + level == pytest.approx(0.3 + 1 + np.arange(len(at_s)) / 10, abs=0.02)
    own = np.sqrt(np.pi) * 0.012 / 0.504 * (1 + np.arange(len(at_s)) / 10)
    assert level == pytest.approx(0.3 + own, abs=0.005)
    assert slope / slope[0] == pytest.approx(1 + np.arange(len(at_s)) / 10, abs=0.02)


def test_two_peaks_of_strength_closer_than_the_heart_can_beat_are_one() -> None:
    t_s = np.arange(500) / FS
    x = sum(h * np.exp(-(((t_s - s) / 0.012) ** 2)) for s, h in ((1, 1), (1.24, 0.9), (2, 1)))
    at_s, *_ = traits(Grid.at("ecg", FS), x, 0)
    assert at_s == pytest.approx([1.0, 2.0], abs=0.01)
    x = sum(h * np.exp(-(((t_s - s) / 0.012) ** 2)) for s, h in ((1, 1), (1.32, 0.9), (2, 1)))
    assert len(traits(Grid.at("ecg", FS), x, 0)[0]) == 3
