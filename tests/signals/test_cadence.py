"""Spectra of acceleration, and of a PPG."""

import numpy as np
import pytest

from healthslm.records import Chunk, Spectrum
from healthslm.signals import cadence, pulse_spectrum
from healthslm.signals.spectra import heights, per_min

T0 = 1_700_000_000.0
FS = 32.0


def motion(xyz: np.ndarray, start: int = 0) -> tuple[Spectrum, ...]:
    chunk = Chunk("wrist/acceleration", "acceleration", T0, 3 * FS, start, xyz.T.ravel())
    return cadence.SIGNAL.step(cadence.SIGNAL.start(), chunk)[1]


def pulse(x: np.ndarray, fs: float = 64.0) -> tuple[Spectrum, ...]:
    chunk = Chunk("wrist/ppg", "ppg", T0, fs, 0, np.asarray(x, float))
    return pulse_spectrum.SIGNAL.step(pulse_spectrum.SIGNAL.start(), chunk)[1]


def swing(rms_g: float, hz: float = 1.5, seconds: int = 12) -> np.ndarray:
    """Return gravity on z, and a swing along a slanted line."""
    t = np.arange(round(seconds * FS)) / FS
    along = np.array([[0.6], [0.0], [0.8]])
    return along * rms_g * np.sqrt(2) * np.sin(2 * np.pi * hz * t) + [[0.0], [0.0], [1.0]]


@pytest.mark.parametrize("hz", [0.8, 1.5, 2.9])
def test_the_cadence_is_where_the_spectrum_is_highest(hz: float) -> None:
    for x in motion(swing(0.3, hz)):
        assert x.kind == "motion_spectrum"
        assert per_min(8.0)[np.argmax(heights(x.levels))] == pytest.approx(60 * hz, abs=4)
        assert x.power == pytest.approx(0.09, rel=0.25)


def test_gravity_is_no_motion_whatever_the_posture() -> None:
    for axis in range(3):
        still = np.zeros((3, 400))
        still[axis] = -1.0
        assert all(x.power < 1e-20 and x.levels == b"" for x in motion(still))


@pytest.mark.parametrize(("rms_g", "told"), [(0.0099, False), (0.0111, True)])
def test_below_the_noise_of_a_sensor_no_bins_are_told(rms_g: float, told: bool) -> None:
    assert all(bool(x.levels) is told for x in motion(swing(rms_g, 1.5)))


def test_a_mirrored_or_turned_sensor_tells_the_same() -> None:
    x, y, z = swing(0.2)
    first, turned = motion(np.array([x, y, z])), motion(np.array([z, -x, y]))
    assert [m.levels for m in turned] == [m.levels for m in first]
    assert [m.power for m in turned] == pytest.approx([m.power for m in first])


def test_nothing_is_told_where_the_sensor_is_too_slow() -> None:
    chunk = Chunk("wrist/acceleration", "acceleration", T0, 3 * 8.0, 0, np.ones(3 * 8 * 20))
    assert cadence.SIGNAL.step(cadence.SIGNAL.start(), chunk)[1] == ()


@pytest.mark.parametrize("level", [0.0, 1.0, 512.3, -1e9])
def test_a_flat_ppg_has_no_spectrum(level: float) -> None:
    assert pulse(np.full(64 * 20, level)) == ()


def test_the_size_of_a_ppg_does_not_matter() -> None:
    x = np.sin(2 * np.pi * 1.2 * np.arange(64 * 20) / 64)
    levels = [s.levels for s in pulse(x)]
    assert len(levels) == 6
    assert [s.levels for s in pulse(1e4 * x + 1e5)] == levels
    assert [s.levels for s in pulse(-x)] == levels
