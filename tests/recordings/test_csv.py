"""CSV tables, plain and compressed, whole and damaged."""

import lzma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import RecordingError
from healthslm.recordings import load

BIDMC = "Time [s], RESP, PLETH, V, AVR, II\n" + "".join(
    f"{n * 0.008:.3f},{n % 7 / 7:.5f},{n % 5 / 5:.5f},0.5,0.3,{n % 3 / 3:.5f}\n" for n in range(500)
)


def table(folder, text, name="t.csv"):
    path = folder / name
    path.write_bytes(lzma.compress(text.encode()) if name.endswith("xz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.csv.xz"])
def test_a_bidmc_table_gives_lead_ii_pleth_and_respiration(tmp_path, name):
    recording = load(table(tmp_path, BIDMC, name))
    assert {(t.lane, t.fs, t.unit) for t in recording.tracks} == {
        ("csv/ecg", 125.0, "mV"),
        ("csv/ppg", 125.0, "1"),
        ("csv/respiration", 125.0, "1"),
    }
    ecg = next(t for t in recording.tracks if t.stream == "ecg")
    assert ecg.values == pytest.approx([round(n % 3 / 3, 5) for n in range(500)], abs=1e-5)
    assert (recording.name, recording.dated) == ("t", False)


def test_another_lead_can_be_chosen_and_an_unknown_one_is_refused(tmp_path):
    path = table(tmp_path, BIDMC)
    assert load(path, "AVR").tracks[0].values == pytest.approx(0.3)
    with pytest.raises(RecordingError, match="ii, v, avr"):
        load(path, "V9")


def test_a_bidmc_table_of_numbers_gives_rates_and_saturation(tmp_path):
    text = "Time [s], HR, PULSE, RESP, SpO2\n0,94,93,25,97\n1,94,93,,97\n2,95,94,26,96\n"
    tracks = {t.stream: t for t in load(table(tmp_path, text)).tracks}
    assert sorted(tracks) == ["heart_rate", "respiratory_rate", "spo2"]
    assert tracks["heart_rate"].values.tolist() == [94, 94, 95]
    assert tracks["respiratory_rate"].values == pytest.approx([25, np.nan, 26], nan_ok=True)


def test_a_plain_table_may_bear_utc_times_and_holes(tmp_path):
    rows = [(1.7e9 + 60 * n, 36.5 + n / 100) for n in range(10) if n not in (4, 5, 6)]
    text = "time_s,temperature\n" + "".join(f"{t:.1f},{v}\n" for t, v in rows)
    recording = load(table(tmp_path, text))
    assert recording.dated
    assert recording.t0_s == 1.7e9
    assert [(t.fs, t.start, len(t.samples)) for t in recording.tracks] == [
        (1 / 60, 0, 4),
        (1 / 60, 7, 3),
    ]
    assert recording.tracks[1].values == pytest.approx([36.57, 36.58, 36.59])


def test_values_of_few_decimals_come_back_exactly(tmp_path):
    values = [36.61, 38.04, 35.99]
    text = "time_s,temperature\n" + "".join(f"{60 * n},{v}\n" for n, v in enumerate(values))
    assert load(table(tmp_path, text)).tracks[0].values == pytest.approx(values, abs=1e-12)


def test_a_constant_column_is_kept(tmp_path):
    text = "time_s,ppg\n" + "".join(f"{n / 10},0.12345\n" for n in range(5))
    assert load(table(tmp_path, text)).tracks[0].values == pytest.approx(0.12345)


WRONG = {
    "empty": "",
    "header alone": "time_s,ecg\n",
    "one row": "time_s,ecg\n0,1\n",
    "no time": "t,ecg\n0,1\n1,2\n",
    "no signal": "time_s,mood\n0,1\n1,2\n",
    "nothing measured": "time_s,ecg\n0,\n1,\n2,\n",
    "a word": "time_s,ecg\n0,1\n1,high\n",
    "a short row": "time_s,ecg\n0,1\n1\n",
    "time that falls": "time_s,ecg\n0,1\n1,1\n0.5,1\n",
    "time that stands": "time_s,ecg\n1,1\n1,1\n1,1\n",
    "time that is missing": "time_s,ecg\n0,1\n,1\n2,1\n",
    "time that is no number": "time_s,ecg\n0,1\nnan,1\n2,1\n",
    "time that is uneven": "time_s,ecg\n" + "".join(f"{n**1.5},1\n" for n in range(50)),
    "far too slow": "time_s,ecg\n0,1\n3000,1\n6000,1\n",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_a_table_that_makes_no_sense_is_a_recording_error(tmp_path, text):
    with pytest.raises(RecordingError):
        load(table(tmp_path, text))


def test_a_torn_xz_file_is_a_recording_error(tmp_path):
    path = table(tmp_path, BIDMC, "t.csv.xz")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RecordingError):
        load(path)


def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path):
    path = tmp_path / "bomb.csv.xz"
    path.write_bytes(lzma.compress(bytes(65 * 1024 * 1024), preset=0))
    assert path.stat().st_size < 100_000
    with pytest.raises(RecordingError, match="too long"):
        load(path)


@given(text=st.text(alphabet="0123456789.,-e\n \"'naif", max_size=80))
def test_any_table_gives_a_recording_or_a_recording_error(tmp_path_factory, text):
    path = table(tmp_path_factory.mktemp("c"), "time_s,ecg,spo2\n0,1,2\n" + text)
    try:
        recording = load(path)
    except RecordingError:
        return
    assert all(len(t.samples) for t in recording.tracks)


def test_bytes_that_are_no_text_are_a_recording_error(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"time_s,ecg\n0,\xff\n")
    with pytest.raises(RecordingError):
        load(tmp_path / "t.csv")


def test_a_real_table_is_read_whole(data_dir):
    recording = load(data_dir / "bidmc" / "dev" / "bidmc_01_Signals.csv.xz")
    assert {(t.lane, t.fs, len(t.samples)) for t in recording.tracks} == {
        ("csv/ecg", 125.0, 60_001),
        ("csv/ppg", 125.0, 60_001),
        ("csv/respiration", 125.0, 60_001),
    }
