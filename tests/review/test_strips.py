"""Strips show what was read at its true height and time, and blank where nothing was."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.records import MISSING, Frame
from healthslm.review import strips

T0 = 1_772_323_200.0
FS = 250.0


def frame(raw, *, start=0, stream="ecg", seq=0, unit="mV", gain=0.001):
    samples = np.asarray(raw, "<i2").tobytes()
    return Frame("chest", stream, 1, seq, start, T0 + start / FS, FS, unit, gain, 0.0, samples)


def strip(values, stream="chest/ecg"):
    return strips.Strip(stream, T0, FS, np.asarray(values, float))


def ink(text):
    """Return the trace's dots, shape (32, columns), without margin and calibration pulse."""
    lines = [line[10:] for line in text.splitlines() if "\u2800" <= line[-1] <= "\u28ff"]
    bits = np.array([[ord(c) - 0x2800 for c in line] for line in lines])
    dots = np.zeros((4 * len(lines), 2 * len(lines[0])), bool)
    for bit, (row, column) in enumerate(
        [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (3, 0), (3, 1)]
    ):
        dots[row::4, column::2] = bits >> bit & 1
    return dots


def test_frames_become_one_strip_with_holes_where_samples_are_missing():
    frames = [frame([1000] * 100), frame([500, MISSING, -500], start=150, seq=2)]
    cut = strips.cut(frames, "chest/ecg", T0, T0 + 1)
    assert cut.values[:100] == pytest.approx(1.0)
    assert np.isnan(cut.values[100:150]).all() and np.isnan(cut.values[151])
    assert cut.values[150] == pytest.approx(0.5) and cut.values[152] == pytest.approx(-0.5)


def test_a_strip_may_begin_in_the_middle_of_a_frame():
    cut = strips.cut([frame(range(1000))], "chest/ecg", T0 + 1, T0 + 2)
    assert cut.values == pytest.approx(np.arange(250, 500) / 1000)


def test_units_become_millivolts():
    assert strips.cut([frame([1500] * 9, unit="uV", gain=1.0)], "chest/ecg", T0, T0 + 0.02).values[
        0
    ] == pytest.approx(1.5)


def test_where_nothing_was_read_there_is_no_strip():
    assert strips.cut([frame([MISSING] * 250)], "chest/ecg", T0, T0 + 1) is None
    assert strips.cut([frame([1] * 250)], "chest/ecg-v5", T0, T0 + 1) is None
    assert strips.cut([frame([1] * 250)], "chest/ecg", T0 + 1, T0 + 2) is None


def test_only_an_ecg_has_a_strip():
    with pytest.raises(ValueError, match="no ECG"):
        strips.cut([], "band/ppg", T0, T0 + 1)


@given(at=st.integers(0, 2499), high=st.floats(0.3, 20.0), down=st.booleans())
def test_the_narrowest_peak_is_drawn_at_its_full_height(at, high, down):
    """One sample of 2500 decides a column: an R peak must never vanish between two dots."""
    values = np.zeros(2500)
    values[at] = -high if down else high
    dots = ink(strips.braille(strip(values), "UTC"))
    reach = np.flatnonzero(dots[:, at * 140 // 2500])
    per_mm = 14 / 25
    gains = [g for g in strips.GAINS_MM_PER_MV if high * g * per_mm <= 31]
    tall = high * (gains[0] if gains else 1.0) * per_mm
    assert reach[-1] - reach[0] == pytest.approx(tall, abs=1.0)


@given(st.lists(st.floats(-2, 2), min_size=250, max_size=2500))
def test_the_trace_is_one_line_without_breaks(values):
    """Neighbouring columns touch, whatever the samples do."""
    dots = ink(strips.braille(strip(values), "UTC"))
    used = [np.flatnonzero(column) for column in dots.T]
    width = round(len(values) / FS * 14)
    for left, right in pairwise(used[:width]):
        assert left[0] <= right[-1] + 1 and right[0] <= left[-1] + 1


def test_columns_without_a_sample_stay_blank_and_the_label_says_so():
    values = np.sin(np.arange(2500) / 20)
    values[1000:1500] = np.nan
    text = strips.braille(strip(values), "UTC")
    assert not ink(text)[:, 57:83].any() and ink(text)[:, 50].any()
    assert "blank: nothing was read" in text
    assert "blank" not in strips.braille(strip(np.sin(np.arange(2500) / 20)), "UTC")


def test_a_strip_is_eighty_columns_and_says_its_scale():
    values = 1.2 * np.sin(np.arange(2500) / 20)
    text = strips.braille(strip(values, "chest/ecg-v5"), "Europe/Madrid", (T0 + 2, T0 + 4))
    lines = text.splitlines()
    assert max(map(len, lines)) == 80
    assert lines[0] == "chest/ecg-v5, 2026-03-01 01:00:00 CET, 10 s"
    assert lines[1] == "event" + " " * 5 + " " * 14 + "├" + "─" * 13 + "┤"
    assert sum(line.count("┼") for line in lines) == 1  # one zero line
    assert lines[-2].startswith("lead V5; 25 mm/s, 20 mm/mV (pulse = 1 mV); filter none; 250 Hz")
    assert lines[-1] == "drawn to ±36 ms, ±0.04 mV"
    assert "\x1b" not in text


def test_the_calibration_pulse_is_one_millivolt_of_the_trace():
    """A 1 mV square in the trace stands exactly as high as the pulse beside it."""
    values = np.zeros(2500)
    values[1000:1500] = 1.0
    text = strips.braille(strip(values), "UTC")
    pulse = ink(
        "\n".join(" " * 10 + line[7:9] for line in text.splitlines() if line[7:8] >= "\u2800")
    )
    height = np.ptp(np.flatnonzero(pulse.any(1)))
    assert height == np.ptp(np.flatnonzero(ink(text).any(1)))


def test_the_monitoring_band_takes_drift_and_hum_and_keeps_the_beat_in_its_place():
    t = np.arange(3500) / FS
    beat = 1.0 * np.exp(-(((t % 0.8) - 0.4) ** 2) / (2 * 0.012**2))
    drift, hum = 2.0 * np.sin(2 * np.pi * 0.1 * t), 0.3 * np.sin(2 * np.pi * 60 * t)
    shown = strips.crop(strips.monitor(strip(beat + drift + hum)), T0 + 2, T0 + 12)
    clean = beat[500:3000]
    assert shown.filter == "0.5-40 Hz" and len(shown.values) == 2500
    assert np.std(shown.values - (clean - clean.mean())) < 0.12
    peaks = [250 * 0.8 * n + 100 for n in range(3, 14)]
    for peak in peaks:
        at = int(peak) - 500
        if 20 <= at < 2480:
            assert abs(int(np.argmax(shown.values[at - 20 : at + 20])) - 20) <= 1


def test_the_filter_bridges_no_hole():
    values = np.ones(2000)
    values[800:900] = np.nan
    filtered = strips.monitor(strip(values)).values
    assert np.isnan(filtered[800:900]).all() and np.isfinite(filtered[900:]).all()


def test_runs_too_short_to_filter_lose_their_mean_alone():
    values = np.full(500, np.nan)
    values[10:20] = np.arange(10.0)
    assert strips.monitor(strip(values)).values[10:20] == pytest.approx(np.arange(10.0) - 4.5)


def test_the_printed_strip_measures_with_a_ruler():
    """25 mm/s and 10 mm/mV: ten seconds are 250 mm, and 1.5 mV are 15 mm."""
    values = np.zeros(2500)
    values[1250:] = 1.5
    root = ET.fromstring(strips.svg_strip(strip(values), "UTC", (T0 + 1, T0 + 3)))  # noqa: S314
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("width") == "260mm" and root.get("viewBox").startswith("0 0 260 ")
    pulse, trace = (p.get("d") for p in root.findall(f"{space}path"))
    points = [tuple(map(float, p.split(","))) for p in trace[1:].split()]
    assert points[-1][0] - points[0][0] == pytest.approx(250, abs=0.11)
    assert points[0][1] - points[-1][1] == pytest.approx(15)
    assert re.search(r"v-10h5v10", pulse)  # 1 mV for 0.2 s
    mark = root.findall(f"{space}rect")[-1]
    assert (float(mark.get("x")), float(mark.get("width"))) == (35.0, 50.0)
    assert "25 mm/s, 10 mm/mV" in root.find(f"{space}title").text


def test_the_printed_strip_breaks_at_holes():
    values = np.zeros(2500)
    values[500:600] = np.nan
    svg = strips.svg_strip(strip(values), "UTC")
    assert svg.count("M10.00,") == 1 and svg.count("M70.00,") == 1
