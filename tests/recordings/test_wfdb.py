"""WFDB headers and signals: records written here byte by byte, damaged ones, and real ones."""

import re
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import RecordingError
from healthslm.recordings import load
from healthslm.recordings.atr import read_marks
from healthslm.records import MISSING


def packed212(samples):
    """Write samples in format 212, from signal(5): two of 12 bits in three bytes."""
    samples = [s & 0xFFF for s in samples]
    data = bytearray()
    for a, b in zip(samples[::2], [*samples[1::2], 0][: len(samples[::2])], strict=True):
        data += bytes((a & 0xFF, (a >> 8) | (b >> 8) << 4, b & 0xFF))
    return bytes(data[:-1]) if len(samples) % 2 else bytes(data)


def annotation(code, step):
    return struct.pack("<H", code << 10 | step)


def write(folder, header, **files):
    (folder / "r.hea").write_text(header)
    for name, data in files.items():
        (folder / f"r.{name}").write_bytes(data)
    return folder / "r.hea"


TWO = "r 2 360 4\nr.dat 16 200 11 1024 0 0 0 V1\nr.dat 16 100(512)/uV 11 1024 0 0 0 MLII\n"
DATA = struct.pack("<8h", 1024, 512, 1224, 612, 824, 412, -32768, 512)


def test_the_lead_named_mlii_is_taken_and_scaled_to_millivolts(tmp_path):
    recording = load(write(tmp_path, TWO, dat=DATA))
    (track,) = recording.tracks
    assert (track.lane, track.fs, track.unit, recording.dated) == ("wfdb/ecg", 360.0, "mV", False)
    assert track.values == pytest.approx([0, 0.001, -0.001, 0])


@pytest.mark.parametrize("channel", ["V1", 0, "0"])
def test_a_lead_can_be_chosen_by_name_or_number(tmp_path, channel):
    values = load(write(tmp_path, TWO, dat=DATA), channel).tracks[0].values
    assert values == pytest.approx([0, 1, -1, np.nan], nan_ok=True)


@pytest.mark.parametrize("channel", ["V9", 2, -1, "7"])
def test_a_lead_that_is_not_there_is_refused_with_those_that_are(tmp_path, channel):
    with pytest.raises(RecordingError, match="V1 MLII"):
        load(write(tmp_path, TWO, dat=DATA), channel)


@given(samples=st.lists(st.integers(-2048, 2047), min_size=1, max_size=41))
def test_format_212_gives_back_every_12_bit_sample(tmp_path_factory, samples):
    header = f"r 1 250 {len(samples)}\nr.dat 212 200\n"
    path = write(tmp_path_factory.mktemp("r"), header, dat=packed212(samples))
    wanted = [MISSING if s == -2048 else s for s in samples]
    assert load(path).tracks[0].samples.tolist() == wanted


def test_a_record_can_be_named_without_its_suffix(tmp_path):
    assert load(write(tmp_path, TWO, dat=DATA).with_suffix("")).name == "r"


def test_a_date_makes_the_record_dated_and_gives_it_its_time(tmp_path):
    header = "r 1 250 2 12:30:15.5 02/03/2026\nr.dat 16\n"
    recording = load(write(tmp_path, header, dat=bytes(4)))
    assert recording.dated
    assert recording.t0_s == 1772454615.5


def test_an_uncalibrated_signal_counts_200_units_to_the_millivolt(tmp_path):
    path = write(tmp_path, "r 1 250 1\nr.dat 16 0 12 0 7\n", dat=struct.pack("<h", 100))
    assert load(path).tracks[0].values.tolist() == [0.5]


def test_bytes_before_the_samples_are_skipped(tmp_path):
    path = write(tmp_path, "r 1 250 1\nr.dat 16+24 200\n", dat=bytes(24) + struct.pack("<h", 7))
    assert load(path).tracks[0].samples.tolist() == [7]


def test_samples_per_frame_and_skew_are_undone(tmp_path):
    header = "r 2 100 3\nr.dat 16x2 200 0 0 0 0 0 II\nr.dat 16:1 10/NU 0 0 0 0 0 RESP\n"
    path = write(tmp_path, header, dat=struct.pack("<9h", 1, 2, 90, 3, 4, 91, 5, 6, 92))
    ecg, breath = load(path).tracks
    assert (ecg.fs, ecg.samples.tolist()) == (200.0, [1, 2, 3, 4, 5, 6])
    assert (breath.lane, breath.samples.tolist()) == ("wfdb/respiration", [91, 92, MISSING])


def test_a_header_without_a_length_takes_the_file_as_it_is(tmp_path):
    path = write(tmp_path, "r 1\nr.dat 16\n", dat=bytes(20))
    track = load(path).tracks[0]
    assert (track.fs, len(track.samples)) == (250.0, 10)


ATR = (
    annotation(28, 0)  # "+"
    + annotation(63, 5)
    + b"(AFIB\0"  # text of odd length is padded
    + annotation(1, 18)
    + annotation(60, 0)  # number, subtype, channel: read over
    + annotation(61, 1)
    + annotation(62, 1)
    + annotation(59, 0)
    + struct.pack("<HH", 1, 2)  # a step of 65538
    + annotation(5, 0)
    + annotation(32, 3)
    + bytes(2)
)


def test_annotations_give_samples_symbols_and_texts(tmp_path):
    recording = load(write(tmp_path, TWO, dat=DATA, atr=ATR))
    notes, beats = recording.notes["wfdb/ecg"], recording.beats["wfdb/ecg"]
    assert notes.samples.tolist() == [0, 18, 65556, 65559]
    assert notes.symbols == ("+", "N", "V", "[")
    assert notes.aux == ("(AFIB", "", "", "")
    assert (beats.samples.tolist(), beats.symbols) == ([18, 65556], ("N", "V"))


def test_annotations_that_state_their_own_resolution_are_converted(tmp_path):
    text = b"## time resolution: 1000"
    data = annotation(22, 0) + annotation(63, len(text)) + text + annotation(1, 500)
    (tmp_path / "r.atr").write_bytes(data)
    assert read_marks(tmp_path / "r.atr", 360.0).samples.tolist() == [0, 180]


HOSTILE = {
    "no lines": "",
    "no number of signals": "r\n",
    "as many signals as it says": "r 2 250 4\nr.dat 16\n",
    "too many signals": "r 65 250 4\n" + "r.dat 16\n" * 65,
    "no signal": "r 0 250 4\n",
    "no rate": "r 1 0 4\nr.dat 16\n",
    "a rate that is no number": "r 1 nan 4\nr.dat 16\n",
    "negative length": "r 1 250 -4\nr.dat 16\n",
    "more samples than there are": "r 1 250 999999999999\nr.dat 16\n",
    "several segments": "r/2 1 250 4\nr.dat 16\n",
    "another format": "r 1 250 4\nr.dat 80\n",
    "a file elsewhere": "r 1 250 4\n../r.dat 16\n",
    "an absolute file": "r 1 250 4\n/etc/passwd 16\n",
    "standard input": "r 1 250 4\n- 16\n",
    "a file that is not there": "r 1 250 4\nq.dat 16\n",
    "a folder": "r 1 250 4\n. 16\n",
    "infinite gain": "r 1 250 4\nr.dat 16 1e999\n",
    "tiny gain": "r 1 250 4\nr.dat 16 1e-300\n",
    "gain that is no number": "r 1 250 4\nr.dat 16 --e-\n",
    "no samples in a frame": "r 1 250 4\nr.dat 16x0\n",
    "only a pressure": "r 1 250 4\nr.dat 16 10/mmHg 0 0 0 0 0 ABP\n",
    "a day that never was": "r 1 250 4 10:00:00 31/02/2026\nr.dat 16\n",
    "a zero byte": "r 1 250 4\nr\0.dat 16\n",
    "a name that rings the bell": "r 1 250 4\nr.dat 16 200/mV 12 0 0 0 0 I\x07I\n",
    "too long": "#" * 70_000,
}


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_header_that_cannot_be_read_is_a_recording_error(tmp_path, header):
    with pytest.raises(RecordingError):
        load(write(tmp_path, header, dat=bytes(64)))


TORN = {
    "text before any annotation": annotation(63, 2) + b"ab",
    "text cut short": annotation(1, 1) + annotation(63, 40) + b"ab",
    "step cut short": annotation(1, 1) + annotation(59, 0) + b"ab",
    "time before the start": annotation(59, 0) + struct.pack("<HH", 0xFFFF, 0) + annotation(1, 0),
    "unknown code": annotation(55, 1),
}


@pytest.mark.parametrize("data", TORN.values(), ids=TORN.keys())
def test_torn_annotations_are_a_recording_error(tmp_path, data):
    with pytest.raises(RecordingError, match="damaged"):
        load(write(tmp_path, TWO, dat=DATA, atr=data))


@given(data=st.data())
def test_damage_anywhere_gives_a_recording_or_a_recording_error(tmp_path_factory, data):
    parts = {"hea": TWO.encode(), "dat": DATA, "atr": ATR}
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(parts)))
        at = data.draw(st.integers(0, max(len(parts[name]) - 1, 0)))
        piece = data.draw(st.binary(max_size=4) | st.sampled_from([b" ", b"\n", b"9", b"x", b"-"]))
        drop = data.draw(st.integers(0, 4))
        parts[name] = parts[name][:at] + piece + parts[name][at + drop :]
    folder = tmp_path_factory.mktemp("r")
    for name, content in parts.items():
        (folder / f"r.{name}").write_bytes(content)
    try:
        recording = load(folder / "r.hea")
    except RecordingError:
        return
    assert all(len(t.samples) for t in recording.tracks)


@given(data=st.binary(max_size=400))
def test_any_bytes_as_annotations_give_marks_or_a_recording_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("r") / "r.atr"
    path.write_bytes(data)
    try:
        marks = read_marks(path, 250.0)
    except RecordingError:
        return
    assert len(marks) == len(marks.samples) == len(marks.aux)


def test_real_records_match_the_checksums_in_their_headers(data_dir):
    """Signal(5): the 16-bit sum of all samples, and the first sample, stand in the header."""
    headers = sorted((data_dir / "mitdb" / "dev").glob("*.hea"))
    assert headers
    for header in headers:
        lines = re.findall(r"^\S+\.dat 212 .*$", header.read_text(), re.MULTILINE)
        for number, line in enumerate(lines):
            _, _, _, _, zero, first, checksum, _, name = line.split()
            track = load(header, number).tracks[0]
            assert track.samples[0] == int(first)
            assert (int(track.samples.sum(dtype=np.int64)) - int(checksum)) % 65536 == 0
            assert track.values[0] == pytest.approx((int(first) - int(zero)) / 200), name


def test_record_208_has_its_published_beats(data_dir):
    """The counts of the MIT-BIH directory (Moody and Mark 2001, doi:10.1109/51.932724)."""
    recording = load(data_dir / "mitdb" / "dev" / "208.hea")
    beats = recording.beats["wfdb/ecg"]
    counts = {symbol: beats.symbols.count(symbol) for symbol in set(beats.symbols)}
    assert counts == {"N": 1586, "V": 992, "F": 373, "S": 2, "Q": 2}
    assert recording.t1_s == pytest.approx(650_000 / 360)
