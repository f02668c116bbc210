"""The shape of a beat: kept in bytes, measured later, the same at every rate."""

import numpy as np
import pytest

from healthslm.signals.morphology import (
    POINTS,
    QRS,
    SIDE,
    STEP_S,
    Snapshots,
    figures,
    unlike,
    unpacked,
)

RATES = [100.0, 125.0, 250.0, 360.0, 500.0, 1000.0]
SNAPSHOTS = Snapshots()


def bump(width_s, fs, *, size=1.0, at_s=0.0, seconds=2.0):
    t = np.arange(round(seconds * fs)) / fs - seconds / 2
    return size * np.exp(-0.5 * ((t - at_s) / width_s) ** 2)


def taken(x, fs, place=None):
    places = np.array([len(x) // 2 if place is None else place])
    return unpacked(SNAPSHOTS(x, places, fs))


@pytest.mark.parametrize("fs", RATES)
def test_a_shape_is_the_signal_every_eight_milliseconds(fs):
    x = bump(0.03, fs, size=1.5)
    (shape,) = taken(x, fs)
    t = (np.arange(POINTS) - SIDE) * STEP_S
    np.testing.assert_allclose(shape, 1.5 * np.exp(-0.5 * (t / 0.03) ** 2), atol=0.035)
    assert shape.argmax() == SIDE


def test_what_the_lead_reads_before_the_complex_is_taken_away():
    x = bump(0.012, 360.0)
    np.testing.assert_allclose(taken(x + 7.0, 360.0), taken(x, 360.0), atol=0.01)


def test_size_and_polarity_do_not_change_how_exactly_it_is_kept():
    x = bump(0.012, 360.0) + 0.2 * bump(0.03, 360.0, at_s=0.1)
    np.testing.assert_allclose(taken(0.05 * x, 360.0), 0.05 * taken(x, 360.0), atol=1e-9)
    np.testing.assert_allclose(taken(-x, 360.0), -taken(x, 360.0), atol=1e-9)


def test_shapes_are_measured_one_by_one():
    """The same beat gives the same bytes, whoever comes with it."""
    x = np.random.default_rng(0).standard_normal(2000)
    places = np.array([400, 700, 1100])
    together = SNAPSHOTS(x, places, 360.0)
    for n, place in enumerate(places):
        alone = SNAPSHOTS(x[place - 72 : place + 73].copy(), np.array([72]), 360.0)
        assert alone.tobytes() == together[:, n : n + 1].copy().tobytes()


def test_no_beat_and_a_flat_line_are_no_trouble():
    assert SNAPSHOTS(np.zeros(500), np.empty(0, np.intp), 360.0).shape == (SNAPSHOTS.rows, 0)
    flat = taken(np.zeros(500), 360.0)
    assert not flat.any()
    measured = figures(flat)
    assert not measured.spike.any()
    assert np.isfinite(measured.stacked()).all()
    assert len(figures(flat[:0]).width_s) == 0


@pytest.mark.parametrize("fs", RATES)
def test_wide_is_told_from_narrow_at_every_rate(fs):
    narrow, wide = figures(taken(bump(0.011, fs), fs)), figures(taken(bump(0.035, fs), fs))
    assert 0.025 < narrow.width_s[0] < 0.06
    assert 0.08 < wide.width_s[0] < 0.14
    assert wide.qrs_s[0] > 1.8 * narrow.qrs_s[0]


def test_a_t_wave_is_no_part_of_the_complex():
    x = bump(0.012, 360.0)
    with_t = x + 0.3 * bump(0.03, 360.0, at_s=0.15)
    assert figures(taken(with_t, 360.0)).qrs_s == figures(taken(x, 360.0)).qrs_s
    assert figures(taken(with_t, 360.0)).after > 0.1


def test_a_spike_before_a_wide_wave_is_a_pacemaker_s():
    wave = 0.7 * bump(0.04, 360.0, at_s=0.11)
    spike = np.zeros(len(wave))
    spike[len(wave) // 2 - 1 : len(wave) // 2 + 2] = (0.5, 1.2, 0.5)
    assert figures(taken(wave + spike, 360.0)).spike[0] == 1
    assert figures(taken(spike, 360.0)).spike[0] == 0  # nothing comes after it
    assert figures(taken(bump(0.012, 360.0) + wave, 360.0)).spike[0] == 0  # a narrow complex


def test_unlike_is_0_for_the_same_1_for_unrelated_2_for_opposite():
    a, b = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    assert (unlike(a, a), unlike(a, b), unlike(a, -a)) == (0.0, 1.0, 2.0)
    assert unlike(a, 3 * a) == pytest.approx(0.4)
    assert unlike(np.zeros(3), np.zeros(3)) == 0.0
    assert unlike(np.stack((a, b)), a).tolist() == [0.0, 1.0]


def test_the_complex_is_the_middle():
    assert (QRS.start + QRS.stop - 1) / 2 == SIDE
    assert (QRS.stop - 1 - SIDE) * STEP_S == pytest.approx(0.104)
