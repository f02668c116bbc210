"""The search for what was planted finds it in each form, wherever it stands, and nothing else."""

import base64
import json
import random
import struct
import zlib

import pytest

from benchmarks import planted
from healthslm.records import Finding, Frame, Summary, Vital

RAW = (-312, 47, 1203, 871, -20, 333, 402, -777, 5, 12, 90, 1, 2, 3, 4, 5)
T_S = 1_712_345_678.25
FRAME = Frame("zaunkoenig", "ecg", 1, 0, 0, T_S, 250.0, "mV", 0.005, 0.0, RAW)
DERIVED = [
    Vital("heart_rate", "zaunkoenig/ecg", T_S, 61.837465),
    Finding("fever", "zaunkoenig/temperature", T_S, T_S + 60, "amber", ()),
    Summary(T_S, T_S + 60, "en", "Your pulse was calm. Nothing else stood out today.", "template"),
]
WANTED = planted.patterns({"kanarienvogel"}, [FRAME], DERIVED)
RUN = RAW[:8]

FORMS = {
    "int16": ("sample", struct.pack("<8h", *RUN)),
    "int16, big end first": ("sample", struct.pack(">8h", *RUN)),
    "int32": ("sample", struct.pack("<8i", *RUN)),
    "float32": ("sample", struct.pack("<8f", *RUN)),
    "float64": ("sample", struct.pack("<8d", *RUN)),
    "JSON": ("sample", json.dumps(RAW).encode()),
    "CSV": ("sample", ",".join(map(str, RAW)).encode()),
    "hexadecimal": ("sample", struct.pack("<8h", *RUN).hex().encode()),
    "base64, first": ("sample", base64.b64encode(struct.pack("<16h", *RAW))),
    "base64, second": ("sample", base64.b64encode(b"x" + struct.pack("<16h", *RAW))),
    "base64, third": ("sample", base64.b64encode(b"xy" + struct.pack("<16h", *RAW))),
    "zlib": ("deflated", zlib.compress(struct.pack("<16h", *RAW))),
    "deflate": ("deflated", zlib.compress(struct.pack("<16h", *RAW), 9)[2:]),
    "value": ("value", struct.pack("<d", 61.837465)),
    "value in a log": ("value", b"rate=61.837465\n"),
    "epoch": ("time", b"at 1712345678 "),
    "time": ("time", struct.pack("<d", T_S)),
    "milliseconds": ("time", struct.pack("<q", 1_712_345_678_250)),
    "ISO": ("time", b"2024-04-05T19:34:38Z"),
    "name": ("name", b"<kanarienvogel>"),
    "name, wide": ("name", "kanarienvogel".encode("utf-16-le")),
    "sentence": ("text", b"... Your pulse was calm. ..."),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lead", [0, 1, 7, planted.BLOCK - 3])
def test_each_form_is_found_at_any_place(form, lead, tmp_path):
    """Also across the border of two pieces."""
    kind, data = FORMS[form]
    (tmp_path / "image").write_bytes(b"\0" * lead + data + b"\0" * 64)
    found = planted.search(tmp_path / "image", WANTED)
    assert found[kind] >= 1
    assert sum(found.values()) - found[kind] == 0


def test_nothing_is_found_in_noise_or_in_nothing(tmp_path):
    (tmp_path / "noise").write_bytes(random.Random(1).randbytes(1 << 23))
    (tmp_path / "empty").write_bytes(b"")
    for name in ("noise", "empty"):
        assert planted.search(tmp_path / name, WANTED) == dict.fromkeys(WANTED, 0)


def test_no_pattern_is_so_plain_that_it_turns_up_by_chance():
    flat = Frame("zaunkoenig", "ecg", 1, 0, 0, T_S, 250.0, "mV", 0.005, 0.0, (0,) * 64)
    forms = planted.patterns({"me"}, [flat], [])
    assert forms["sample"] == set()
    assert all(planted.telling(p) for kind in WANTED.values() for p in kind)
    assert not planted.telling(b"me")
    assert not planted.telling(b"\0" * 16)


def test_a_pattern_that_begins_with_zeros_is_found_and_zeros_are_not(tmp_path):
    """Or every hole of an image would be compared with it."""
    wanted = {"sample": {bytes(12) + b"kanarie" + bytes(4)}}
    (tmp_path / "image").write_bytes(bytes(1000) + b"kanari" + bytes(1000))
    assert planted.search(tmp_path / "image", wanted) == {"sample": 0}
    (tmp_path / "image").write_bytes(bytes(1000) + b"kanarie" + bytes(1000))
    assert planted.search(tmp_path / "image", wanted) == {"sample": 1}


def test_a_careless_program_betrays_every_kind(tmp_path):
    """The control: what is found of a day kept in the clear."""
    rows = [b"kanarienvogel", *planted.careless([FRAME], DERIVED)]
    (tmp_path / "plain").write_bytes(b"\n".join(rows))
    assert all(planted.search(tmp_path / "plain", WANTED).values())
