"""Our own form of recording: written, read back, and damaged."""

import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import RecordingError
from healthslm.recordings import Event, Marks, Recording, Track, folder, load
from healthslm.recordings.folder import Expected

SAMPLES = np.array([0, 1, -1, 32767, -32768, -32767, 5, 5, 5], np.int16)
ECG = Track("chest", "ecg", 1, 500, 1e9, 250.0, "mV", 0.005, 0.25, SAMPLES)
LATE = Track("chest", "ecg", 1, 900, 1e9, 250.0, "mV", 0.005, 0.25, SAMPLES[:3], continuous=False)
NOTES = Marks(np.array([500, 500, 508]), ("+", "N", '"'), ("(N", "", "said \u00e9"))
WHOLE = Recording(
    "whole",
    (ECG, LATE),
    (Event("pause", 1e9, 1e9 + 3.5, 3.5), Event("walk", 1e9, 1e9 + 60)),
    {"chest/ecg": NOTES.only("N")},
    {"chest/ecg": NOTES},
)


def same(a, b):
    assert (a.name, a.events, a.dated) == (b.name, b.events, b.dated)
    for x, y in zip(a.tracks, b.tracks, strict=True):
        for name in Track.__slots__:
            assert np.array_equal(getattr(x, name), getattr(y, name)), name
    for marks in ("beats", "notes"):
        ours, theirs = getattr(a, marks), getattr(b, marks)
        assert ours.keys() == theirs.keys()
        for lane, x in ours.items():
            y = theirs[lane]
            assert np.array_equal(x.samples, y.samples)
            assert (x.symbols, x.aux) == (y.symbols, y.aux)


@pytest.mark.parametrize("packed", [True, False])
def test_what_was_written_is_read_back(tmp_path, packed):
    folder.write(WHOLE, tmp_path / "new", packed=packed)
    same(load(tmp_path / "new"), WHOLE)


@given(samples=st.lists(st.integers(-32768, 32767), min_size=1, max_size=99))
def test_packing_loses_nothing(tmp_path_factory, samples):
    path = tmp_path_factory.mktemp("f")
    track = Track("d", "ppg", 0, 0, 0.0, 25.0, "1", 1.0, 0.0, np.array(samples, np.int16))
    folder.write(Recording("r", (track,)), path)
    assert load(path).tracks[0].samples.tolist() == samples


def test_an_undated_recording_stays_undated(tmp_path):
    folder.write(Recording("r", (ECG,), dated=False), tmp_path)
    assert not load(tmp_path).dated


def test_expected_findings_and_the_source_are_kept(tmp_path):
    expect = [Expected("pause", 1.0, 2.0, 5.0)]
    folder.write(WHOLE, tmp_path, expect=expect, source="# Where from\n")
    assert folder.expected(tmp_path) == expect
    assert (tmp_path / "SOURCE.md").read_text() == "# Where from\n"


def test_a_folder_that_holds_something_is_not_written_over(tmp_path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(FileExistsError):
        folder.write(WHOLE, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def broken(path, change):
    """Write WHOLE, then let `change` spoil recording.json."""
    folder.write(WHOLE, path)
    plain = json.loads((path / "recording.json").read_text())
    change(plain)
    (path / "recording.json").write_text(json.dumps(plain))
    return path


SPOILT = {
    "another format": lambda r: r.update(format="other/1"),
    "an unknown key": lambda r: r.update(more=1),
    "a key missing": lambda r: r.pop("name"),
    "a name that clears the screen": lambda r: r.update(name="x\x1b[2J"),
    "no tracks": lambda r: r.update(tracks=[]),
    "a count too large": lambda r: r["tracks"][0].update(count=10),
    "a count too small": lambda r: r["tracks"][0].update(count=8),
    "no count": lambda r: r["tracks"][0].update(count=0),
    "a huge count": lambda r: r["tracks"][0].update(count=2**40),
    "a file elsewhere": lambda r: r["tracks"][0].update(file="../x.i16"),
    "a file that is not there": lambda r: r["tracks"][0].update(file="x.i16"),
    "the folder itself": lambda r: r["tracks"][0].update(file="."),
    "an unknown unit": lambda r: r["tracks"][0].update(unit="ell"),
    "no rate": lambda r: r["tracks"][0].update(fs=0),
    "a name that no topic may have": lambda r: r["tracks"][0].update(device="#"),
    "symbols for fewer beats": lambda r: r["notes"]["chest/ecg"].update(symbols="N"),
    "a step beyond bounds": lambda r: r["notes"]["chest/ecg"].update(steps=[1, 1, 2**60]),
    "text without a beat": lambda r: r["notes"]["chest/ecg"].update(aux={"x": "y"}),
}


@pytest.mark.parametrize("change", SPOILT.values(), ids=SPOILT.keys())
def test_a_folder_that_breaks_the_form_is_a_recording_error(tmp_path, change):
    with pytest.raises(RecordingError):
        load(broken(tmp_path, change))


def test_samples_that_inflate_beyond_their_count_are_refused(tmp_path):
    folder.write(WHOLE, tmp_path)
    (tmp_path / "00-chest-ecg.i16z").write_bytes(zlib.compress(bytes(1_000_000)))
    with pytest.raises(RecordingError):
        load(tmp_path)


def test_a_folder_without_recording_json_is_a_recording_error(tmp_path):
    with pytest.raises(RecordingError, match=r"recording\.json"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["nothing", "nothing.hea", "nothing.csv", "nothing.edf"])
def test_what_is_not_there_is_a_recording_error(tmp_path, name):
    with pytest.raises(RecordingError, match="nothing"):
        load(tmp_path / name)


@given(data=st.data())
def test_damage_anywhere_gives_a_recording_or_a_recording_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("f")
    folder.write(WHOLE, path)
    file = path / data.draw(st.sampled_from(["recording.json", "00-chest-ecg.i16z"]))
    content = bytearray(file.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    file.write_bytes(content)
    try:
        load(path)
    except RecordingError:
        return
