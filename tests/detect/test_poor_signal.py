"""Signal that cannot be read."""

import numpy as np
import pytest

from healthslm.detect.poor_signal import DETECTOR
from healthslm.records import Chunk
from healthslm.signals import signals


@pytest.mark.parametrize(("quality", "n"), [(0.5, 0), (0.4999, 1)])
def test_half_of_what_came_must_be_trusted(readings, told, quality, n) -> None:
    assert len(told(DETECTOR, readings("ecg_quality", (0.9, 5), (quality, 3)))) == n


def test_twenty_seconds_are_told_and_a_minute_is_amber(readings, told) -> None:
    assert told(DETECTOR, readings("ppg_quality", (0.9, 5), (0.1, 2), (0.9, 9))) == []
    short = told(DETECTOR, readings("ppg_quality", (0.9, 5), (0.1, 6)))
    assert [f.severity for f in short] == ["info"]
    long = told(DETECTOR, readings("ppg_quality", (0.9, 5), (0.1, 7)))
    assert [f.severity for f in long] == ["info", "amber"]
    assert long[0].key == long[1].key


@pytest.mark.parametrize(("count", "n"), [(4, 0), (5, 1)])
def test_it_is_time_that_counts_and_not_readings(readings, told, count, n) -> None:
    quality = readings("ecg_quality", (0.9, 5), (0.1, count), step_s=5.0)
    assert len(told(DETECTOR, quality)) == n


def test_it_ends_when_the_signal_is_good_again(readings, told) -> None:
    quality = readings("ecg_quality", (0.9, 5), (0.1, 3), (0.3, 1), (0.9, 5))
    first, last = told(DETECTOR, quality)
    assert (first.ongoing, last.ongoing) == (True, False)
    assert last.t1_s == quality[8].t_s
    assert dict(last.evidence) == {"quality": pytest.approx((3 * 0.1 + 0.3) / 4)}


def fibrillation(fs: float, seconds: float) -> np.ndarray:
    """Return what ventricular fibrillation looks like: 4 to 7 Hz, waxing and waning, no beat."""
    rng = np.random.default_rng(4)
    t = np.arange(int(fs * seconds)) / fs
    hz = 5.5 + np.cumsum(rng.standard_normal(len(t))) * 0.06 / np.sqrt(fs)
    size = 0.4 + 0.15 * np.sin(2 * np.pi * 0.3 * t) + 0.1 * np.sin(2 * np.pi * 0.71 * t + 1)
    return size * np.sin(2 * np.pi * np.cumsum(np.clip(hz, 4, 7)) / fs)


def noise(fs: float, seconds: float) -> np.ndarray:
    """Return a loose electrode, or a sensor that moves."""
    return np.random.default_rng(5).standard_normal(int(fs * seconds))


@pytest.mark.parametrize("kind", ["ecg", "ppg"])
@pytest.mark.parametrize("wave", [fibrillation, noise])
def test_what_looks_like_noise_is_an_alarm_that_asks(told, kind, wave) -> None:
    """Ventricular fibrillation is not recognised; but it is never passed over in silence."""
    stage, fs = signals()[kind], 125.0
    _, out = stage.step(stage.start(), Chunk("chest/x", kind, 0.0, fs, 0, wave(fs, 110)))
    quality = [v for v in out if v.kind.endswith("_quality")]
    assert "amber" in {f.severity for f in told(DETECTOR, quality)}
