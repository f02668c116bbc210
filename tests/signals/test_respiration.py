"""Breaths of a belt or of chest impedance."""

import lzma
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthslm.records import Chunk, Vital
from healthslm.signals.respiration import SIGNAL

T0 = 1_700_000_000.0  # a whole multiple of 20 s
FS = 25.0


def told(x: np.ndarray, fs: float = FS, epoch_s: float = T0, start: int = 0) -> list[Vital]:
    _, out = SIGNAL.step(SIGNAL.start(), Chunk("b/r", "respiration", epoch_s, fs, start, x))
    return list(out)


def rates(vitals: list[Vital]) -> dict[float, float]:
    """Return the rates by seconds since T0."""
    return {v.t_s - T0: v.value for v in vitals if v.kind == "respiratory_rate"}


def qualities(vitals: list[Vital]) -> list[float]:
    return [v.value for v in vitals if v.kind == "respiration_quality"]


def belt(per_min: float, seconds: float = 100, fs: float = FS, seed: int = 1) -> np.ndarray:
    """Return a breathing belt with noise."""
    rng = np.random.default_rng(seed)
    t_s = np.arange(int(seconds * fs)) / fs
    phase = 2 * np.pi * per_min / 60 * t_s
    wave = np.sin(phase) + 0.2 * np.sin(2 * phase + 1)
    return wave + 0.05 * rng.standard_normal(len(t_s))


@pytest.mark.parametrize("per_min", [5, 6, 8, 11, 12, 15, 20, 25, 30, 35, 40])
def test_every_rate_can_be_told(per_min: float) -> None:
    out = rates(told(belt(per_min, 200)))
    assert list(out) == [40, 60, 80, 100, 120, 140, 160, 180, 200]
    assert list(out.values()) == pytest.approx([per_min] * 9, abs=0.5)


@settings(max_examples=15)
@given(
    per_min=st.floats(5, 40),
    fs=st.sampled_from([5.0, 10.0, 12.5, 31.25, 100.0, 125.0, 360.0, 1000.0]),
    size=st.sampled_from([-300.0, -1.0, 0.002, 40.0]),
    level=st.sampled_from([0.0, 512.0, -3.0]),
)
def test_size_sign_level_and_sampling_rate_do_not_matter(
    per_min: float, fs: float, size: float, level: float
) -> None:
    out = rates(told(size * belt(per_min, 45, fs) + level, fs))
    assert out[40] == pytest.approx(per_min, abs=0.6)


def test_even_breaths_have_quality_one_and_uneven_ones_less() -> None:
    assert qualities(told(belt(15))) == pytest.approx([1.0] * 4, abs=0.05)
    rng = np.random.default_rng(2)
    t_s = np.arange(2500) / FS
    breaths_s = np.cumsum(4 + 0.8 * rng.standard_normal(40))
    uneven = np.sin(2 * np.pi * np.interp(t_s, breaths_s, np.arange(40)))
    assert all(0.5 <= q < 0.95 for q in qualities(told(uneven)))


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_not_breathing(seed: int) -> None:
    noise = np.random.default_rng(seed).standard_normal(5000)
    assert rates(told(noise)) == {}
    assert max(qualities(told(noise))) == 0.0


def test_drift_is_seldom_breathing_and_never_for_long() -> None:
    """Of a random walk, one window in ten at most; five minutes of them would be a finding."""
    found = windows = 0
    for seed in range(20):
        walk = np.cumsum(np.random.default_rng(seed).standard_normal(5000))
        out = told(walk)
        found, windows = found + len(rates(out)), windows + len(qualities(out))
    assert windows == 180
    assert found <= 18


def test_a_breath_that_is_held_ends_the_rate() -> None:
    x = belt(15, 120)
    x[int(70 * FS) : int(95 * FS)] = x[int(70 * FS)] + 0.02 * np.random.default_rng(
        1
    ).standard_normal(625)
    assert list(rates(told(x))) == [40, 60, 120]


def test_a_hum_and_the_heart_beat_are_not_counted() -> None:
    t_s = np.arange(12_500) / 125
    hum = 2 * np.sin(2 * np.pi * 50 * t_s) + 0.5 * np.sin(2 * np.pi * 1.4 * t_s)
    assert list(rates(told(belt(13, 100, 125.0) + hum, 125.0)).values()) == pytest.approx(
        [13] * 4, abs=0.4
    )


@pytest.mark.parametrize(("still_s", "told_at"), [(4.9, [40, 60, 80, 100]), (5.2, [40, 100])])
def test_what_stands_still_for_five_seconds_is_not_read(still_s: float, told_at: list) -> None:
    """Five seconds from 45 s on lie in the windows that end at 60 and 80 s."""
    x = belt(15)
    x[int(45 * FS) : int((45 + still_s) * FS)] = x[int(45 * FS)]
    assert [v.t_s - T0 for v in told(x) if v.kind == "respiration_quality"] == told_at


def test_a_stretch_that_stands_still_is_seen_across_a_cut() -> None:
    x = belt(15)
    x[int(44 * FS) : int(50 * FS)] = x[int(44 * FS)]
    state, out = SIGNAL.start(), []
    for at in range(0, len(x), 50):
        state, new = SIGNAL.step(state, Chunk("b/r", "respiration", T0, FS, at, x[at : at + 50]))
        out += new
    assert list(rates(out)) == [40, 100]


@pytest.mark.parametrize("index", [1125, 1128])
def test_a_missing_sample_ends_the_window(index: int) -> None:
    x = belt(15)
    x[index] = np.nan
    assert list(rates(told(x))) == [40, 80, 100]  # after 45.12 s: 32 s are full at 77.16 s


def test_a_gap_ends_the_window() -> None:
    x = belt(15, 140)
    state, first = SIGNAL.step(SIGNAL.start(), Chunk("b/r", "respiration", T0, FS, 0, x[:1250]))
    _, then = SIGNAL.step(state, Chunk("b/r", "respiration", T0, FS, 1251, x[1251:]))
    assert list(rates([*first, *then])) == [40, 100, 120, 140]


@pytest.mark.parametrize(("begin_s", "first"), [(8.0, 60), (7.96, 40)])
def test_a_window_must_be_full(begin_s: float, first: float) -> None:
    """From 7.96 s on, 32 s and a sample are there at 40 s; and they count from the first on."""
    out = rates(told(belt(15) + 512, start=round(begin_s * FS)))
    assert min(out) == first
    assert out[first] == pytest.approx(15, abs=0.3)


def test_another_clock_begins_anew() -> None:
    x = belt(15, 70)
    state, _ = SIGNAL.step(SIGNAL.start(), Chunk("b/r", "respiration", T0, FS, 0, x[:875]))
    _, out = SIGNAL.step(state, Chunk("b/r", "respiration", T0 + 1, FS, 875, x[875:]))
    assert rates(list(out)) == {}


def test_a_stream_too_slow_to_show_breathing_is_left_alone() -> None:
    assert told(belt(15, 500, 3.9), 3.9) == []


def test_on_patients_it_agrees_with_two_people_who_counted(data_dir: Path) -> None:
    """The mean error is a quarter of a breath; a constant would be off by 1.7."""
    errors = []
    for path in sorted((data_dir / "bidmc" / "dev").glob("*_Signals.csv.xz"))[::4]:
        with lzma.open(path, "rt") as file:
            header = [name.strip() for name in file.readline().split(",")]
            x = np.loadtxt(file, delimiter=",", usecols=header.index("RESP"))
        with lzma.open(path.with_name(path.name.replace("_Signals", "_Breaths")), "rt") as file:
            rows = np.genfromtxt(file, delimiter=",", skip_header=1)
        for end_s, per_min in ((v.t_s, v.value) for v in told(x, 125.0, 0.0) if "rate" in v.kind):
            both = [s[(s >= end_s - 32) & (s < end_s)] for s in rows.T / 125]
            true = [60 * (len(s) - 1) / (s[-1] - s[0]) for s in both]
            if abs(true[0] - true[1]) <= 2:
                errors.append(abs(per_min - sum(true) / 2))
    assert len(errors) > 100
    assert np.mean(errors) < 0.3
    assert max(errors) < 4
