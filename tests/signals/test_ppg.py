"""Pulses and quality from a PPG."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from healthslm.records import Beat, Chunk, Vital
from healthslm.signals.ppg import SIGNAL
from healthslm.signals.rate import SIGNAL as RATE

T0 = 1_700_000_000.0


def ppg(beats_s, fs: float, seconds: float, seed: int = 1) -> np.ndarray:
    """Return pulses with a second wave, a drift and 2 % noise; narrower where the heart is fast."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * fs)) / fs
    x = 0.3 * np.sin(2 * np.pi * 0.25 * t) + 0.02 * rng.standard_normal(len(t))
    rr = np.diff(beats_s, append=beats_s[-1] + 1)
    for beat_s, rr_s in zip(beats_s, rr, strict=True):
        width = min(0.1, 0.16 * rr_s)
        x += np.exp(-(((t - beat_s) / width) ** 2))
        x += 0.35 * np.exp(-(((t - beat_s - 2.7 * width) / 1.2 / width) ** 2))
    return x


def found(x: np.ndarray, fs: float, start: int = 0, state=None):
    """Return pulses, qualities and the state."""
    state, out = SIGNAL.step(state or SIGNAL.start(), Chunk("wrist/ppg", "ppg", T0, fs, start, x))
    pulses = [b for b in out if isinstance(b, Beat)]
    return pulses, [v for v in out if isinstance(v, Vital)], state


@pytest.mark.parametrize("fs", [25.0, 31.25, 64.0, 125.0, 250.0])
@pytest.mark.parametrize("bpm", [30, 45, 72, 120, 180, 220])
def test_steady_pulses_are_all_found_to_a_few_milliseconds(fs: float, bpm: int) -> None:
    beats_s = np.arange(0.3, 62.0, 60 / bpm)
    pulses, quality, _ = found(ppg(beats_s, fs, 62), fs)
    pulses = [p for p in pulses if 3 < p.t_s - T0 < 60]
    at_s = np.array([p.t_s - T0 for p in pulses])
    rr = np.array([p.rr_s for p in pulses])
    assert rr == pytest.approx(60 / bpm, abs=0.05)
    assert np.std(rr) < 0.012
    nearest = np.argmin(np.abs(beats_s[:, None] - 0.05 - at_s), axis=0)
    assert np.all(np.diff(nearest) == 1)
    lag = at_s - beats_s[nearest]
    assert np.all((lag < 0) & (lag > -0.12))  # the rise comes before the top
    assert np.mean([p.good for p in pulses]) > 0.95
    assert min(v.value for v in quality[:5]) > 0.5


def test_irregular_pulses_are_found_too() -> None:
    beats_s = np.cumsum(np.random.default_rng(2).uniform(0.45, 1.2, 70))
    pulses, quality, _ = found(ppg(beats_s, 50.0, 60), 50.0)
    inside = beats_s[(beats_s < 58)]
    assert abs(len(pulses) - len(inside)) <= 1
    got = np.array([p.rr_s for p in pulses[1:]])
    assert np.corrcoef(got[:60], np.diff(inside)[:60])[0, 1] > 0.99
    assert min(v.value for v in quality) > 0.5


@pytest.mark.parametrize(
    ("after_s", "height", "seen"),
    [
        (0.40, 0.30, False),  # as soon as a second wave, and as low
        (0.40, 0.42, True),
        (0.50, 0.30, True),  # too late for one: a pulse after an early beat
        (0.50, 0.15, False),  # less than a fifth
    ],
)
def test_a_weak_rise_is_a_pulse_where_it_is_no_second_wave(
    after_s: float, height: float, seen: bool
) -> None:
    fs, t = 100.0, np.arange(3000) / 100.0
    beats_s = np.arange(1.0, 29.0, 1.0)
    x = sum(np.exp(-(((t - b) / 0.08) ** 2)) for b in beats_s)
    x = x + height * np.exp(-(((t - 15.0 - after_s) / 0.08) ** 2))
    pulses, _, _ = found(x, fs)
    inside = [p.t_s - T0 for p in pulses if 15.1 < p.t_s - T0 < 15.8]
    assert len(inside) == seen
    assert all(abs(at - 14.95 - after_s) < 0.05 for at in inside)


@pytest.mark.parametrize(("height", "seen"), [(0.17, False), (0.24, True)])
def test_a_fifth_of_the_steepest_around_is_a_pulse(height: float, seen: bool) -> None:
    t = np.arange(3000) / 100.0
    x = sum(np.exp(-(((t - b) / 0.08) ** 2)) for b in np.arange(1.0, 29.0, 1.2))
    x = x + height * np.exp(-(((t - 16.0) / 0.08) ** 2))  # between 15.4 and 16.6
    chunk = Chunk("wrist/ppg", "ppg", T0, 100.0, 0, x)
    stage = replace(SIGNAL, faint=0.0)
    times = [p.t_s - T0 for p in stage.step(stage.start(), chunk)[1] if isinstance(p, Beat)]
    assert any(15.8 < at < 16.1 for at in times) is seen


def test_pulses_that_become_faint_for_good_are_found_again() -> None:
    """A tenth of the height is noise for 5 s, and then it is what there is."""
    t = np.arange(4000) / 100.0
    x = np.zeros(len(t))
    for b in np.arange(1.0, 39.0, 0.8):
        x += (1.0 if b < 20 else 0.1) * np.exp(-(((t - b) / 0.08) ** 2))
    times = np.array([p.t_s - T0 for p in found(x, 100.0)[0]])
    assert not np.any((times > 20.2) & (times < 24.5))
    assert np.sum(times > 25) == pytest.approx(17, abs=1)


@pytest.mark.parametrize("bpm", [40, 60, 90, 110])
@pytest.mark.parametrize("height", [0.3, 0.45])
def test_a_strong_second_wave_does_not_double_the_rate(bpm: int, height: float) -> None:
    fs, t = 50.0, np.arange(50 * 60) / 50.0
    beats_s = np.arange(0.5, 59.0, 60 / bpm)
    x = 0.01 * np.random.default_rng(5).standard_normal(len(t))
    for b in beats_s:
        x += np.exp(-(((t - b) / 0.09) ** 2))
        x += height * np.exp(-(((t - b - 0.3) / 0.13) ** 2))
    rate = [v.value for v in rates(found(x, fs)[0])]
    assert len(rate) >= 4
    assert rate == pytest.approx([bpm] * len(rate), rel=0.02)


def test_the_size_of_the_signal_does_not_matter() -> None:
    x = ppg(np.arange(1.0, 29.0, 0.8), 64.0, 30)
    pulses, quality, _ = found(x, 64.0)
    for scale, offset in ((1000.0, 50_000.0), (1e-3, 0.0)):
        others, other_quality, _ = found(x * scale + offset, 64.0)
        assert [p.t_s for p in others] == pytest.approx([p.t_s for p in pulses], abs=1e-4)
        assert [v.value for v in other_quality] == pytest.approx(
            [v.value for v in quality], abs=1e-3
        )


def test_a_gap_has_no_interval_across_it() -> None:
    x = ppg(np.arange(1.0, 39.0, 0.8), 64.0, 40)
    _, _, state = found(x[: 20 * 64], 64.0)
    pulses, _, _ = found(x[21 * 64 :], 64.0, 21 * 64, state)
    assert pulses[0].rr_s is None
    assert not pulses[0].good
    assert all(p.rr_s == pytest.approx(0.8, abs=0.02) for p in pulses[2:])


def test_an_unread_sample_is_a_gap() -> None:
    x = ppg(np.arange(1.0, 39.0, 0.8), 64.0, 40)
    x[20 * 64] = np.nan
    pulses, _, _ = found(x, 64.0)
    assert [p.rr_s for p in pulses].count(None) == 2
    assert all(p.rr_s == pytest.approx(0.8, abs=0.05) for p in pulses if p.rr_s is not None)


def test_another_clock_is_another_beginning() -> None:
    x = ppg(np.arange(1.0, 19.0, 0.8), 64.0, 20)
    _, _, state = found(x, 64.0)
    chunk = Chunk("wrist/ppg", "ppg", T0 + 5, 64.0, len(x), x)
    _, out = SIGNAL.step(state, chunk)
    assert next(b for b in out if isinstance(b, Beat)).rr_s is None


@pytest.mark.parametrize("fs", [25.0, 100.0])
@pytest.mark.parametrize("what", ["white", "brown", "band", "tremor"])
def test_noise_has_no_quality_and_no_rate(what: str, fs: float) -> None:
    rng = np.random.default_rng(3)
    w = rng.standard_normal(round(300 * fs))
    t = np.arange(len(w)) / fs
    x = {
        "white": w,
        "brown": np.cumsum(w),
        "band": np.convolve(w, np.hanning(round(fs / 2)), "same"),
        "tremor": np.sin(2 * np.pi * 5 * t) * (1 + 0.4 * np.sin(t)) + 0.05 * w,
    }[what]
    pulses, quality, _ = found(x, fs)
    assert max(v.value for v in quality) < 0.4  # from 0.5 it would be evidence
    assert np.mean([v.value for v in quality]) < 0.1
    assert rates(pulses) == []


def test_quality_falls_with_noise_and_with_what_is_flat() -> None:
    fs, beats_s = 50.0, np.arange(1.0, 119.0, 0.85)
    clean = ppg(beats_s, fs, 120)
    noisy = clean + 0.3 * np.random.default_rng(4).standard_normal(len(clean))
    flat = clean.copy()
    flat[: 60 * 50] = flat[0]
    mean = [np.mean([v.value for v in found(x, fs)[1]]) for x in (clean, noisy, flat)]
    assert mean[0] > 0.85
    assert mean[1] < mean[0] - 0.2
    assert mean[2] < 0.6


def test_three_seconds_without_a_pulse_are_no_quality() -> None:
    for missing, trusted in ((2.8, True), (3.2, False)):
        first = np.arange(1.0, 14.0, 0.8)
        beats_s = np.concatenate((first, np.arange(first[-1] + missing, 39.0, 0.8)))
        _, quality, _ = found(ppg(beats_s, 50.0, 40), 50.0)
        assert (quality[1].value > 0) is trusted
        assert quality[2].value > 0.5


def rates(pulses: list[Beat]) -> list[Vital]:
    """Return the heart rates that follow."""
    state, out = RATE.start(), []
    for x in pulses:
        state, vitals = RATE.step(state, x)
        out += vitals
    return out


def test_real_pulses_at_rest_give_the_rate_of_the_monitor(data_dir) -> None:
    """BIDMC, doi:10.1109/TBME.2016.2613124: finger PPG of ICU patients, 125 Hz."""
    errors, blocks, told = [], 0, 0
    for path in sorted((data_dir / "bidmc" / "dev").glob("*_Signals.csv.xz"))[:12]:
        table = pd.read_csv(path, skipinitialspace=True)
        numerics = pd.read_csv(
            path.with_name(path.name.replace("Signals", "Numerics")), skipinitialspace=True
        )
        _, out = SIGNAL.step(
            SIGNAL.start(),
            Chunk("finger/ppg", "ppg", 0.0, 125.0, 0, table["PLETH"].to_numpy(float)),
        )
        blocks += sum(x.kind == "ppg_quality" for x in out)
        for v in rates([x for x in out if isinstance(x, Beat)]):
            told += 1
            at = (numerics["Time [s]"] >= v.t_s - 10) & (numerics["Time [s]"] < v.t_s)
            errors.append(v.value - np.nanmean(numerics["HR"][at]))
    error = np.abs(np.array(errors)[np.isfinite(errors)])
    assert told > 0.9 * blocks
    assert np.median(error) < 1.0
    assert np.mean(error < 5) > 0.9
