"""Spectra of windows that all streams share."""

import numpy as np
import pytest

from healthslm.records import Chunk
from healthslm.signals.spectra import Grid, State, advance, heights, levels, per_min, power

T0 = 1_700_000_000.0


def windows(x, fs, start=0, epoch_s=T0, state=None, axes=1, cells_hz=25.0):
    grid = Grid.at(fs, cells_hz, 8.0, 16.0)
    chunk = Chunk("wrist/x", "x", epoch_s, fs * axes, start, np.asarray(x, float))
    state, found = advance(state or State(), chunk, grid, axes=axes, most=1e6)
    return grid, found, state


def sine(fs: float, seconds: float, hz: float, height: float = 1.0) -> np.ndarray:
    return height * np.sin(2 * np.pi * hz * np.arange(round(seconds * fs)) / fs)


@pytest.mark.parametrize("fs", [12.5, 25.0, 31.25, 64.0, 125.0, 250.0])
@pytest.mark.parametrize("hz", [0.75, 1.5, 3.0])
def test_a_sine_has_its_power_at_its_frequency(fs: float, hz: float) -> None:
    grid, found, _ = windows(sine(fs, 20, hz, 3.0) + 50, fs)
    for _, window in found:
        bins = power(window, grid)
        assert per_min(16.0)[np.argmax(bins)] == pytest.approx(60 * hz, abs=2.0)
        assert np.sum(bins) == pytest.approx(4.5, rel=0.2)  # cells take the edge off 3 Hz


def test_the_axes_add_up() -> None:
    x = np.stack((sine(25, 10, 1.0), sine(25, 10, 2.0, 2.0), np.ones(250))).T.ravel()
    grid, found, _ = windows(x, 25.0, axes=3)
    assert np.sum(power(found[0][1], grid)) == pytest.approx(0.5 + 2.0, rel=0.05)


@pytest.mark.parametrize("window_s", [5.6, 8.0, 10.4])
def test_the_bins_keep_their_places_whatever_the_window(window_s: float) -> None:
    grid = Grid.at(25.0, 25.0, window_s, 8.0)
    bins = power(sine(25, 30, 2.0)[: grid.window, None], grid)
    assert len(bins) == len(per_min(8.0)) == 29
    assert per_min(8.0)[np.argmax(bins)] == 120
    assert np.sum(bins) == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize(("epoch_s", "fs"), [(T0, 125.0), (T0 + 0.7, 64.0), (T0 - 3.3, 25.0)])
def test_the_moments_are_the_same_even_seconds_for_every_stream(epoch_s: float, fs: float) -> None:
    start = round((T0 - epoch_s) * fs)
    _, found, _ = windows(sine(fs, 30, 1.0), fs, start, epoch_s)
    times = [t_s for t_s, _ in found]
    assert times[0] - T0 in (8.0, 10.0)
    assert times == [times[0] + 2 * i for i in range(len(times))]
    assert 28.0 <= times[-1] - T0 <= 30.0


def test_a_window_ends_with_the_last_cell_before_its_moment() -> None:
    x = np.arange(25.0 * 8)
    _, found, state = windows(x[:-1], 25.0)
    assert found == []
    _, ((t_s, window),), _ = windows(x[-1:], 25.0, len(x) - 1, state=state)
    assert t_s == T0 + 8
    assert window.ravel().tolist() == x.tolist()


def test_a_window_is_told_once_all_cells_before_its_moment_are_there() -> None:
    """At 64 Hz a cell is 3 samples: 8 s end within the 171st, so 513 of them are needed."""
    x = sine(64, 10, 1.0)
    assert windows(x[:512], 64.0)[1] == []
    assert len(windows(x[:513], 64.0)[1]) == 1


def test_a_cell_that_a_run_begins_in_is_not_whole() -> None:
    x = np.full(125 * 11, 5.0)
    assert [t_s - T0 for t_s, _ in windows(x, 125.0)[1]] == [8, 10]
    ((t_s, window),) = windows(x[1:], 125.0, 1)[1]
    assert t_s - T0 == 10
    assert np.all(np.abs(window - 5.0) < 1e-12)


@pytest.mark.parametrize("unread", [np.nan, np.inf, 1e6, -2e6])
def test_a_window_with_an_unread_sample_is_left_out(unread: float) -> None:
    x = sine(25, 40, 1.0)
    x[25 * 20 + 1] = unread
    times = [t_s - T0 for t_s, _ in windows(x, 25.0)[1]]
    assert times == [8, 10, 12, 14, 16, 18, 20, 30, 32, 34, 36, 38, 40]


def test_a_gap_has_no_window_across_it() -> None:
    x = sine(125, 40, 1.0)
    _, before, state = windows(x[: 125 * 20], 125.0)
    _, after, _ = windows(x[125 * 21 + 1 :], 125.0, 125 * 21 + 1, state=state)
    assert before[-1][0] == T0 + 20
    assert after[0][0] == T0 + 30
    whole = dict(windows(x, 125.0)[1])
    assert all(np.array_equal(w, whole[t_s]) for t_s, w in after)


def test_axes_are_told_by_their_index_wherever_a_run_begins() -> None:
    x = np.tile([1.0, 2.0, 3.0], 25 * 12)
    _, found, _ = windows(x[4:], 25.0, 4, axes=3)
    assert found[0][0] == T0 + 10
    assert np.array_equal(found[0][1], np.tile([1.0, 2.0, 3.0], (200, 1)))


def test_a_sensor_too_slow_for_the_band_is_known() -> None:
    assert not Grid.at(8.0, 25.0, 8.0, 16.0).reaches
    assert Grid.at(9.0, 25.0, 8.0, 16.0).reaches


def test_levels_are_written_to_half_a_decibel() -> None:
    bins = np.array([1e-9, 0.5, 2.0, 100.0, 0.0, 1e-40])
    again = heights(levels(bins))
    assert np.mean(again) == pytest.approx(1.0)
    ratio = again[:4] / again[3] / (bins[:4] / 100.0)
    assert np.all(np.abs(10 * np.log10(ratio)) <= 0.5)
    assert levels(bins)[4] == levels(bins)[5] == 255
