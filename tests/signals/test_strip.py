"""The rhythm of a short strip: simulated hearts, and signals that are none."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.signal import resample_poly

from healthslm.learnt import trees
from healthslm.records import Chunk
from healthslm.signals import strip, strip_intervals, strip_noise, strip_shape
from healthslm.signals.strip import CLASSES, FEATURES, features, judge
from healthslm.simulate import waves
from healthslm.simulate.body import Person
from healthslm.simulate.rhythm import Rhythm

FS = waves.ECG_HZ


def ecg(times: np.ndarray, *, fibrillating: bool = False, ectopic: tuple[int, ...] = ()) -> Chunk:
    """Return 30 s of a lead with beats at `times`."""
    wide = np.isin(np.arange(len(times)), ectopic)
    wild = np.full(len(times), fibrillating)
    rhythm = Rhythm(times, wide, wild, np.linspace(0, 40, len(times)), ())
    values = waves.ecg(np.random.default_rng(5), Person.of(3), rhythm, 30.0, ())
    return Chunk("strip/ecg", "ecg", 0.0, FS, 0, values)


def sinus(bpm: float = 70.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rr_s = 60 / bpm * (1 + 0.015 * np.sin(np.arange(90) / 2) + 0.005 * rng.standard_normal(90))
    times = 0.3 + np.cumsum(rr_s)
    return times[times < 29.5]


def fibrillation(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    times = 0.3 + np.cumsum(np.clip(0.65 * np.exp(0.22 * rng.standard_normal(90)), 0.36, 1.3))
    return times[times < 29.5]


def bigeminy() -> Chunk:
    times = sinus()
    early = tuple(range(3, len(times) - 1, 2))
    times[list(early)] -= 0.32
    return ecg(times, ectopic=early)


STRIPS = {
    "N": ecg(sinus()),
    "A": ecg(fibrillation(), fibrillating=True),
    "O": bigeminy(),
}


def at(chunk: Chunk, fs: float) -> Chunk:
    ratio = Fraction(fs / chunk.fs).limit_denominator(1000)
    values = resample_poly(chunk.values, ratio.numerator, ratio.denominator)
    return replace(chunk, fs=fs, values=values)


def feature(chunk: Chunk, name: str) -> float:
    row = features(chunk)
    assert row is not None
    return float(row[FEATURES.index(name)])


@pytest.mark.parametrize("rhythm", STRIPS)
def test_a_simulated_rhythm_is_told(rhythm: str) -> None:
    found = judge(STRIPS[rhythm])
    assert found.rhythm == rhythm
    assert found.chances[CLASSES.index(found.rhythm)] == max(found.chances)
    assert sum(found.chances) == pytest.approx(1.0)


@pytest.mark.parametrize("rhythm", STRIPS)
@pytest.mark.parametrize("factor", [0.5, 2.0, -1.0])
def test_size_and_side_of_the_electrodes_change_nothing(rhythm: str, factor: float) -> None:
    chunk = STRIPS[rhythm]
    assert judge(replace(chunk, values=factor * chunk.values)).rhythm == rhythm


@pytest.mark.parametrize("rhythm", STRIPS)
@pytest.mark.parametrize("fs", [200.0, 300.0, 500.0])
def test_the_sampling_rate_changes_nothing(rhythm: str, fs: float) -> None:
    assert judge(at(STRIPS[rhythm], fs)).rhythm == rhythm


def test_where_the_strip_lies_in_time_changes_nothing() -> None:
    chunk = STRIPS["O"]
    assert judge(replace(chunk, epoch_s=1.7e9, start=12_345)) == judge(chunk)


def test_an_offset_and_a_few_lost_samples_change_nothing() -> None:
    chunk = STRIPS["N"]
    values = chunk.values + 2.0
    values[1000:1003] = np.nan
    assert judge(replace(chunk, values=values)).rhythm == "N"


def test_turning_the_lead_over_leaves_every_shape_alike() -> None:
    up, down = (features(replace(STRIPS["N"], values=s * STRIPS["N"].values)) for s in (1, -1))
    shapes = slice(FEATURES.index("qrs_like"), FEATURES.index("early_p_like") + 1)
    assert up is not None and down is not None
    np.testing.assert_allclose(up[shapes], down[shapes], atol=0.02)


RNG = np.random.default_rng(1)
SECONDS = np.arange(30 * 300) / 300.0
NO_HEART = {
    "flat": np.zeros(9000),
    "lost": np.full(9000, np.nan),
    "off": np.full(9000, 5.0),
    "noise": 0.3 * RNG.standard_normal(9000),
    "loud": 3.0 * RNG.standard_normal(9000),
    "wander": np.cumsum(0.02 * RNG.standard_normal(9000)),
    "hum": np.sin(2 * np.pi * 50 * SECONDS),
    "clipped": np.sign(RNG.standard_normal(9000)) * 5.0,
    "short": STRIPS["N"].values[:1000],
}


@pytest.mark.parametrize("name", NO_HEART)
def test_what_is_no_heart_is_unreadable(name: str) -> None:
    assert judge(Chunk("strip/ecg", "ecg", 0.0, 300.0, 0, NO_HEART[name])).rhythm == "~"


@pytest.mark.parametrize("fs", [25.0, 100.0, 128.0, 1000.0])
def test_no_signal_is_an_error(fs: float) -> None:
    rng = np.random.default_rng(7)
    n = round(12 * fs)
    spikes = np.zeros(n)
    spikes[:: round(fs)] = 1.0
    odd = rng.standard_normal(n) * (rng.random(n) < 0.01) * 100
    lost = np.where(rng.random(n) < 0.4, np.nan, rng.standard_normal(n))
    for values in (spikes, odd, lost, np.full(n, np.inf), np.linspace(-1e6, 1e6, n)):
        found = judge(Chunk("strip/ecg", "ecg", 0.0, fs, 0, values))
        assert np.isfinite(found.chances).all()


def test_noise_over_a_heart_is_never_fibrillation() -> None:
    for seed in range(5):
        noise = 1.5 * np.random.default_rng(seed).standard_normal(len(STRIPS["N"].values))
        chunk = replace(STRIPS["N"], values=STRIPS["N"].values + noise)
        assert judge(chunk).rhythm != "A"


def test_no_interval_is_counted_across_lost_seconds() -> None:
    values = STRIPS["N"].values.copy()
    values[2500:4000] = np.nan
    chunk = replace(STRIPS["N"], values=values)
    assert feature(chunk, "rr_longest") < 1.2
    assert judge(chunk).rhythm == "N"


def test_half_of_the_samples_must_be_read() -> None:
    chunk = STRIPS["N"]
    for lost, readable in ((0.45, True), (0.55, False)):
        values = chunk.values.copy()
        values[: round(lost * len(values))] = np.nan
        assert (features(replace(chunk, values=values)) is not None) == readable


def test_eight_seconds_are_the_shortest_strip() -> None:
    chunk = STRIPS["N"]
    assert features(replace(chunk, values=chunk.values[:2000])) is not None
    assert features(replace(chunk, values=chunk.values[:1999])) is None


def test_every_feature_is_a_number() -> None:
    for chunk in STRIPS.values():
        row = features(chunk)
        assert row is not None
        assert row.shape == (len(FEATURES),)
        assert np.isfinite(row).all()
    assert trees("rhythm").feature.max() < len(FEATURES)
    assert trees("rhythm").leaf.shape[2] == len(CLASSES)


def interval(rr_s: list[float], name: str) -> float:
    return float(strip_intervals.measured(np.array(rr_s))[strip_intervals.NAMES.index(name)])


def test_intervals_are_measured_by_hand() -> None:
    rr_s = [0.8] * 10
    rr_s[4:6] = [0.5, 1.1]
    assert interval(rr_s, "rate") == pytest.approx(75.0)
    assert interval(rr_s, "shortest") == pytest.approx(0.625)
    assert interval(rr_s, "longest") == pytest.approx(1.375)
    assert interval(rr_s, "early") == pytest.approx(0.1)
    assert interval(rr_s, "late") == pytest.approx(0.1)
    assert interval(rr_s, "made_good") == pytest.approx(0.1)
    assert interval(rr_s, "rest") == pytest.approx(1.375)
    assert interval(rr_s, "share_12") == pytest.approx(3 / 9)
    assert interval(rr_s, "second") == pytest.approx(1.0)
    assert interval(rr_s, "steady_run") == pytest.approx(3 / 9)
    late = [*rr_s[:5], 0.8, *rr_s[6:]]
    assert interval(late, "made_good") == 0.0


def test_a_pattern_is_not_disorder() -> None:
    pattern = [0.6, 1.0] * 15
    wild = np.diff(fibrillation()).tolist()
    assert interval(pattern, "foretold") == 1.0 > interval(wild, "foretold")
    assert interval(pattern, "lag1") < -0.9
    assert interval(pattern, "cells") < interval(wild, "cells")
    assert interval(pattern, "evidence") < interval(wild, "evidence")
    assert interval(pattern, "entropy") < interval(wild, "entropy")


def test_a_fast_heart_and_a_slow_one_differ_in_rate_alone() -> None:
    rr_s = np.diff(fibrillation())
    one, two = strip_intervals.measured(rr_s), strip_intervals.measured(1.5 * rr_s)
    np.testing.assert_allclose(one[:3], 1.5 * two[:3])
    np.testing.assert_allclose(one[3:], two[3:], atol=1e-9)


def test_too_few_intervals_tell_nothing() -> None:
    assert np.isnan(strip_intervals.measured(np.full(3, 0.8))).all()
    assert np.isfinite(strip_intervals.measured(np.full(4, 0.8))).all()


def test_the_p_wave_is_seen_where_there_is_one() -> None:
    assert feature(STRIPS["N"], "p_like") > 0.9
    assert feature(STRIPS["A"], "p_like") < 0.7
    assert feature(STRIPS["N"], "p_height") == pytest.approx(0.1, abs=0.05)
    assert feature(STRIPS["N"], "p_over_noise") > feature(STRIPS["A"], "p_over_noise") + 1
    assert feature(STRIPS["A"], "tq_energy") > feature(STRIPS["N"], "tq_energy") + 0.5


def test_ectopic_beats_are_another_kind() -> None:
    assert feature(STRIPS["N"], "other_kind") == 0.0
    assert feature(STRIPS["O"], "other_kind_early") > 0.25


def test_beats_are_aligned_at_their_peaks() -> None:
    values = np.zeros(2500)
    place = np.arange(200, 2300, 200)
    for p in place:
        values[p - 5 : p + 6] = np.bartlett(11)
    moved = place + np.resize([4, -4, 0], len(place))
    found = strip_shape.shapes(values, moved)
    assert found is not None
    assert len(set((found.place - place).tolist())) == 1
    assert strip_shape.shapes(values, place[:3]) is None


def test_the_worst_seconds_are_told() -> None:
    values = np.sin(np.arange(2500) / 5)
    burst = values.copy()
    burst[500:1000] *= 5
    worst = strip_noise.NAMES.index("worst")
    assert strip_noise.measured(values, values)[worst] == pytest.approx(1.0, abs=0.1)
    assert strip_noise.measured(burst, burst)[worst] == pytest.approx(25 / 5.8, abs=0.3)


def test_the_likeliest_class_is_told() -> None:
    assert strip.told(np.array([0.1, 0.2, 0.6, 0.1])).rhythm == "O"
    assert strip.told(np.array([0.1, 0.2, 0.3, 0.4])).rhythm == "~"
